"""Responses to nuisances, known by construction, are removed; a motion beside them is not."""

import numpy as np
import pytest

from fmdata.pipeline.spotting.nuisances import Nuisance, subtract

FPS, N, D = 30.0, 120, 40
RNG = np.random.default_rng(0)
MOTION, RESPONSE = (v / np.linalg.norm(v) for v in RNG.standard_normal((2, D)))


def swing(period: float, degrees: float) -> np.ndarray:
    return degrees * np.sin(2 * np.pi * np.arange(N) / period)


def steps(*spans: tuple[int, int]) -> np.ndarray:
    """Return a course that is 1 in some spans of frames and 0 elsewhere."""
    course = np.zeros(N)
    for start, stop in spans:
        course[start:stop] = 1.0
    return course


def noise(size: float = 0.001) -> np.ndarray:
    return RNG.normal(0, size / np.sqrt(D), (N, D))


def size(face: np.ndarray) -> float:
    return float(np.sqrt(((face - face.mean(0)) ** 2).sum(1).mean()))


def test_a_response_to_head_rotation_is_removed() -> None:
    """A degree deforms the face by 0.0012 IOD, over a swing of 8 degrees; a tenth remains."""
    angle = swing(60, 8)
    face = 0.0012 * angle[:, None] * RESPONSE
    assert size(subtract([Nuisance(angle, 0.003)], face + noise(), FPS)) < 0.2 * size(face)


def test_a_small_prior_attributes_little_to_a_nuisance() -> None:
    angle = swing(60, 8)
    face = 0.0012 * angle[:, None] * RESPONSE
    assert size(subtract([Nuisance(angle, 0.00001)], face.copy(), FPS)) > 0.9 * size(face)


def test_a_motion_that_coincides_with_an_opening_eye_is_not_attributed_to_the_blink() -> None:
    """The eyes close in a still face and open as the motion begins: closing shows its response."""
    blink, motion = steps((30, 37)), steps((37, 80))
    moved = 0.04 * motion[:, None] * MOTION
    face = moved + 0.012 * blink[:, None] * RESPONSE + noise()
    left = subtract([Nuisance(blink, 0.25)], face, FPS)
    assert np.abs((left[32:36].mean(0) - left[20:28].mean(0)) @ RESPONSE) < 0.003
    assert (left[40:70].mean(0) - left[20:28].mean(0)) @ MOTION == pytest.approx(0.04, abs=0.003)


def test_a_motion_remains_if_the_head_nods_with_it() -> None:
    """The head nods by 10 degrees just as the face moves, and swings by 4 at other times."""
    motion = steps((30, 75))
    angle = 10 * np.convolve(motion, np.ones(7) / 7, "same") + swing(50, 4)
    face = 0.04 * motion[:, None] * MOTION + 0.0005 * angle[:, None] * RESPONSE + noise()
    left = subtract([Nuisance(angle, 0.0005)], face, FPS)
    height = (left[40:70].mean(0) - left[85:].mean(0)) @ MOTION
    assert height == pytest.approx(0.04, abs=0.006)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_still_face_of_few_frames_is_unchanged(n: int) -> None:
    face = np.zeros((n, D))
    assert not subtract([Nuisance(np.zeros(n), 1.0)], face, FPS).any()
