"""Head rotation of rotated meshes is measured, and artefacts known by construction are removed."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from fmdata.pipeline.spotting.head_rotation import head_rotation, without_rotation
from tests.helpers.faces import film

FPS, N, D = 30.0, 120, 40
RNG = np.random.default_rng(0)
DIRECTION, ARTEFACT = (v / np.linalg.norm(v) for v in RNG.standard_normal((2, D)))


def swing(period: float, degrees: float) -> np.ndarray:
    return degrees * np.sin(2 * np.pi * np.arange(N) / period)


def size(face: np.ndarray) -> float:
    return float(np.sqrt(((face - face.mean(0)) ** 2).sum(1).mean()))


def test_the_rotation_of_a_mesh_is_measured(face: np.ndarray) -> None:
    """Yaw swings by 8 degrees and pitch by 5; the error is half a degree, up to a sign."""
    true = np.stack([swing(60, 8), swing(45, 5)], axis=1)
    mesh = Rotation.from_euler("yx", true, degrees=True).as_matrix() @ face.T
    found = head_rotation(mesh.transpose(0, 2, 1).astype(np.float32), FPS)
    for k in range(2):
        sign = np.sign(found[:, k] @ true[:, k])
        assert np.abs(sign * found[:, k] - (true[:, k] - true[:, k].mean())).max() < 0.5


@pytest.mark.parametrize("raised", ["brows", "smile"])
def test_a_moving_face_does_not_look_like_head_rotation(raised: str) -> None:
    track = film(75, raised, (20, 30, 45, 57), jitter=0.0)
    assert np.abs(head_rotation(track.landmarks, FPS)).max() < 1.5


def test_an_artefact_of_rotation_is_removed() -> None:
    """A degree deforms the face by 0.0012 IOD, over a swing of 8 degrees; a quarter remains."""
    rotation = np.stack([swing(60, 8), np.zeros(N)], axis=1)
    face = 0.0012 * rotation[:, :1] * ARTEFACT + RNG.normal(0, 0.0002, (N, D))
    assert size(without_rotation(face, rotation, FPS)) < 0.4 * size(face)


def test_in_doubt_an_artefact_hardly_increases_its_own_penalty() -> None:
    """A swing of two degrees deforms the face by 0.006 IOD; its own motion is a tenth of that.

    With the variance of the whole displacement as penalty, a good part of the artefact remains.
    """
    rotation = np.stack([swing(60, 2), np.zeros(N)], axis=1)
    face = 0.003 * rotation[:, :1] * ARTEFACT + RNG.normal(0, 0.0001, (N, D))
    assert size(without_rotation(face, rotation, FPS)) > 0.25 * size(face)
    assert size(without_rotation(face, rotation, FPS, in_doubt=True)) < 0.18 * size(face)


def test_a_motion_remains_if_the_head_rotated_with_it() -> None:
    """The course of a motion distinguishes it from a rotation that partly follows it."""
    course = np.zeros(N)
    course[30:75] = 1.0
    rotation = np.stack([6 * course + swing(50, 4), np.zeros(N)], axis=1)
    rotation -= rotation.mean(0)
    motion = 0.04 * course[:, None] * DIRECTION
    face = motion + 0.0012 * rotation[:, :1] * ARTEFACT
    blind, knowing = (
        without_rotation(face, rotation, FPS),
        without_rotation(face, rotation, FPS, motion=course),
    )
    height = [f[30:75].mean(0) @ DIRECTION - f[80:].mean(0) @ DIRECTION for f in (blind, knowing)]
    assert height[0] < 0.035
    assert height[1] == pytest.approx(0.04, abs=0.002)


def test_a_still_face_is_unchanged() -> None:
    still = np.zeros((N, D))
    assert not without_rotation(still, np.zeros((N, 2)), FPS).any()
