"""Time series of a clip: smoothing, linear interpolation over missing frames, and runs of frames.

Smoothing is a Savitzky-Golay filter: symmetric, so it has no lag, and of order 2, so it keeps the
height of a peak that a moving average would flatten. The filters here are SciPy's, in a few lines:
to import `scipy.ndimage` takes a third of a worker's start.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

WINDOW_S = 0.17  # halves the landmark jitter; shorter than any expression
ORDER = 2


def window_frames(seconds: float, fps: float) -> int:
    """Return the odd number of frames nearest to a duration, at least 1."""
    return 2 * max(0, round((seconds * fps - 1) / 2)) + 1


def smooth(values: np.ndarray, fps: float, window_s: float = WINDOW_S) -> np.ndarray:
    """Smooth along the first axis, float64 [T, ...]; copy a series shorter than the window."""
    window = window_frames(window_s, fps)
    if window <= ORDER + 1 or len(values) < window:
        return np.array(values, np.float64)
    values, half = np.asarray(values, np.float64), window // 2
    # Row i is the value at frame i of the polynomial that fits a window best.
    powers = np.vander(np.arange(-half, half + 1.0), ORDER + 1)
    fit = powers @ np.linalg.pinv(powers)
    weights, n_inner = fit[half], len(values) - 2 * half
    inner = values[half : half + n_inner] * weights[half]
    for i in range(half):  # two frames as far from the centre have one weight
        inner += (values[i : i + n_inner] + values[2 * half - i :][:n_inner]) * weights[i]
    smoothed = np.empty_like(values)
    smoothed[half : half + n_inner] = inner
    smoothed[:half] = np.tensordot(fit[:half], values[:window], axes=1)
    smoothed[-half:] = np.tensordot(fit[-half:], values[-window:], axes=1)
    return smoothed


def opened(values: np.ndarray, window: int) -> np.ndarray:
    """Remove peaks shorter than an odd `window` of frames from a series [T], which 0 surrounds.

    A morphological opening: the least value of each window, then the largest of those.
    """
    least = sliding_window_view(np.pad(values, window // 2), window).min(axis=1)
    lasting: np.ndarray = sliding_window_view(np.pad(least, window // 2), window).max(axis=1)
    return lasting


def widened(mask: np.ndarray, n_frames: int) -> np.ndarray:
    """Widen each run of True in a mask, bool [T], by so many frames on both sides.

    >>> widened(np.array([0, 0, 1, 0, 0, 0], bool), 1).astype(int)
    array([0, 1, 1, 1, 0, 0])
    """
    if len(mask) == 0:
        return mask
    wide: np.ndarray = sliding_window_view(np.pad(mask, n_frames), 2 * n_frames + 1).max(axis=1)
    return wide


def interpolated(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Interpolate values [T, ...] linearly in the frames that are not `known`, bool [T].

    The first and the last known value are held at the ends; without a known value all are 0.
    """
    if not known.any():
        return np.zeros_like(values)
    t, columns = np.arange(len(values)), values.reshape(len(values), -1).T
    filled = np.stack([np.interp(t, t[known], column[known]) for column in columns], axis=1)
    return filled.reshape(values.shape)


def runs_of(mask: np.ndarray) -> list[tuple[int, int]]:
    """List the runs ``[start, stop)`` of True in a mask, bool [T].

    >>> runs_of(np.array([0, 1, 1, 0, 1], bool))
    [(1, 3), (4, 5)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def merged(runs: list[tuple[int, int]], gap: int) -> list[tuple[int, int]]:
    """Join runs that are separated by at most `gap` frames.

    >>> merged([(1, 3), (4, 5), (9, 10)], gap=1)
    [(1, 5), (9, 10)]
    """
    joined = runs[:1]
    for start, stop in runs[1:]:
        if start - joined[-1][1] <= gap:
            joined[-1] = (joined[-1][0], stop)
        else:
            joined.append((start, stop))
    return joined
