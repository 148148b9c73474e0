"""Frame rates and times: the nominal rate of a clip, and the times of a compound's frames.

A recording may have a variable frame rate. Its frames keep their own times, in the actions and in
every compound; the nominal rate decides which takes are joined.
"""

from collections.abc import Callable, Sequence

import numpy as np

from fmdata.catalog.types import Segment

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


def segment_times(
    segments: Sequence[Segment], times_of: Callable[[str], np.ndarray], rate: float
) -> np.ndarray:
    """Return the times of a compound's frames, float32 [T], in seconds from 0 on.

    Frames that are neighbours in a source keep their interval; two frames that are not lie one
    nominal interval apart.

    Parameters
    ----------
    segments : sequence of Segment
        The segments of the compound.
    times_of : callable
        Returns the times of a clip's frames, float [T], by its key.
    rate : float
        Nominal frames per second of the compound.
    """
    sources, numbers, intervals = [], [], []
    for segment in segments:
        shown = np.arange(segment.start, segment.stop)
        of_source = np.asarray(times_of(segment.source), np.float64)
        sources += [segment.source] * len(shown)
        numbers.append(shown)
        intervals.append(of_source[shown] - of_source[shown - 1])
    number, interval = np.concatenate(numbers), np.concatenate(intervals)
    source = np.array(sources)
    follows = (source[1:] == source[:-1]) & (number[1:] == number[:-1] + 1)
    steps = np.where(np.append(False, follows), interval, 1 / rate)
    times: np.ndarray = np.cumsum(np.append(-1 / rate, steps))[1:]
    return times.astype(np.float32)
