"""Alignment: one similarity transform per frame, from source pixels to crop pixels.

Two steps, so that only head motion is removed and no expression. Each frame is registered to the
clip's median face by points that expressions do not move; one transform for the whole clip takes
the median face to the crop. Promise: roll is removed, the scale of the face does not depend on
yaw, and all landmarks of all detected frames, forehead and dropped jaw included, lie in the crop.
"""

from collections.abc import Iterator

import cv2
import numpy as np

from fmdata.catalog.types import Track
from fmdata.pipeline.geometry.blocks import blocks, median_points
from fmdata.pipeline.geometry.points import layout_of, pick
from fmdata.pipeline.geometry.similarity import apply, compose, to_median
from fmdata.pipeline.geometry.timeseries import smooth

# In units of the crop's side. The usual template of face recognition cuts off an open jaw; this
# one leaves room above the forehead and below the chin.
IOD_SHARE = 0.36
EYES_HEIGHT = 0.33
MARGIN = 0.02  # free space between any landmark and the crop's edge
POINT_CHUNK = 32  # landmarks held in double precision at once, against large memory in long clips


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
        In OpenCV's convention: the centre of a pixel has integer coordinates.
    """
    if track.n_frames == 0:
        return np.zeros((0, 2, 3), np.float32)
    stable = smooth(pick(track.landmarks, layout_of(track.landmarks).stable)[..., :2], fps)
    to_face = to_median(stable)
    to_crop = _median_to_crop(track, to_face, size)
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


class _DetectedFaces:
    """Landmarks of the detected frames (of all, if none is), in coordinates of the median face.

    Landmarks are read a block of frames at a time and converted a chunk of points at a time.
    """

    def __init__(self, track: Track, to_face: np.ndarray) -> None:
        self.landmarks, self.to_face = track.landmarks, to_face
        self.layout = layout_of(track.landmarks)
        self.seen = track.detected if track.detected.any() else np.ones(track.n_frames, np.bool_)
        self._blocks = [some for some in blocks(track.n_frames) if self.seen[some].any()]
        n = self.layout.n_points
        self._chunks = [slice(i, i + POINT_CHUNK) for i in range(0, n, POINT_CHUNK)]

    def iod(self) -> float:
        """Median interocular distance over the frames."""
        scale = np.hypot(self.to_face[self.seen, 0, 0], self.to_face[self.seen, 1, 0])
        eyes = pick(self.landmarks, self.layout.iod)[self.seen]
        left, right = eyes.astype(np.float64).swapaxes(0, 1)
        return float(np.median(np.linalg.norm(left - right, axis=-1) * scale))

    def median(self) -> np.ndarray:
        """Median of each point over the frames, float64 [N, 2]."""
        chunks = (
            [self._points(some, self.landmarks[some], chunk) for some in self._blocks]
            for chunk in self._chunks
        )
        return np.concatenate([median_points(np.concatenate(points)) for points in chunks])

    def bounds(self, linear: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Smallest and largest x and y of all points after the linear map [2, 2], float64 [2]."""
        extremes = np.concatenate([_extremes(points @ linear.T) for points in self._all()])
        return extremes.min(0), extremes.max(0)

    def _all(self) -> Iterator[np.ndarray]:
        for some in self._blocks:
            read = self.landmarks[some]
            yield from (self._points(some, read, chunk) for chunk in self._chunks)

    def _points(self, frames: slice, read: np.ndarray, chunk: slice) -> np.ndarray:
        seen = self.seen[frames]
        return apply(self.to_face[frames][seen], read[seen, chunk, :2].astype(np.float64))


def _median_to_crop(track: Track, to_face: np.ndarray, size: int) -> np.ndarray:
    """Return the similarity from the median face to the crop, float64 [2, 3]."""
    faces = _DetectedFaces(track, to_face)
    layout, median = faces.layout, faces.median()
    left, right = layout.stable_pairs.T
    across = (median[right] - median[left]).sum(0)
    scale = IOD_SHARE * size / max(faces.iod(), 1e-6)
    turn = scale * np.exp(-1j * np.arctan2(across[1], across[0]))
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    median = median @ linear.T
    # The template's place for the face, but shrunk and shifted if any landmark would be outside.
    low, high = faces.bounds(linear)
    edge, room = MARGIN * (size - 1), (1 - 2 * MARGIN) * (size - 1)
    shrink = min(1.0, room / max((high - low).max(), 1e-6))
    middle = (median[:, 0].min() + median[:, 0].max()) / 2
    eyes = median[list(layout.iod), 1].mean()
    shift = np.array([0.5 * (size - 1) - shrink * middle, EYES_HEIGHT * size - shrink * eyes])
    shift = np.clip(shift, edge - shrink * low, size - 1 - edge - shrink * high)
    return np.concatenate([shrink * linear, shift[:, None]], 1)


def _extremes(points: np.ndarray) -> np.ndarray:
    """Return the smallest and the largest x and y of points [T, N, 2], float64 [2, 2]."""
    return np.stack([points.min((0, 1)), points.max((0, 1))])


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
