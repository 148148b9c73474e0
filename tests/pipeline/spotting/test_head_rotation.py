"""What follows the head: turns known from how the mesh was turned, bends known by construction."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from fmdata.catalog.types import Track
from fmdata.pipeline.spotting.head_rotation import turns, unbent

FPS, N, D = 30.0, 120, 40
RNG = np.random.default_rng(0)
WAY, BEND = (v / np.linalg.norm(v) for v in RNG.standard_normal((2, D)))


def swing(period: float, degrees: float) -> np.ndarray:
    return degrees * np.sin(2 * np.pi * np.arange(N) / period)


def size(face: np.ndarray) -> float:
    return float(np.sqrt(((face - face.mean(0)) ** 2).sum(1).mean()))


def test_turns_are_those_of_the_mesh(face: np.ndarray) -> None:
    """Yaw by 8 and pitch by 5 degrees, to and fro: measured to half a degree, up to a sign."""
    told = np.stack([swing(60, 8), swing(45, 5)], axis=1)
    mesh = Rotation.from_euler("yx", told, degrees=True).as_matrix() @ face.T
    found = turns(mesh.transpose(0, 2, 1).astype(np.float32), FPS)
    for k in range(2):
        sign = np.sign(found[:, k] @ told[:, k])
        assert np.abs(sign * found[:, k] - (told[:, k] - told[:, k].mean())).max() < 0.5


@pytest.mark.parametrize("raised", ["brows", "smile"])
def test_a_face_that_moves_does_not_seem_to_turn(film: Callable[..., Track], raised: str) -> None:
    track = film(75, raised, (20, 30, 45, 57), jitter=0.0)
    assert np.abs(turns(track.landmarks, FPS)).max() < 1.5


def test_what_follows_the_head_is_taken_out() -> None:
    """A degree bends the face by 0.0012, over 8 degrees to and fro: a quarter of it is left."""
    turned = np.stack([swing(60, 8), np.zeros(N)], axis=1)
    face = 0.0012 * turned[:, :1] * BEND + RNG.normal(0, 0.0002, (N, D))
    assert size(unbent(face, turned, FPS)) < 0.4 * size(face)


def test_in_doubt_a_bend_hardly_weighs_against_itself() -> None:
    """Two degrees to and fro bend a face by 0.006, and by itself it moves a tenth of that.

    Weighed against all that is seen, a good part of the bend would pass for the face's own.
    """
    turned = np.stack([swing(60, 2), np.zeros(N)], axis=1)
    face = 0.003 * turned[:, :1] * BEND + RNG.normal(0, 0.0001, (N, D))
    assert size(unbent(face, turned, FPS)) > 0.25 * size(face)
    assert size(unbent(face, turned, FPS, in_doubt=True)) < 0.18 * size(face)


def test_a_motion_stays_though_the_head_turned_with_it() -> None:
    """Once its course is known, a motion is told from a turn that half follows it."""
    course = np.zeros(N)
    course[30:75] = 1.0
    turned = np.stack([6 * course + swing(50, 4), np.zeros(N)], axis=1)
    turned -= turned.mean(0)
    motion = 0.04 * course[:, None] * WAY
    face = motion + 0.0012 * turned[:, :1] * BEND
    blind, knowing = unbent(face, turned, FPS), unbent(face, turned, FPS, motion=course)
    height = [f[30:75].mean(0) @ WAY - f[80:].mean(0) @ WAY for f in (blind, knowing)]
    assert height[0] < 0.035
    assert height[1] == pytest.approx(0.04, abs=0.002)


def test_a_still_face_stays_as_it_is() -> None:
    still = np.zeros((N, D))
    assert not unbent(still, np.zeros((N, 2)), FPS).any()
