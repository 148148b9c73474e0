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
from fmdata.pipeline.geometry.warp import warped


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


def crop(
    rgb: np.ndarray, transform: np.ndarray, size: int, place: tuple[int, int] = (0, 0)
) -> np.ndarray:
    """Cut the aligned face out of a frame.

    A face larger than the crop is first shrunk by an integer factor with area averaging, because
    sampling it directly would alias.

    Parameters
    ----------
    rgb : uint8 [H, W, 3]
        The source frame, or a part of it that holds all pixels between :func:`corners_of`.
    transform : float [2, 3]
        One row of :func:`align`'s result.
    size : int
        Side of the crop, in pixels.
    place : tuple of int
        Where the first pixel of a part lies in the frame, x and y.

    Returns
    -------
    uint8 [size, size, 3]
        Black outside the frame.
    """
    transform = np.asarray(transform, np.float64)
    factor = max(int(_factors(transform[None])[0]), 1)
    ((left, top), (right, bottom)) = corners_of(transform[None], size)[0].tolist()
    left, top = max(left, place[0]), max(top, place[1])
    columns = (min(right, place[0] + rgb.shape[1]) - left) // factor
    rows = (min(bottom, place[1] + rgb.shape[0]) - top) // factor
    if columns <= 0 or rows <= 0:  # the crop lies outside the frame
        return np.zeros((size, size, 3), np.uint8)
    part = rgb[top - place[1] :, left - place[0] :][: rows * factor, : columns * factor]
    if factor > 1:
        part = cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA)
    # The centre of the first small pixel is the centre of the block that it averages.
    centre = np.array([left, top]) + (factor - 1) / 2
    shift = transform[:, :2] @ centre + transform[:, 2]
    to_crop = np.concatenate([transform[:, :2] * factor, shift[:, None]], 1)
    return warped(part, to_crop, size)


def corners_of(transforms: np.ndarray, size: int) -> np.ndarray:
    """Return the corners of the part of each frame that its crop is made from.

    Parameters
    ----------
    transforms : float [T, 2, 3]
        As :func:`align` returns them.
    size : int
        Side of the crops, in pixels.

    Returns
    -------
    int [T, 2, 2]
        x and y of its first pixel, and of the one after its last; they may lie outside the frame.
    """
    transforms = np.asarray(transforms, np.float64)
    corners = np.array([[-1, -1], [size, -1], [-1, size], [size, size]], np.float64)
    inverse = np.linalg.inv(transforms[:, :, :2])
    under = (corners - transforms[:, None, :, 2]) @ inverse.swapaxes(1, 2)
    # Of the blocks that are averaged, and of the pixels that are interpolated.
    factor = _factors(transforms)[:, None]
    low = np.floor(under.min(1)) - (factor <= 1)
    high = np.ceil(under.max(1) + np.maximum(factor, 2))
    # No face lies further away, and whole numbers have a limit.
    return np.stack([low, high], axis=1).clip(-(2**40), 2**40).astype(np.int64)


def _factors(transforms: np.ndarray) -> np.ndarray:
    """Return the factor by which each frame is shrunk before its crop is cut out, 0 for none."""
    scales = np.hypot(transforms[:, 0, 0], transforms[:, 1, 0])
    return np.floor(1 / np.maximum(scales, 1e-6))
