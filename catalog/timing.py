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
    times: list[float] = []
    now, last = -1 / rate, ("", -1)
    for segment in segments:
        of_source = times_of(segment.source)
        for frame in range(segment.start, segment.stop):
            follows = last == (segment.source, frame - 1)
            now += float(of_source[frame]) - float(of_source[frame - 1]) if follows else 1 / rate
            times.append(now)
            last = segment.source, frame
    return np.array(times, np.float32)
