"""The four kinds of crops, on tracks with a real face's geometry that turns and moves its mouth."""

import numpy as np
import pytest

from fmdata.catalog.types import Track
from fmdata.pipeline.cropping.align import align
from fmdata.pipeline.cropping.placement import ARCFACE, five_points
from fmdata.pipeline.geometry.points import IOD_POINTS, interocular_distance, to_68
from fmdata.pipeline.geometry.similarity import apply, fit_2d
from tests.helpers.faces import film

FPS = 30.0
SMILE = (10, 20, 40, 50)


def in_crop(track: Track, size: int, kind: str, scale: float = 1.0) -> np.ndarray:
    """Return the landmarks in crop pixels, float64 [T, 478, 2]."""
    transforms = align(track, FPS, size, kind, scale).astype(np.float64)
    return apply(transforms, track.landmarks[..., :2].astype(np.float64))


@pytest.mark.parametrize("size", [112, 224])
def test_the_five_points_lie_as_near_to_the_template_as_a_similarity_brings_them(size: int) -> None:
    """No further similarity brings them nearer: the best one is none at all."""
    points = in_crop(film(60, "smile", SMILE, head=1.0), size, "arcface")
    median = five_points(np.median(points, axis=0))
    best = fit_2d(median, (ARCFACE + 0.5) * size / 112 - 0.5)
    np.testing.assert_allclose(apply(best, median), median, atol=2e-3 * size)


def test_an_open_mouth_does_not_pull_the_template_along() -> None:
    """The corners of the mouth are fitted once, in the median face, not in every frame."""
    still = film(60, "jaw", SMILE, jitter=0.0)
    transforms = align(still, FPS, 112, "arcface").astype(float)
    shift = np.abs(apply(transforms, np.full((1, 1, 2), 320.0))).squeeze()
    assert np.ptp(shift, axis=0).max() < 0.2


def test_the_mouth_is_at_the_centre_and_wholly_inside() -> None:
    """The wide mouth of the portrait takes 55 % of the width; a dropped jaw stays in the crop."""
    points = in_crop(film(60, "jaw", SMILE), 96, "mouth")
    lips = to_68(points)[:, 48:60]
    np.testing.assert_allclose(np.median(lips.mean(axis=1), axis=0), [47.5, 47.5], atol=2.0)
    width = np.median(np.ptp(lips[..., 0], axis=1))
    assert 0.50 * 96 < width < 0.60 * 96
    assert 0 <= lips.min() <= lips.max() <= 95


def test_a_static_crop_is_one_placement_in_which_the_head_moves() -> None:
    track = film(60, "smile", SMILE, head=8.0)
    transforms = align(track, FPS, 112, "static")
    assert (transforms == transforms[0]).all()
    points = in_crop(track, 112, "static")
    assert 0 <= points.min() <= points.max() <= 111
    follows, static = in_crop(track, 112, "face")[:, 4], points[:, 4]  # the tip of the nose
    assert np.ptp(static, axis=0).max() > 2 * np.ptp(follows, axis=0).max()


@pytest.mark.parametrize("kind", ["face", "arcface", "mouth", "static"])
@pytest.mark.parametrize("scale", [0.5, 0.8, 1.5])
def test_scale_changes_the_size_of_the_face_alone(kind: str, scale: float) -> None:
    track = film(60, "smile", SMILE)
    usual, scaled = (in_crop(track, 112, kind, s) for s in (1.0, scale))
    sizes = [np.median(interocular_distance(points)) for points in (usual, scaled)]
    assert sizes[1] / sizes[0] == pytest.approx(scale, rel=1e-3)
    level = [np.diff(points[0, IOD_POINTS, 1]) for points in (usual, scaled)]
    assert np.abs(level).max() < 0.05 * sizes[1]
