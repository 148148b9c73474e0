"""Known similarity transforms are recovered exactly, and no fit is a reflection."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from fmdata.pipeline.geometry.similarity import apply, compose, fit_2d, fit_3d, to_median


def similarity(rng: np.random.Generator, dimensions: int) -> np.ndarray:
    """Return a similarity with a random rotation, a scale of 0.5 to 2, and a large translation."""
    angles = rng.uniform(-np.pi, np.pi, 3) * ([0, 0, 1] if dimensions == 2 else [1, 1, 1])
    turn = Rotation.from_euler("xyz", angles).as_matrix()[:dimensions, :dimensions]
    return np.column_stack([rng.uniform(0.5, 2) * turn, rng.uniform(-300, 300, dimensions)])


@pytest.mark.parametrize("dimensions", [2, 3])
def test_a_known_similarity_is_recovered_exactly(dimensions: int) -> None:
    rng = np.random.default_rng(dimensions)
    fit = fit_2d if dimensions == 2 else fit_3d
    target = rng.normal(size=(20, dimensions))
    known = np.stack([similarity(rng, dimensions) for _ in range(7)])
    # The sources are transformed so that the fit must return the known similarities.
    source = apply(known, target)
    found = fit(source, target)
    np.testing.assert_allclose(
        apply(found, source), np.broadcast_to(target, source.shape), atol=1e-9
    )


def test_no_transform_near_the_fit_is_better() -> None:
    rng = np.random.default_rng(5)
    source, target = rng.normal(size=(1, 20, 3)), rng.normal(size=(20, 3))
    best = fit_3d(source, target)
    error = np.square(apply(best, source) - target).sum()
    for _ in range(50):
        near = compose(similarity_near_identity(rng), best[0])[None]
        assert np.square(apply(near, source) - target).sum() >= error


def similarity_near_identity(rng: np.random.Generator) -> np.ndarray:
    turn = Rotation.from_rotvec(rng.normal(0, 0.01, 3)).as_matrix()
    return np.column_stack([rng.normal(1, 0.01) * turn, rng.normal(0, 0.01, 3)])


def test_a_fit_to_a_mirror_image_is_not_a_reflection() -> None:
    rng = np.random.default_rng(2)
    target = rng.normal(size=(20, 3))
    for fit, n in ((fit_2d, 2), (fit_3d, 3)):
        flipped = target[None, :, :n] * ([-1] + [1] * (n - 1))
        assert np.linalg.det(fit(flipped, target[:, :n])[0, :, :-1]) > 0


def test_coinciding_points_have_scale_1() -> None:
    found = fit_3d(np.full((1, 20, 3), 7.0), np.random.default_rng(0).normal(size=(20, 3)))
    assert np.isfinite(found).all()
    np.testing.assert_allclose(fit_2d(np.zeros((20, 2)), np.ones((20, 2))), [[1, 0, 1], [0, 1, 1]])


def test_a_composition_applies_the_inner_transform_first() -> None:
    rng = np.random.default_rng(3)
    points = rng.normal(size=(20, 2))
    outer, inner = similarity(rng, 2), similarity(rng, 2)
    np.testing.assert_allclose(
        apply(compose(outer, inner), points), apply(outer, apply(inner, points))
    )


@pytest.mark.parametrize("dimensions", [2, 3])
def test_moved_copies_of_a_shape_are_aligned(dimensions: int) -> None:
    # A rigid shape that moves a little from frame to frame is its own median shape.
    rng = np.random.default_rng(4)
    shape = rng.normal(size=(20, dimensions)) * 50 + 200
    angles = rng.normal(0, 0.05, (30, 3)) * ([0, 0, 1] if dimensions == 2 else [1, 1, 1])
    turns = Rotation.from_euler("xyz", angles).as_matrix()[:, :dimensions, :dimensions]
    frames = shape @ turns.transpose(0, 2, 1) + rng.normal(0, 20, (30, 1, dimensions))
    together = apply(to_median(frames), frames)
    assert np.ptp(together, axis=0).max() < 1.0
