"""Boundaries of a motion in the cells of a row: in frames of the file, or in seconds.

Promise: boundaries are read as one motion, or are errors that name their columns.
"""

from collections.abc import Mapping

from fmdata.catalog.given.truth import GivenTimes
from fmdata.catalog.storage.schema import TIMES
from fmdata.pipeline.reading.listing.cells import number, seconds, time_hint

IN_SECONDS = tuple(f"{name}_s" for name in TIMES)
TIME_COLUMNS = (*TIMES, *IN_SECONDS)


def given_times(cells: Mapping[str, str]) -> tuple[GivenTimes | None, list[str]]:
    """Return the boundaries that a row gives, None without any, and all that is wrong with them.

    An offset may be empty, where the table has its column: the motion is held to the end.
    """
    filled = [name for name in TIME_COLUMNS if cells.get(name)]
    units = [[name for name in filled if name in names] for names in (TIMES, IN_SECONDS)]
    if all(units):
        return None, [
            f"{', '.join(units[0])} in frames beside {', '.join(units[1])} in seconds; "
            "give one of the two"
        ]
    in_seconds = bool(units[1])
    names = IN_SECONDS if in_seconds else TIMES
    times, errors = dict[str, float | None](), []
    for name in names:
        cell = cells.get(name, "")
        try:
            times[name] = seconds(cell) if in_seconds else _frames(cell)
        except ValueError as error:
            errors.append(f"{name} is {cell!r}, {time_hint(cell) if in_seconds else error}")
    if errors or not filled:
        return None, errors
    onset, apex, offset = times.values()
    if onset is None or names[2] not in cells:
        missing = names[2] if onset is not None else names[0]
        what = "is empty" if missing in cells else "is no column"
        return None, [f"{missing} {what}, beside {', '.join(filled)}"]
    if problem := _error_of_order(times, names):
        return None, [problem]
    return GivenTimes(onset, offset, apex, in_seconds), []


def _frames(cell: str) -> float | None:
    """Return the number of a frame; a half is the mean of two raters. None if empty."""
    try:
        value = number(cell)
    except ValueError:
        raise ValueError("not the number of a frame") from None
    if value is not None and not float(2 * value).is_integer():
        raise ValueError("not the number of a frame; seconds are for onset_s, apex_s, offset_s")
    return value


def _error_of_order(times: Mapping[str, float | None], names: tuple[str, ...]) -> str:
    """Return the error of boundaries that are not ``0 <= onset <= apex < offset``, else nothing."""
    onset, apex, offset = (times[name] for name in names)
    assert onset is not None
    if onset < 0:
        return f"{names[0]} {onset:g} is negative"
    if apex is not None and apex < onset:
        return f"{names[1]} {apex:g} is before {names[0]} {onset:g}"
    if offset is not None and offset <= onset:
        return f"{names[2]} {offset:g} is not after {names[0]} {onset:g}"
    if apex is not None and offset is not None and apex >= offset:
        return f"{names[1]} {apex:g} is not before {names[2]} {offset:g}"
    return ""
