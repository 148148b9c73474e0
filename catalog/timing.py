"""Frame rates and times: the nominal rate of a clip, and the times of a compound's frames.

A recording may have a variable frame rate. Its frames keep their own times, in the actions and in
every compound; the nominal rate decides which takes are joined.
"""

from collections.abc import Sequence

import numpy as np

# Intervals this near to the median are usual ones; longer ones are dropped frames or another rate.
USUAL_SHARE = 0.2
# Takes whose nominal rates differ by no more are joined. The nearest two standard rates, 24 and 25
# frames per second, differ by 4 %.
RATE_TOLERANCE = 0.03


def nominal_rate(timestamps: np.ndarray, fps: float) -> float:
    """Return the frames per second of a clip's usual interval between frames.

    Parameters
    ----------
    timestamps : float [T]
        Time of every frame, in seconds.
    fps : float
        Mean rate of the clip; returned where the usual interval agrees with it, as it does with a
        constant rate.

    Examples
    --------
    >>> nominal_rate(np.cumsum([0.0, 0.033, 0.033, 0.034, 0.067]), fps=24.0)
    30.0
    """
    intervals = np.diff(np.asarray(timestamps, np.float64))
    if len(intervals) == 0:
        return fps
    # The lower median is one of the intervals, even where there are as many long as short ones.
    median = np.sort(intervals)[(len(intervals) - 1) // 2]
    usual = intervals[np.abs(intervals - median) <= USUAL_SHARE * median]
    rate = 1 / float(usual.mean())
    return fps if same_rate(rate, fps) else round(rate, 2)


def same_rate(one: float, other: float) -> bool:
    """Return whether two rates are near enough to be joined in a compound."""
    return abs(one - other) <= RATE_TOLERANCE * min(one, other)


def spliced_times(runs: Sequence[np.ndarray], interval_s: float) -> np.ndarray:
    """Return the times of frames that are shown one after another, float32 [T], from 0 on.

    Parameters
    ----------
    runs : sequence of float [T_i]
        Times of the frames of each run of neighbouring frames, in the time of its own source.
    interval_s : float
        Time between the last frame of a run and the first of the next, in seconds.
    """
    whole = [np.asarray(run, np.float64) for run in runs if len(run)]
    if not whole:
        return np.zeros(0, np.float32)
    times = np.cumsum(np.concatenate([np.diff(r, prepend=r[0] - interval_s) for r in whole]))
    return (times - times[0]).astype(np.float32)
