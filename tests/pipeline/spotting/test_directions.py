"""The direction of a motion is found in displacements whose directions are known.

The noise is that of a face at rest: 0.0025 interocular distances from frame to frame, and a slow
drift of the same size, over 120 numbers a frame.
"""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from fmdata.pipeline.spotting.directions import clearest_step, motion_directions

FPS, D = 25.0, 120
NO_ARTEFACT = np.zeros(60)


def noise(seed: int, n: int = 60) -> np.ndarray:
    rng = np.random.default_rng(seed)
    drift = gaussian_filter1d(rng.standard_normal((n, D)), 10, axis=0)
    drift *= 0.0025 / np.sqrt((drift**2).sum(1).mean())
    return rng.normal(0, 0.0025 / np.sqrt(D), (n, D)) + drift


def direction(seed: int) -> np.ndarray:
    way = np.random.default_rng(seed).standard_normal(D)
    return way / np.linalg.norm(way)


def moved(start: int, stop: int, size: float, way: np.ndarray, n: int = 60) -> np.ndarray:
    course = np.zeros(n)
    course[start:stop] = size
    return course[:, None] * way


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("start", "stop"), [(20, 40), (20, 60), (0, 30)])
def test_the_direction_of_a_faint_motion_is_found(seed: int, start: int, stop: int) -> None:
    """A motion four times the noise: the direction found is within 25 degrees of the true one."""
    way = direction(100 + seed)
    found = clearest_step(noise(seed) + moved(start, stop, 0.01, way), NO_ARTEFACT, FPS)
    assert np.linalg.norm(found) == pytest.approx(1)
    assert abs(found @ way) > 0.9


@pytest.mark.parametrize("seed", range(5))
def test_a_motion_of_three_frames_is_found_in_a_drift(seed: int) -> None:
    """The drift has more energy; the flash is the clearer step."""
    way, slow = direction(seed), direction(50 + seed)
    drift = np.linspace(-0.01, 0.01, 60)[:, None] * slow
    found = clearest_step(noise(seed) + drift + moved(30, 33, 0.03, way), NO_ARTEFACT, FPS)
    assert abs(found @ way) > 0.9


def test_frames_with_an_artefact_have_little_weight() -> None:
    """A blink displaces the face further than the motion."""
    way, blink = direction(0), direction(1)
    face = noise(0) + moved(20, 40, 0.015, way) + moved(48, 53, 0.03, blink)
    artefact = np.where((np.arange(60) >= 48) & (np.arange(60) < 53), 0.03, 0.0)
    assert abs(clearest_step(face, artefact, FPS) @ way) > 0.9


def test_two_phases_at_right_angles_have_two_directions() -> None:
    brow, mouth = np.eye(D)[3], np.eye(D)[70]
    face = noise(0) + moved(15, 30, 0.06, brow) + moved(28, 45, 0.05, mouth)
    along = face @ motion_directions(face, NO_ARTEFACT, FPS)
    assert along.shape == (60, 2)
    size = np.linalg.norm(along - along[0], axis=1)
    assert size[[18, 40]] == pytest.approx([0.06, 0.05], abs=0.01)


@pytest.mark.parametrize("seed", range(5))
def test_noise_has_no_second_direction(seed: int) -> None:
    face = noise(seed) + moved(20, 40, 0.01, direction(seed))
    assert motion_directions(face, NO_ARTEFACT, FPS).shape == (D, 1)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_a_clip_too_short_for_a_step_has_no_direction(n: int) -> None:
    assert not clearest_step(np.zeros((n, D)), np.zeros(n), FPS).any()
    assert not motion_directions(np.ones((n, D)), np.zeros(n), FPS).any()
