"""Head pose: yaw, pitch and roll in degrees, with the same signs for every backend.

Yaw is positive with the nose to the image's right, pitch with the nose down, roll
counter-clockwise in the image: R = Ry · Rx · Rz, with x right, y up and z to the viewer.
"""

import numpy as np

from fmdata.pipeline.geometry.points import STABLE_68
from fmdata.pipeline.geometry.similarity import fit_3d

# `STABLE_68` of a face that looks straight ahead, in cm: x right, y up, z to the viewer. Vertices
# of the canonical face model that MediaPipe fits its own head pose to.
CANONICAL = np.array(
    [
        (-7.74, 2.36, -2.00),
        (7.74, 2.36, -2.00),
        (0.00, 3.27, 5.24),
        (0.00, 1.73, 6.32),
        (0.00, 1.06, 6.78),
        (0.00, -0.46, 7.59),
        (0.00, -2.09, 6.06),
        (-4.45, 2.66, 3.17),
        (-1.86, 2.59, 3.76),
        (1.86, 2.59, 3.76),
        (4.45, 2.66, 3.17),
    ]
)


def angles(rotation: np.ndarray) -> np.ndarray:
    """Return yaw, pitch, roll, float32 [3], of a rotation [3, 3] in x right, y up, z to viewer."""
    r = np.asarray(rotation, dtype=np.float64)
    yaw = np.arctan2(r[0, 2], r[2, 2])
    pitch = np.arcsin(np.clip(-r[1, 2], -1.0, 1.0))
    roll = np.arctan2(r[1, 0], r[1, 1])
    return np.degrees([yaw, pitch, roll]).astype(np.float32)


def pose_of_68(points: np.ndarray) -> np.ndarray:
    """Return yaw, pitch and roll, float32 [3], of a face's 68 points in space.

    Parameters
    ----------
    points : float [68, 3]
        x to the image's right, y down, z away from the viewer, in pixels.
    """
    face = np.asarray(points, np.float64)[STABLE_68] * (1, -1, -1)
    linear = fit_3d(CANONICAL[None], face)[0, :, :3]
    scale = np.cbrt(np.linalg.det(linear))
    return angles(linear / max(scale, 1e-9))
