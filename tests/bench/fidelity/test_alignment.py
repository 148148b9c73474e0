"""The benchmark's measures of alignment, on points with a known wobble."""

import math

import numpy as np
import pytest

from bench.fidelity.alignment import inside, unrest, wobble
from fmdata.pipeline.geometry.points import STABLE

FACE = np.random.default_rng(0).uniform(50, 150, (len(STABLE), 2))
HALF = np.array([[0.5, 0, 0], [0, 0.5, 0]])


def sway(n: int, pixels: float) -> np.ndarray:
    """Return a face that alternates between `pixels` to the left and `pixels` to the right."""
    return FACE + pixels * np.array([(-1.0) ** t for t in range(n)])[:, None, None] * [1, 0]


def test_unrest_is_the_rms_distance_from_the_mean() -> None:
    assert unrest(sway(10, 3.0)) == pytest.approx(3)
    assert unrest(sway(10, 0.0)) == pytest.approx(0, abs=1e-9)
    assert math.isnan(unrest(sway(0, 1.0)))


def test_wobble_is_measured_in_crop_pixels_with_neutral_frames_apart() -> None:
    """Transforms that only scale by a half leave the sway in the crop: half of 4 pixels.

    There is no sway in neutral frames; the best transforms would remove all of it.
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


def test_the_best_transforms_cannot_remove_a_rotation_in_depth() -> None:
    """The first point moves against the others, as the tip of the nose does."""
    turned = np.repeat(FACE[None], 40, axis=0)
    turned[::2, 0, 0] += 6
    result = wobble(turned, turned, np.repeat(HALF[None], 40, axis=0), np.ones(40, bool))
    assert 0 < result.best < result.true


def test_inside_counts_the_outermost_pixels_of_the_crop() -> None:
    """Of four points two lie on the outermost pixels, and one beyond each of two edges."""
    points = np.array([[[0.0, 0], [222, 222], [223, 100], [100, -1]]])
    assert inside(points, HALF[None], 112) == 0.5
