"""Rotation of the head over a clip, from points that expressions do not move."""

import numpy as np

from fmdata.catalog.types import Landmarks
from fmdata.pipeline.geometry.points import layout_of, pick
from fmdata.pipeline.geometry.similarity import to_median
from fmdata.pipeline.geometry.timeseries import smooth


def head_rotation(landmarks: Landmarks, fps: float) -> np.ndarray:
    """Measure yaw and pitch of each frame's head against the clip's median head, in degrees.

    Their signs are not those of a row's pose.

    Parameters
    ----------
    landmarks : Landmarks
        Of every frame.
    fps : float
        Frames per second.

    Returns
    -------
    float64 [T, 2]
        From the points that expressions do not move; smoothed, with a mean of 0.
    """
    rigid = pick(landmarks, layout_of(landmarks).rigid)
    back = to_median(rigid.astype(np.float64))[:, :, :3]
    rotation = back / np.cbrt(np.linalg.det(back))[:, None, None]
    yaw = np.arctan2(rotation[:, 0, 2], rotation[:, 2, 2])
    pitch = np.arcsin(np.clip(-rotation[:, 1, 2], -1, 1))
    degrees = smooth(np.degrees(np.stack([yaw, pitch], axis=1)), fps)
    centred: np.ndarray = degrees - degrees.mean(0)
    return centred


def rms_deg(rotation: np.ndarray) -> float:
    """Return the RMS size, in degrees, of the angles of :func:`head_rotation`."""
    return float(np.sqrt(np.square(rotation).sum(axis=1).mean()))
