"""The rotation of rotated meshes is measured."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from fmdata.pipeline.spotting.head_rotation import head_rotation
from tests.helpers.faces import film

FPS, N = 30.0, 120


def swing(period: float, degrees: float) -> np.ndarray:
    return degrees * np.sin(2 * np.pi * np.arange(N) / period)


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
