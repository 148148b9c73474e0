"""Colour distortion equals its four changes applied in turn, pixel by pixel."""

import colorsys
import math

import numpy as np
import pytest
import torch

from fmdata.train.views.colour import LUMA, distort


def grey_of(pixel: list[float]) -> float:
    return sum(w * c for w, c in zip(LUMA, pixel, strict=True))


def test_brightness_contrast_saturation_and_hue_are_applied_in_turn() -> None:
    """Colours near the middle and small changes, so that no value is clipped at 0 or 1."""
    rng = np.random.default_rng(0)
    images = torch.tensor(rng.uniform(0.45, 0.55, (3, 2, 3, 2, 2)), dtype=torch.float32)
    drawn = torch.Generator().manual_seed(0)
    result = distort(images, torch.Generator().manual_seed(0), 0.2, 0.2, 0.2, 0.1)
    factors = [
        (1 + s * (2 * torch.rand(3, generator=drawn) - 1)).tolist() for s in (0.2, 0.2, 0.2, 0.1)
    ]
    for i, (bright, strong, vivid, turn) in enumerate(zip(*factors, strict=True)):
        pixels = images[i].permute(0, 2, 3, 1).reshape(-1, 3).tolist()
        pixels = [[bright * c for c in p] for p in pixels]
        mean = sum(grey_of(p) for p in pixels) / len(pixels)
        pixels = [[(c - mean) * strong + mean for c in p] for p in pixels]
        pixels = [[(c - grey_of(p)) * vivid + grey_of(p) for c in p] for p in pixels]
        angle = 2 * math.pi * (turn - 1)
        after = result[i].permute(0, 2, 3, 1).reshape(-1, 3).tolist()
        for p, seen in zip(pixels, after, strict=True):
            level = sum(p) / 3
            # About the grey axis: the part along it stays, the rest turns in its plane.
            off = [c - level for c in p]
            across = [(off[2] - off[1]), (off[0] - off[2]), (off[1] - off[0])]
            for k in range(3):
                wanted = (
                    level + math.cos(angle) * off[k] + math.sin(angle) * across[k] / math.sqrt(3)
                )
                assert seen[k] == pytest.approx(wanted, abs=1e-5)


def test_a_third_of_a_turn_of_hue_makes_red_green() -> None:
    red = torch.tensor([0.8, 0.2, 0.2]).reshape(1, 3, 1, 1)
    generator = torch.Generator().manual_seed(0)
    drawn = [distort(red, generator, 0, 0, 0, 0.5).flatten().tolist() for _ in range(500)]
    # Of 500 draws, one is near a third of a turn.
    turned = min(drawn, key=lambda colour: abs(colorsys.rgb_to_hsv(*colour)[0] - 1 / 3))
    assert turned == pytest.approx([0.2, 0.8, 0.2], abs=0.05)


def test_items_that_are_not_drawn_are_unchanged() -> None:
    images = torch.rand(40, 2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    after = distort(images, torch.Generator().manual_seed(1), share=0.5)
    same = [bool(torch.equal(a, b)) for a, b in zip(images, after, strict=True)]
    assert 8 < sum(same) < 32
    assert float(after.min()) >= 0
    assert float(after.max()) <= 1
