"""Frames in blocks, so that what is made of a long recording's landmarks never fills the memory.

Promise: a result does not depend on where one block ends and the next begins.
"""

from collections.abc import Iterator

import numpy as np

FRAMES = 512  # of 478 points, three megabytes
_VALUES = 1 << 18  # that a median may copy at a time


def blocks(n_frames: int) -> Iterator[slice]:
    """Yield the slices that divide so many frames into blocks of `FRAMES` frames.

    The last is longer by what is left over: numpy would sum up a lone frame in another order.

    >>> list(blocks(1100))
    [slice(0, 512, None), slice(512, 1100, None)]
    """
    last = max(0, n_frames // FRAMES - 1) * FRAMES
    yield from (slice(i, i + FRAMES) for i in range(0, last, FRAMES))
    yield slice(last, n_frames)


def median_points(points: np.ndarray) -> np.ndarray:
    """Median over the frames, float64 [N, D], of points [T, N, D]; a few points at a time."""
    width = max(1, _VALUES // max(1, points[:, :1].size))
    parts = [points[:, i : i + width] for i in range(0, points.shape[1], width)]
    return np.concatenate([np.median(part, axis=0) for part in parts])
