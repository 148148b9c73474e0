"""Blocks of frames, in which the landmarks of a long recording are read from their file."""

from collections.abc import Iterator

import numpy as np

FRAMES = 512  # a block of 478-point meshes is three megabytes
_VALUES = 1 << 18  # most values that a median copies at a time


def blocks(n_frames: int) -> Iterator[slice]:
    """Yield the slices that divide a recording into blocks of `FRAMES` frames.

    The last block also takes the remainder: numpy would sum a block of a single frame in another
    order.

    >>> list(blocks(1100))
    [slice(0, 512, None), slice(512, 1100, None)]
    """
    last = max(0, n_frames // FRAMES - 1) * FRAMES
    yield from (slice(i, i + FRAMES) for i in range(0, last, FRAMES))
    yield slice(last, n_frames)


def median_points(points: np.ndarray) -> np.ndarray:
    """Return the median over frames, float64 [N, D], of points [T, N, D]; a few points a time."""
    width = max(1, _VALUES // max(1, points[:, :1].size))
    parts = [points[:, i : i + width] for i in range(0, points.shape[1], width)]
    return np.concatenate([np.median(part, axis=0) for part in parts])
