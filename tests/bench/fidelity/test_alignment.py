"""The benchmark's measures of alignment, on points whose wobble is known."""

import math

import numpy as np
import pytest

from bench.fidelity.alignment import inside, unrest, wobble
from fmdata.pipeline.geometry.points import STABLE

FACE = np.random.default_rng(0).uniform(50, 150, (len(STABLE), 2))
HALF = np.array([[0.5, 0, 0], [0, 0.5, 0]])


def sway(n: int, pixels: float) -> np.ndarray:
    """A face that stands `pixels` to the left and to the right of its place by turns."""
    return FACE + pixels * np.array([(-1.0) ** t for t in range(n)])[:, None, None] * [1, 0]


def test_unrest_is_the_rms_distance_from_the_mean() -> None:
    assert unrest(sway(10, 3.0)) == pytest.approx(3)
    assert unrest(sway(10, 0.0)) == pytest.approx(0, abs=1e-9)
    assert math.isnan(unrest(sway(0, 1.0)))


def test_wobble_is_measured_in_the_crop_and_apart_for_neutral_frames() -> None:
    """Transforms that only halve leave the whole sway in the crop: half of 4 pixels.

    The sway stops for the neutral frames; the best transforms would undo it altogether.
    """
    still = np.repeat(FACE[None], 10, axis=0)
    moving = np.concatenate([still, sway(10, 4.0)])
    neutral = np.arange(20) < 10
    result = wobble(moving, still.repeat(2, axis=0), np.repeat(HALF[None], 20, axis=0), neutral)
    assert result.found_neutral == pytest.approx(0, abs=1e-9)
    assert result.found == pytest.approx(2 / np.sqrt(2))
    assert result.true == pytest.approx(0, abs=1e-9)
    other = wobble(still.repeat(2, axis=0), moving, np.repeat(HALF[None], 20, axis=0), neutral)
    assert other.true == pytest.approx(2 / np.sqrt(2))
    assert other.best == pytest.approx(0, abs=1e-6)


def test_the_best_transforms_leave_a_turn_in_depth() -> None:
    """The first point moves against the others, as the tip of the nose does."""
    turned = np.repeat(FACE[None], 40, axis=0)
    turned[::2, 0, 0] += 6
    result = wobble(turned, turned, np.repeat(HALF[None], 40, axis=0), np.ones(40, bool))
    assert 0 < result.best < result.true


def test_inside_counts_pixels_of_the_crop() -> None:
    """Of four points two lie on the outermost pixels, one beyond each of two edges."""
    points = np.array([[[0.0, 0], [222, 222], [223, 100], [100, -1]]])
    assert inside(points, HALF[None], 112) == 0.5
