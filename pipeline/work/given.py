"""Boundaries that a table gives, as frames of a clip.

A table counts frames of the whole file, from 0, or seconds after its first frame; a clip begins at
the start of its span. A time stands for the frame nearest to it.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from fmdata.catalog.given.truth import Given, GivenTimes, Labelled


class Stored(NamedTuple):
    """Contents of a table in the row of a clip: spelt boundaries, and labels."""

    times: str | None = None
    labels: tuple[Labelled, ...] = ()

    @classmethod
    def of(cls, given: Given | None) -> "Stored":
        """Return the contents for the row of a recording."""
        return cls(given.spelt_times, given.labels) if given else cls()


class Bounds(NamedTuple):
    """A motion ``[onset, offset)`` in frames of a clip, and its apex, if it is given."""

    onset: int
    apex: int | None
    offset: int


def bounds_of(
    times: GivenTimes, first_frame: int, n_frames: int, timestamps: Callable[[], np.ndarray]
) -> Bounds:
    """Return boundaries in frames of a clip.

    Parameters
    ----------
    times : GivenTimes
        As the table has them.
    first_frame, n_frames : int
        Frames of the file before the clip, and frames of the clip.
    timestamps : callable
        Returns the times of the clip's frames, float [T], in seconds after the file's first frame.

    Raises
    ------
    ValueError
        With words, when they are not in the clip, or onset and offset are one frame.
    """
    if times.in_seconds:
        return _nearest(times, np.asarray(timestamps(), np.float64))
    onset, apex, offset = (_in_clip(time, first_frame) for time in _three(times))
    assert onset is not None
    if onset < 0:
        raise ValueError(f"onset {times.onset:g} is before its first frame, {first_frame}")
    if onset >= n_frames:
        raise ValueError(f"onset {times.onset:g} is beyond its end, {first_frame + n_frames}")
    if offset is not None and offset > n_frames:
        raise ValueError(f"offset {times.offset:g} is beyond its end, {first_frame + n_frames}")
    if apex is not None and apex >= n_frames:
        raise ValueError(f"apex {times.apex:g} is beyond its end, {first_frame + n_frames}")
    return _ordered(times, onset, apex, n_frames if offset is None else offset)


def _three(times: GivenTimes) -> tuple[float, float | None, float | None]:
    return times.onset, times.apex, times.offset


def _in_clip(time: float | None, first_frame: int) -> int | None:
    """Return a frame of the file as one of the clip; a half counts as the next one."""
    return None if time is None else int(np.floor(time + 0.5)) - first_frame


def _nearest(times: GivenTimes, timestamps: np.ndarray) -> Bounds:
    """Return the frames nearest to boundaries in seconds; the end of the last frame is one."""
    steps = np.diff(timestamps)
    step = float(np.median(steps)) if len(steps) else 0.04
    edges = np.append(timestamps, timestamps[-1] + step)
    for name, time in zip(("onset_s", "apex_s", "offset_s"), _three(times), strict=True):
        if time is not None and not edges[0] - step < time < edges[-1] + step:
            raise ValueError(f"{name} {time:g} is not within {edges[0]:.3f} to {edges[-1]:.3f} s")
    onset, apex, offset = (
        None if time is None else int(np.argmin(np.abs(edges - time))) for time in _three(times)
    )
    assert onset is not None
    return _ordered(times, onset, apex, len(timestamps) if offset is None else offset)


def _ordered(times: GivenTimes, onset: int, apex: int | None, offset: int) -> Bounds:
    """Return boundaries whose motion has a frame; rounding may move an apex to either of them."""
    if offset <= onset:
        raise ValueError(f"{times} are one frame")
    return Bounds(onset, None if apex is None else min(max(apex, onset), offset - 1), offset)
