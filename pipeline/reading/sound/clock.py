"""Times of decoded pieces of sound: runs of pieces that join, and gaps between them.

The times in a file are rounded, so a piece that begins where its predecessor ends, to a few
milliseconds, continues it. Any other begins a new run at its own time. Where a clock restarts, as a
tape's does, sound goes on directly after its predecessor, as the pictures do.
"""

from fractions import Fraction
from typing import Any, NamedTuple

TOLERANCE_S = 0.01
RESTART_S = 1.0


class Piece(NamedTuple):
    """A piece of sound as it was decoded.

    Attributes
    ----------
    start_s : float
        Time of its first sample, in seconds after the first frame of the file's video.
    end_s : float
        Time after its last sample.
    joins : bool
        True where it continues the piece before it, in the same format.
    frame : av.AudioFrame
        Its samples.
    """

    start_s: float
    end_s: float
    joins: bool
    frame: Any


class Clock:
    """Gives each decoded frame of sound its time.

    Parameters
    ----------
    origin : Fraction
        Time of the first frame of the video on the file's clock, in seconds.
    """

    def __init__(self, origin: Fraction) -> None:
        self._origin = origin
        self._shift = 0.0  # of all that follows a restart
        self._begin_s, self._n, self._form = 0.0, 0, (0, "", "")

    def place(self, frame: Any) -> Piece:
        """Return a decoded frame with its time."""
        form = frame.sample_rate, frame.format.name, frame.layout.name
        stated_s, expected_s = self._stated_s(frame), self._expected_s()
        if expected_s is None:
            joins, start_s = False, 0.0 if stated_s is None else stated_s
        elif stated_s is None or abs(stated_s - expected_s) <= TOLERANCE_S:
            joins, start_s = form == self._form, expected_s
        elif stated_s < expected_s - RESTART_S:
            self._shift += expected_s - stated_s
            joins, start_s = form == self._form, expected_s
        else:
            joins, start_s = False, stated_s
        if not joins:
            self._begin_s, self._n, self._form = start_s, 0, form
        self._n += frame.samples
        end_s = self._expected_s()
        assert end_s is not None
        return Piece(start_s, end_s, joins, frame)

    def _stated_s(self, frame: Any) -> float | None:
        if frame.pts is None:
            return None
        return float(frame.pts * frame.time_base - self._origin) + self._shift

    def _expected_s(self) -> float | None:
        """Return the time after the last frame, counted in samples; None before the first."""
        rate = self._form[0]
        return self._begin_s + self._n / rate if rate else None
