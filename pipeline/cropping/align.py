"""Alignment: one similarity transform per frame, from source pixels to crop pixels.

Two steps, so that only head motion is removed and no expression. Each frame is registered to the
clip's median face by points that expressions do not move; one transform for the whole clip takes
the median face to its place in the crop. Promise: roll is removed, and the scale of the face does
not depend on yaw. A `static` crop leaves the first step out: the head moves as in the recording.
"""

import cv2
import numpy as np

from fmdata.catalog.types import Track
from fmdata.pipeline.cropping.placement import median_to_crop
from fmdata.pipeline.geometry.points import layout_of, pick
from fmdata.pipeline.geometry.similarity import compose, to_median
from fmdata.pipeline.geometry.timeseries import smooth


def align(
    track: Track, fps: float, size: int, kind: str = "face", scale: float = 1.0
) -> np.ndarray:
    """Compute the transforms from source pixels to crop pixels.

    Parameters
    ----------
    track : Track
        The face in every frame; undetected frames hold interpolated landmarks.
    fps : float
        Frames per second, for the smoothing.
    size : int
        Side of the square crop, in pixels.
    kind : str
        ``face``, ``arcface``, ``mouth`` or ``static``, as in :mod:`.placement`.
    scale : float
        Size of the face, in units of the size that the kind gives it.

    Returns
    -------
    float32 [T, 2, 3]
        In OpenCV's convention: the centre of a pixel has integer coordinates.
    """
    if track.n_frames == 0:
        return np.zeros((0, 2, 3), np.float32)
    if kind == "static":
        to_face = np.broadcast_to(np.eye(2, 3), (track.n_frames, 2, 3))
    else:
        stable = pick(track.landmarks, layout_of(track.landmarks).stable)
        to_face = to_median(smooth(stable[..., :2], fps))
    to_crop = median_to_crop(track, to_face, kind, size, scale)
    return compose(to_crop, to_face).astype(np.float32)


def crop(rgb: np.ndarray, transform: np.ndarray, size: int) -> np.ndarray:
    """Cut the aligned face out of a frame.

    A face larger than the crop is first shrunk by an integer factor with area averaging, because
    sampling it directly would alias.

    Parameters
    ----------
    rgb : uint8 [H, W, 3]
        The source frame.
    transform : float [2, 3]
        One row of :func:`align`'s result.
    size : int
        Side of the crop, in pixels.

    Returns
    -------
    uint8 [size, size, 3]
        Black outside the frame.
    """
    transform = np.asarray(transform, np.float64)
    factor = int(1 / max(np.hypot(transform[0, 0], transform[1, 0]), 1e-6))
    if factor > 1:
        rgb, transform = _shrink(rgb, transform, size, factor)
    return cv2.warpAffine(
        rgb, transform, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
    )


def _shrink(
    rgb: np.ndarray, transform: np.ndarray, size: int, factor: int
) -> tuple[np.ndarray, np.ndarray]:
    """Area-average the part of the frame under the crop; adapt the transform to the result."""
    height, width = rgb.shape[:2]
    corners = np.array([[-1, -1], [size, -1], [-1, size], [size, size]], np.float64)
    under = (corners - transform[:, 2]) @ np.linalg.inv(transform[:, :2]).T
    left, top = np.floor(np.clip(under.min(0), 0, [width, height])).astype(int)
    right, bottom = np.ceil(np.clip(under.max(0) + factor, 0, [width, height])).astype(int)
    columns, rows = (right - left) // factor, (bottom - top) // factor
    if columns == 0 or rows == 0:  # the crop lies outside the frame
        return rgb, transform
    part = rgb[top : top + rows * factor, left : left + columns * factor]
    small = cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA)
    # The centre of the first small pixel is the centre of the block that it averages.
    centre = np.array([left, top]) + (factor - 1) / 2
    shift = transform[:, :2] @ centre + transform[:, 2]
    return small, np.concatenate([transform[:, :2] * factor, shift[:, None]], 1)
