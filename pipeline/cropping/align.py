"""Alignment: one similarity transform a frame, from source pixels to crop pixels.

Two steps, so that nothing but the head is ever taken out. Each frame goes to the clip's median
face by points that expressions do not move; the median face goes to the crop by one transform for
the whole clip. Promise: roll is gone, the size of the face is the same whatever its yaw, and all
landmarks of all detected frames, the forehead and a dropped jaw among them, lie inside the crop.
"""

import cv2
import numpy as np

from fmdata.catalog.types import Track
from fmdata.pipeline.geometry.blocks import blocks, median_points
from fmdata.pipeline.geometry.points import layout_of, pick
from fmdata.pipeline.geometry.similarity import apply, compose, to_median
from fmdata.pipeline.geometry.timeseries import smooth

# In units of the crop's side. The usual recognition template cuts an open jaw; this one leaves
# room above the forehead and below the chin.
IOD_SHARE = 0.36
EYES_HEIGHT = 0.33
POINTS = 32  # of the landmarks, that are looked at together
MARGIN = 0.02  # kept free between any landmark and the crop's edge


def align(track: Track, fps: float, size: int) -> np.ndarray:
    """Compute the transforms from source pixels to crop pixels.

    Parameters
    ----------
    track : Track
        The face in every frame; undetected frames hold interpolated landmarks.
    fps : float
        Frames per second, for the smoothing.
    size : int
        Side of the square crop, in pixels.

    Returns
    -------
    float32 [T, 2, 3]
        As OpenCV wants them: integer coordinates are centres of pixels.
    """
    if track.n_frames == 0:
        return np.zeros((0, 2, 3), np.float32)
    stable = smooth(pick(track.landmarks, layout_of(track.landmarks).stable)[..., :2], fps)
    to_face = to_median(stable)
    to_crop = _placement(track, to_face, size)
    return compose(to_crop, to_face).astype(np.float32)


def crop(rgb: np.ndarray, transform: np.ndarray, size: int) -> np.ndarray:
    """Cut the aligned face out of a frame.

    A face larger than the crop is first shrunk by a whole factor, each pixel the mean of those it
    replaces, because sampling it directly would alias.

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
        Black where the frame ends.
    """
    transform = np.asarray(transform, np.float64)
    factor = int(1 / max(np.hypot(transform[0, 0], transform[1, 0]), 1e-6))
    if factor > 1:
        rgb, transform = _shrink(rgb, transform, size, factor)
    return cv2.warpAffine(
        rgb, transform, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
    )


def _placement(track: Track, to_face: np.ndarray, size: int) -> np.ndarray:
    """Return the fixed similarity from the median face to the crop, float64 [2, 3]."""
    seen = track.detected if track.detected.any() else np.ones(track.n_frames, np.bool_)
    landmarks = track.landmarks
    layout = layout_of(landmarks)
    scale = np.hypot(to_face[seen, 0, 0], to_face[seen, 1, 0])
    left_eye, right_eye = pick(landmarks, layout.iod)[seen].astype(np.float64).swapaxes(0, 1)
    iod = np.median(np.linalg.norm(left_eye - right_eye, axis=-1) * scale)
    parts = [slice(i, i + POINTS) for i in range(0, layout.n_points, POINTS)]
    times = [frames for frames in blocks(track.n_frames) if seen[frames].any()]

    def faces(frames: slice, read: np.ndarray, points: slice) -> np.ndarray:
        shown = seen[frames]
        return apply(to_face[frames][shown], read[shown, points, :2].astype(np.float64))

    # Some points at a time: all of them in double precision would be large in a long clip.
    median = np.concatenate(
        [
            median_points(np.concatenate([faces(some, landmarks[some], part) for some in times]))
            for part in parts
        ]
    )
    left, right = layout.stable_pairs.T
    across = (median[right] - median[left]).sum(0)
    turn = IOD_SHARE * size / max(iod, 1e-6) * np.exp(-1j * np.arctan2(across[1], across[0]))
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])

    # Where the crop's landmarks would reach in any frame; shrink and shift only if one is outside.
    median = median @ linear.T
    reached = np.concatenate(
        [
            _extremes(faces(some, read, part) @ linear.T)
            for some in times
            for read in [landmarks[some]]
            for part in parts
        ]
    )
    low, high = reached.min(0), reached.max(0)
    room = (1 - 2 * MARGIN) * (size - 1)
    shrink = min(1.0, room / max((high - low).max(), 1e-6))
    middle = (median[:, 0].min() + median[:, 0].max()) / 2
    eyes = median[list(layout.iod), 1].mean()
    shift = np.array([0.5 * (size - 1) - shrink * middle, EYES_HEIGHT * size - shrink * eyes])
    edge = MARGIN * (size - 1)
    shift = np.clip(shift, edge - shrink * low, size - 1 - edge - shrink * high)
    return np.concatenate([shrink * linear, shift[:, None]], 1)


def _extremes(points: np.ndarray) -> np.ndarray:
    """Least and largest x and y of points [T, N, 2], float64 [2, 2]."""
    return np.stack([points.min((0, 1)), points.max((0, 1))])


def _shrink(
    rgb: np.ndarray, transform: np.ndarray, size: int, factor: int
) -> tuple[np.ndarray, np.ndarray]:
    """Area-average the part of the frame under the crop; the transform for the smaller frame."""
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
    # The first small pixel's centre is the centre of the block it averages.
    centre = np.array([left, top]) + (factor - 1) / 2
    shift = transform[:, :2] @ centre + transform[:, 2]
    return small, np.concatenate([transform[:, :2] * factor, shift[:, None]], 1)
