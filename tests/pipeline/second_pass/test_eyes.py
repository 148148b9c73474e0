"""Lid motion is measured in painted frames whose lids are known."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from fmdata.catalog.storage.npy import NpyFile, npy_writer
from fmdata.catalog.types import Track
from fmdata.pipeline.reading.decode import Frame
from fmdata.pipeline.second_pass.eyes import EYES_SHAPE, find_eyes, measure_lids, record_eyes
from fmdata.pipeline.second_pass.registration import CORNERS, LEFT, LOWER, MAX_CLOSURE, RIGHT, UPPER
from fmdata.pipeline.spotting.eyelids import Lids
from tests.helpers.faces import film

CLOSES = np.array([0, 0, 0, 0, 0.1, 0.2, 0.3, 0.3, 0.3, 0.2, 0.1, 0, 0, 0, 0])
"""Closure of an eye, as a share of its height; 0 in most frames."""


def still(n: int) -> Track:
    return film(n, jitter=0.0)


def painted(
    track: Track, left: Sequence[float], right: Sequence[float], *, drift: float = 0.0
) -> Iterator[Frame]:
    """Paint dark irises into white eyes; the lids move down by a share of the eye's height.

    With `drift` the light changes from frame to frame, and the eyes shift by so many pixels.
    """
    y, x = np.indices((track.height, track.width)).astype(np.float64)
    for t, shares in enumerate(zip(left, right, strict=True)):
        points = track.landmarks[0:1][0, :, :2] + drift * np.array([np.sin(t), np.cos(2 * t)])
        skin = 160 + 8 * np.sin(x / 5) + 8 * np.sin(y / 4)
        grey = skin.copy()
        for eye, share in zip((LEFT, RIGHT), shares, strict=True):
            outer, inner = points[eye[CORNERS]]
            half, middle = abs(inner[0] - outer[0]) / 2, (outer + inner) / 2
            edge, floor = (
                np.polyval(np.polyfit(*points[eye[[*CORNERS, *lid]]].T, 2), x)
                for lid in (UPPER, LOWER)
            )
            hump = np.clip(1 - ((x - middle[0]) / half) ** 2, 0, None)
            down = share * np.ptp(points[eye, 1]) * hump
            # The row that the skin above the lid moved from; it moved less, the further up.
            source = y - down * np.exp(-(((y - edge - down) / (0.5 * half)) ** 2))
            lid = cv2.remap(skin, x.astype("f4"), source.astype("f4"), cv2.INTER_LINEAR)
            lid -= 60 * np.exp(-((source - edge) ** 2) / 3) * (hump > 0)  # lashes
            iris = np.clip(0.4 * half - np.hypot(x - middle[0], y - middle[1]), 0, 2) / 2
            opened = np.clip(np.minimum(y - edge - down, floor - y), 0, 1)
            near = (np.abs(x - middle[0]) < 1.5 * half) & (np.abs(y - middle[1]) < half)
            grey = np.where(near, (1 - opened) * lid + opened * (200 - 140 * iris), grey)
        grey *= 1 + 0.4 * drift * np.sin(t)
        rgb = np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
        yield Frame(t, t / 30, rgb)


def in_place(track: Track) -> np.ndarray:
    """Return transforms to crops that are the frame, shifted to the face."""
    return np.tile([[1.0, 0, -200], [0, 1, -150]], (track.n_frames, 1, 1))


def measured(track: Track, frames: Iterator[Frame], file: Path) -> Lids | None:
    eyes = find_eyes(track, in_place(track))
    with npy_writer(file, np.dtype(np.uint8), (track.n_frames, *EYES_SHAPE)) as pictures:
        for _ in record_eyes(frames, in_place(track), eyes, pictures):
            pass
    return measure_lids(NpyFile(file), eyes)


def height_iod(track: Track) -> float:
    """Return the height of the left eye, in interocular distances of the track, 80 pixels."""
    return float(np.ptp(track.landmarks[0:1][0, LEFT, 1])) / 80


@pytest.mark.parametrize("drift", [0.0, 0.25])
def test_the_motion_of_one_eye_is_measured_and_the_other_is_still(
    tmp_path: Path, drift: float
) -> None:
    """The light may change, and the eyes need not be exactly in their place."""
    track = still(len(CLOSES))
    frames = painted(track, CLOSES, 0 * CLOSES, drift=drift)
    lids = measured(track, frames, tmp_path / "eyes.npy")
    assert lids is not None
    known = lids.known.all(axis=1)
    assert known[CLOSES < 0.15].all()
    truth = height_iod(track) * CLOSES[known]
    assert lids.down[known, 0, 0] == pytest.approx(truth, abs=0.01)
    assert np.abs(lids.down[:, 1, 0]).max() < 0.008
    assert np.abs(lids.down[:, :, 1]).max() < 0.01


def test_the_measurement_rises_with_the_closure_until_the_lid_is_unknown(
    tmp_path: Path,
) -> None:
    """An eye that is nearly shut shows too little."""
    shares = np.concatenate([np.zeros(20), np.linspace(0, 1, 21)])
    track = still(len(shares))
    lids = measured(track, painted(track, shares, shares), tmp_path / "eyes.npy")
    assert lids is not None
    for eye in (0, 1):
        known = lids.known[:, eye]
        assert known[shares < 0.15].all()
        assert not known[shares > 0.9].any()
        upper = lids.down[known, eye, 0]
        assert np.diff(upper).min() > -0.002
        assert upper.max() <= MAX_CLOSURE * height_iod(track) + 1e-6


def test_an_eye_closed_for_most_of_the_clip_is_measured_against_its_open_frames(
    tmp_path: Path,
) -> None:
    """A held wink; the track shows it too, with a smaller amplitude."""
    closes = np.array([0.0] * 6 + [0.3] * 12)
    track = film(18, "wink", (6, 6, 18, 18), size=0.2, jitter=0.0)
    lids = measured(track, painted(track, closes, 0 * closes), tmp_path / "eyes.npy")
    assert lids is not None
    step = lids.down[8:, 0, 0].mean() - lids.down[:5, 0, 0].mean()
    assert step == pytest.approx(0.3 * height_iod(track), rel=0.25)
    assert find_eyes(track, in_place(track)).wide[0].max() < 6


def test_lids_are_unknown_in_frames_without_the_face(tmp_path: Path) -> None:
    closes = np.where(np.arange(12) == 6, 0.3, 0.0)
    track = replace(still(12), detected=np.arange(12) != 6)
    lids = measured(track, painted(track, closes, closes), tmp_path / "eyes.npy")
    assert lids is not None
    assert lids.known.any(axis=1).tolist() == track.detected.tolist()


def test_a_hidden_eye_is_not_measured(tmp_path: Path) -> None:
    """Hair blows over it: no two images are alike."""
    track, rng = still(12), np.random.default_rng(0)

    def covered() -> Iterator[Frame]:
        for frame in painted(track, np.zeros(12), np.zeros(12)):
            noise = cv2.resize(rng.uniform(0, 255, (120, 160)), (640, 480)).astype(np.uint8)
            yield replace(frame, rgb=np.repeat(noise[..., None], 3, axis=2))

    assert measured(track, covered(), tmp_path / "eyes.npy") is None


@pytest.mark.parametrize("level", [0, 37, 255])
def test_eyes_behind_a_bar_are_not_measured(tmp_path: Path, level: int) -> None:
    track = still(12)
    bars = (
        Frame(t, t / 30, np.full((track.height, track.width, 3), level, np.uint8))
        for t in range(12)
    )
    assert measured(track, bars, tmp_path / "eyes.npy") is None


@pytest.mark.parametrize("n", [1, 2, 600])
def test_a_clip_may_have_any_length(tmp_path: Path, n: int) -> None:
    """Frame numbers hold across blocks of frames too."""
    track = still(n)
    frame = next(painted(track, [0.0] * n, [0.0] * n))
    lids = measured(track, (replace(frame, index=t) for t in range(n)), tmp_path / "eyes.npy")
    assert lids is not None
    assert lids.known.all()
    assert np.abs(lids.down).max() < 1e-6


def test_a_head_that_turns_away_is_not_measured(tmp_path: Path) -> None:
    """The eyes are seen from the front in a third of the frames, then from the side."""
    track = still(18)
    middle = np.array([320.0, 240.0])

    def turning() -> Iterator[Frame]:
        for frame in painted(track, np.zeros(18), np.zeros(18)):
            away = float(frame.index > 5)
            narrow = np.array([[1 - 0.6 * away, 0.5 * away, 0], [0, 1, 0]])
            narrow[:, 2] = middle - narrow[:, :2] @ middle
            yield replace(frame, rgb=cv2.warpAffine(frame.rgb, narrow, (640, 480)))

    assert measured(track, turning(), tmp_path / "eyes.npy") is None


def test_frames_pass_unchanged_even_surplus_ones(tmp_path: Path) -> None:
    """The reader of the frames reports that there are too many."""
    track = still(3)
    frames = list(painted(still(5), np.zeros(5), np.zeros(5)))
    eyes = find_eyes(track, in_place(track))
    with (tmp_path / "eyes").open("wb") as file:
        passed = list(record_eyes(iter(frames), in_place(track), eyes, file))
    assert all(one is other for one, other in zip(passed, frames, strict=True))
    assert (tmp_path / "eyes").stat().st_size == 3 * np.prod(EYES_SHAPE)
