"""How a face moves once its head is held still: the displacement that motions are spotted in.

The head is taken out by a similarity in space, not in the plane: turning the head would otherwise
look like a motion of the face. Blinks are left out by leaving out the eyes, except for what one
lid does and the other does not, because a blink closes both eyes and a wink closes one.
"""

import numpy as np

from fmdata.catalog.types import Track
from fmdata.pipeline.points import (
    LEFT_EYE_68,
    RIGHT_EYE_68,
    STABLE,
    STABLE_PAIRS,
    interocular_distance,
    to_68,
)
from fmdata.pipeline.similarity import apply, to_median

FACE_68 = np.array([*range(36), *range(48, 68)])  # all but the eyes
LIDS = np.array([1, 2, 4, 5])  # of an eye's six points, those that are not its corners
# Two lids never blink quite alike: what is less than this share of their common motion is a
# blink's own asymmetry. Blinks of twelve people stay below 0.24; a wink makes 1.4.
BLINK_ASYMMETRY = 0.3


def displacement(track: Track) -> np.ndarray:
    """Positions of the face's points with the head held still, upright and of unit size.

    Parameters
    ----------
    track : Track
        The face in every frame.

    Returns
    -------
    float64 [T, 60, 2]
        x to the image's right and y down, in interocular distances, weighted so that the squared
        differences of two frames add up to the mean square over the 56 points outside the eyes,
        plus that over the eyelids, where only the difference of the two eyes counts.
    """
    points = to_68(_still(track.landmarks.astype(np.float64)))[..., :2]
    face, lids = points[:, FACE_68], _lid_asymmetry(points)
    return np.concatenate([face / np.sqrt(len(FACE_68)), lids / np.sqrt(2 * len(LIDS))], 1)


def _still(landmarks: np.ndarray) -> np.ndarray:
    """Take head motion, yaw, roll and size out of a mesh [T, 478, 3]."""
    faces = apply(to_median(landmarks[:, STABLE]), landmarks)
    median = np.median(faces, axis=0)
    return faces @ _upright(median).T / max(float(interocular_distance(median)), 1e-6)


def _upright(face: np.ndarray) -> np.ndarray:
    """Rotation that lays the line between the eyes along x, so that mirroring is x to -x."""
    across = (face[STABLE_PAIRS[:, 1]] - face[STABLE_PAIRS[:, 0]]).sum(0)
    x = across / max(float(np.linalg.norm(across)), 1e-6)
    down = np.array([0.0, 1.0, 0.0]) - x[1] * x
    y = down / max(float(np.linalg.norm(down)), 1e-6)
    return np.stack([x, y, np.cross(x, y)])


def _lid_asymmetry(points: np.ndarray) -> np.ndarray:
    """Keep what one eye's lids do and the other's do not, float64 [T, 4, 2], of [T, 68, 2]."""
    left, right = points[:, LEFT_EYE_68[LIDS]], points[:, RIGHT_EYE_68[LIDS]] * [-1.0, 1.0]
    left, right = left - np.median(left, axis=0), right - np.median(right, axis=0)
    single, both = left - right, (left + right) / 2
    size = np.linalg.norm(single, axis=(1, 2)) / np.sqrt(2 * len(LIDS))
    blink = np.linalg.norm(both, axis=(1, 2)) / np.sqrt(len(LIDS))
    keep = np.clip(1 - BLINK_ASYMMETRY * blink / np.maximum(size, 1e-9), 0, 1)
    return single * keep[:, None, None]
