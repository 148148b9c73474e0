"""Smoothing in time without lag.

A Savitzky-Golay filter is symmetric, so it delays nothing, and of order 2 it keeps the height of
a peak that a moving average would flatten. Computed per clip: no frame's result depends on how a
recording was cut into chunks.
"""

import numpy as np
from scipy.signal import savgol_filter

WINDOW_S = 0.17  # long enough to halve the landmarks' jitter, short beside any expression
ORDER = 2


def window_frames(seconds: float, fps: float) -> int:
    """Odd number of frames nearest to a duration, at least 1."""
    return 2 * max(0, round((seconds * fps - 1) / 2)) + 1


def smooth(values: np.ndarray, fps: float, window_s: float = WINDOW_S) -> np.ndarray:
    """Smooth along the first axis, float64 [T, ...]; of too short a series return a copy."""
    window = window_frames(window_s, fps)
    if window <= ORDER + 1 or len(values) < window:
        return np.array(values, np.float64)
    return savgol_filter(np.asarray(values, np.float64), window, ORDER, axis=0)
