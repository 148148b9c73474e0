"""Placement of clips, the same for all frames of a clip."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from fmdata.train.views.clips import TURNS_DEG, centre_crop, place, random_place

SIDE, SIZE = 40, 32


def spot_clips(n: int, x: float, y: float) -> Tensor:
    """Draw dark clips, two frames each, with a soft bright spot right and down of the middle."""
    at = torch.arange(SIDE) - (SIDE - 1) / 2
    spot = torch.exp(-((at[None, :] - x) ** 2 + (at[:, None] - y) ** 2) / 8)
    return spot.expand(n, 2, 3, SIDE, SIDE).clone()


def centre_of(image: Tensor) -> tuple[float, float]:
    """Return the centre of an image's light, right and down of the middle, in pixels."""
    at = torch.arange(SIZE) - (SIZE - 1) / 2
    total = image.sum()
    return float((image.sum(0) * at).sum() / total), float((image.sum(1) * at).sum() / total)


@pytest.mark.parametrize("turn", [-7.0, 0.0, 5.0])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_spot_is_placed_by_shift_rotation_and_mirroring(turn: float, mirrored: bool) -> None:
    """In the square's coordinates: shifted and rotated the other way, then mirrored."""
    x, y, shift = 6.0, -4.0, (2.0, -1.0)
    cut = place(
        spot_clips(1, x, y), SIZE, torch.tensor([shift]), torch.tensor([turn]),
        torch.tensor([mirrored]),
    )  # fmt: skip
    angle = math.radians(turn)
    dx, dy = x - shift[0], y - shift[1]
    u = math.cos(angle) * dx + math.sin(angle) * dy
    v = -math.sin(angle) * dx + math.cos(angle) * dy
    for frame in cut[0]:
        assert centre_of(frame[0]) == pytest.approx((-u if mirrored else u, v), abs=0.15)


def test_a_placement_without_change_is_the_centre_crop() -> None:
    clips = torch.rand(2, 3, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    still = place(clips, SIZE, torch.zeros(2, 2), torch.zeros(2), torch.zeros(2).bool())
    torch.testing.assert_close(still, centre_crop(clips, SIZE), atol=1e-5, rtol=0)
    assert torch.equal(centre_crop(clips, SIZE), clips[..., 4:36, 4:36])


def test_clips_are_rotated_by_2_5_or_7_degrees_and_half_are_flipped() -> None:
    """Two spots, left and right of the middle; the left one is bright in the first frame only."""
    clips = spot_clips(200, 10, 0) + spot_clips(200, -10, 0)
    clips[:, 1] = spot_clips(200, 10, 0)[:, 1]
    cut, mirrored = random_place(clips, SIZE, torch.Generator().manual_seed(0), flip=True)
    turns, right = [], []
    for both, one in cut[:, :, 0]:
        (x, y), (a, b) = centre_of(both), centre_of(one)
        turns.append(math.degrees(math.atan((b - y) / (a - x))))
        right.append(a > x)
    turns_to_the_right = {round(t) for t in turns}
    assert turns_to_the_right == {s * int(t) for t in TURNS_DEG for s in (-1, 1)}
    assert 0.4 < np.mean(right) < 0.6
    assert mirrored.tolist() == [not one for one in right]
    unflipped, none = random_place(clips, SIZE, torch.Generator().manual_seed(0), flip=False)
    assert not none.any()
    assert all(centre_of(one)[0] > centre_of(both)[0] for both, one in unflipped[:, :, 0])


def test_crops_are_drawn_from_the_whole_image() -> None:
    """A rotation about the crop's centre keeps the distance of the middle: 0 to 4 root 2."""
    generator = torch.Generator().manual_seed(0)
    cut, _ = random_place(spot_clips(300, 0, 0), SIZE, generator, flip=False)
    away = np.array([math.hypot(*centre_of(frames[0, 0])) for frames in cut])
    assert away.min() == pytest.approx(0, abs=0.1)
    assert away.max() == pytest.approx(4 * math.sqrt(2), abs=0.1)
    assert len(set(away.round(1))) > 10  # of 15 distances on a grid of 9 by 9
