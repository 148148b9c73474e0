"""Contents of one row of a table beside the recording: boundaries of its motion, and labels."""

from dataclasses import dataclass
from typing import NamedTuple

from fmdata.catalog.given.labels import Label, Value


@dataclass(frozen=True)
class GivenTimes:
    """Boundaries of a motion as a table gives them; ``str()`` of it is one spelling for each.

    Attributes
    ----------
    onset : float
        First moving frame: its number in the whole file, from 0, or seconds after the first one.
    offset : float or None
        First frame after the motion, in the same way; None where it is held to the end.
    apex : float or None
        Frame of the apex, if known.
    in_seconds : bool
        True for seconds.

    Examples
    --------
    >>> str(GivenTimes(12, 31)), str(GivenTimes(0.48, 1.24, 0.6, in_seconds=True))
    ('onset 12, offset 31', 'onset_s 0.48, apex_s 0.6, offset_s 1.24')
    """

    onset: float
    offset: float | None = None
    apex: float | None = None
    in_seconds: bool = False

    def __str__(self) -> str:
        unit = "_s" if self.in_seconds else ""
        times = {"onset": self.onset, "apex": self.apex, "offset": self.offset}
        known = ((name, time) for name, time in times.items() if time is not None)
        return ", ".join(
            f"{name}{unit} {int(time) if float(time).is_integer() else time!r}"
            for name, time in known
        )


class Labelled(NamedTuple):
    """A label, and its value for one recording; None for an empty cell."""

    label: Label
    value: Value | None


@dataclass(frozen=True)
class Given:
    """Boundaries and labels of one row of a table.

    Attributes
    ----------
    line : int
        Number of the row's line in the table.
    times : GivenTimes or None
        Boundaries of the motion.
    labels : tuple of Labelled
        A value for every label of the table, sorted by name.
    """

    line: int
    times: GivenTimes | None = None
    labels: tuple[Labelled, ...] = ()

    @property
    def spelt_times(self) -> str | None:
        """The boundaries in their one spelling; None without any."""
        return str(self.times) if self.times else None
