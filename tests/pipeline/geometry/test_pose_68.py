"""Head pose from 68 points: known rotations of a face, and agreement with MediaPipe."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from fmdata.pipeline.geometry.points import MIRROR_68, STABLE_68, to_68
from fmdata.pipeline.geometry.pose import CANONICAL, angles, pose_of_68
from fmdata.pipeline.landmarks.face import Landmarker

POSES = [(0, 0, 0), (30, 0, 0), (0, 25, 0), (0, 0, -40), (-35, 20, 15), (50, -30, 70)]


def turned(yaw: float, pitch: float, roll: float) -> Rotation:
    """Return R = Ry · Rx · Rz in x right, y up, z to the viewer."""
    return Rotation.from_euler("YXZ", [yaw, pitch, roll], degrees=True)


def points_of(rotation: Rotation) -> np.ndarray:
    """Return 68 points in pixels, 40 a cm: the stable ones rotated, the others random."""
    points = np.random.default_rng(0).normal(0, 100, (68, 3))
    points[STABLE_68] = 40 * rotation.apply(CANONICAL) * (1, -1, -1) + (320, 240, -10)
    return points


@pytest.mark.parametrize("pose", POSES)
def test_a_known_rotation_is_measured(pose: tuple[float, float, float]) -> None:
    rotation = turned(*pose)
    assert angles(rotation.as_matrix()) == pytest.approx(pose, abs=1e-3)
    assert pose_of_68(points_of(rotation)) == pytest.approx(pose, abs=1e-3)


@pytest.mark.parametrize("pose", POSES)
def test_a_mirrored_face_has_negated_yaw_and_roll(pose: tuple[float, float, float]) -> None:
    mirrored = points_of(turned(*pose))[MIRROR_68] * (-1, 1, 1)
    assert pose_of_68(mirrored) == pytest.approx(np.array(pose) * (-1, 1, -1), abs=1e-3)


def test_signs_are_those_of_the_image() -> None:
    """Yaw +: the nose to the right. Pitch +: the nose down. Roll +: counter-clockwise."""
    nose, left_eye, right_eye = 30, 36, 45
    straight = points_of(turned(0, 0, 0))
    assert points_of(turned(20, 0, 0))[nose, 0] > straight[nose, 0]
    assert points_of(turned(0, 20, 0))[nose, 1] > straight[nose, 1]
    rolled = points_of(turned(0, 0, 20))
    assert rolled[right_eye, 1] < rolled[left_eye, 1]


def test_the_canonical_face_is_mirror_symmetric() -> None:
    order = [STABLE_68.tolist().index(MIRROR_68[point]) for point in STABLE_68]
    np.testing.assert_array_equal(CANONICAL[order] * (-1, 1, 1), CANONICAL)


def test_the_pose_of_68_points_agrees_with_mediapipe(
    portrait: np.ndarray, landmarker: Landmarker
) -> None:
    """To 8 degrees: MediaPipe also fits the camera's perspective, which changes the pitch."""
    for picture in (portrait, portrait[:, ::-1].copy()):
        [face] = landmarker.detect(picture)
        assert pose_of_68(to_68(face.landmarks)) == pytest.approx(face.pose, abs=8)


def test_coinciding_points_have_a_finite_pose() -> None:
    assert np.isfinite(pose_of_68(np.full((68, 3), 7.0))).all()
