"""One motion's interval in a recording, and the tables that hold them: fmdata's and MEGC's.

A table of fmdata has columns ``path, onset, offset``, and may have ``apex``, ``type`` and ``fps``;
its offsets are half-open. A table as the Micro-Expression Grand Challenge (MEGC) asks for has
``vid, pred_onset, pred_offset, type``, or ``vid, onset, offset`` for the truth; its offsets are the
last frame of the motion. All other columns are ignored.
"""

import csv
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from fmdata.catalog.given.overlap import iou
from fmdata.pipeline.reading.listing.cells import column, decoded, number, split
from fmdata.pipeline.reading.listing.kinds import is_named_video
from fmdata.pipeline.reading.listing.rows import Header, refused_rows

MICRO, MACRO = "me", "mae"
"""MEGC's names of the two types: micro-expressions and macro-expressions."""

MICRO_S = 0.5  # longest micro-expression
_MEGC_HEADER = ("vid", "pred_onset", "pred_offset", "type")
_SYNONYMS = {
    "path": ("file", "filename", "video", "source", "recording", "vid"),
    "onset": ("start_frame", "onsetframe", "pred_onset"),
    "offset": ("end_frame", "offsetframe", "pred_offset"),
}


@dataclass(frozen=True)
class Interval:
    """Frames ``[onset, offset)`` of a recording, counted from 0.

    Attributes
    ----------
    name : str
        The recording: its path without the extension of a video.
    onset, offset : int
        First frame, and first frame after the motion.
    apex : int or None
        Frame of the apex, where it is known.
    type : str
        `MICRO`, `MACRO`, or empty where it is unknown.
    """

    name: str
    onset: int
    offset: int
    apex: int | None = None
    type: str = ""

    def iou(self, other: "Interval") -> float:
        """Return the frames in both intervals over the frames in either, 0 to 1."""
        return float(iou(self.onset, self.offset, other.onset, other.offset))


def type_of(seconds: float) -> str:
    """Return the type of a motion of so many seconds."""
    return MICRO if seconds <= MICRO_S else MACRO


def name_of(path: str) -> str:
    r"""Return the name of a recording, by which two tables are compared.

    >>> name_of("ann\\01.MP4"), name_of("./ann/01"), name_of("s1.2")
    ('ann/01', 'ann/01', 's1.2')
    """
    pure = PurePosixPath(path.replace("\\", "/"))
    return (pure.with_suffix("") if is_named_video(pure) else pure).as_posix()


def megc_table(intervals: Iterable[Interval]) -> str:
    """Return a table as MEGC asks for it: inclusive offsets, and the types `me` and `mae`."""
    rows = [(i.name, str(i.onset), str(i.offset - 1), i.type) for i in intervals]
    return "".join(",".join(map(_quoted, row)) + "\n" for row in (_MEGC_HEADER, *rows))


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if any(c in cell for c in ',"\n\r') else cell


@dataclass(frozen=True)
class IntervalTable:
    """The contents of a table.

    Attributes
    ----------
    intervals : list of Interval
        In the order of the rows.
    rates : dict of str to (float or None)
        Frames per second of each recording, as far as the table has them.
    """

    intervals: list[Interval]
    rates: dict[str, float | None]

    def typed(self, rates: Mapping[str, float | None]) -> list[Interval]:
        """Return the intervals; those without a type get that of their length, at these rates."""
        return [
            replace(one, type=type_of((one.offset - one.onset) / rate))
            if not one.type and (rate := rates.get(one.name))
            else one
            for one in self.intervals
        ]


def read_intervals(table: Path, argument: str) -> IntervalTable:
    """Read a table of intervals.

    A row without onset and offset is a recording without a motion. `argument` is the command's, for
    the message.

    Raises
    ------
    UsageError
        When the table cannot be read, or rows are invalid: all of them are listed.
    """
    names, onset, offset, last = _columns_of(table)
    header = Header((names, onset, offset), ("apex", "type", "fps"), argument, _SYNONYMS)
    intervals, errors = [], []
    rates: dict[str, float | None] = {}
    for line, cells in header.rows(table):
        try:
            name = name_of(cells[names])
            rates[name] = _rate(cells) or rates.get(name)
            if cells[onset] or cells[offset]:
                intervals.append(_interval(cells, (names, onset, offset), last))
        except ValueError as error:
            errors.append(f"line {line}: {error}")
    if errors:
        wanted = f"{onset} and {offset} in whole frames from 0 on, {onset} before {offset}; type "
        wanted += f"{MICRO} or {MACRO}, or empty"
        raise refused_rows(errors, table, wanted=wanted, todo="correct these lines")
    return IntervalTable(intervals, rates)


def _columns_of(table: Path) -> tuple[str, str, str, int]:
    """Return the names of three columns, and the frames from the offset to the motion's end."""
    names: list[str] = []
    with suppress(OSError, UnicodeDecodeError, csv.Error):  # which the reading itself reports
        lines = split(decoded(table.read_bytes()), (*_MEGC_HEADER, "path", "onset", "offset"))
        names = [column(name) for name in lines[0][1]] if lines else []
    if "vid" in names and "path" not in names:
        return ("vid", *(_MEGC_HEADER[1:3] if "pred_onset" in names else ("onset", "offset")), 1)
    return "path", "onset", "offset", 0


def _interval(cells: Mapping[str, str], columns: tuple[str, str, str], last: int) -> Interval:
    """Return the interval of a row; ValueError says what is wrong."""
    name, onset, offset = columns
    if not cells[name]:
        raise ValueError(f"{name} is empty")
    first, end = (_frame(cells, column) for column in (onset, offset))
    if first is None or end is None or end + last <= first:
        raise ValueError(f"{offset} {cells[offset]!r} is not after {onset} {cells[onset]!r}")
    kind = cells.get("type", "").casefold()
    if kind not in ("", MICRO, MACRO):
        raise ValueError(f"type is {cells['type']!r}")
    return Interval(name_of(cells[name]), first, end + last, _frame(cells, "apex"), kind)


def _rate(cells: Mapping[str, str]) -> float | None:
    cell = cells.get("fps", "")
    try:
        return number(cell)
    except ValueError:
        raise ValueError(f"fps is {cell!r}, not a number") from None


def _frame(cells: Mapping[str, str], column: str) -> int | None:
    cell = cells.get(column, "")
    try:
        value = number(cell)
    except ValueError:
        raise ValueError(f"{column} is {cell!r}, not a number of frames") from None
    if value is not None and (value < 0 or value != int(value)):
        raise ValueError(f"{column} is {cell!r}, not a whole number of frames from 0 on")
    return None if value is None else int(value)
