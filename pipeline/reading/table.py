"""Read a table of recordings, for raw folders of any other layout.

A CSV file with a header: columns ``path, subject, action, take`` and, optionally, ``start`` and
``stop`` (seconds after the file's first frame, half-open) and ``fps`` (in place of the file's
own; 25 for a folder of images where it is left out). Other columns are ignored. Several rows may
name one file, with other spans.
"""

import csv
import math
from collections.abc import Mapping
from pathlib import Path

from fmdata.catalog.errors import UsageError
from fmdata.catalog.printable import shown
from fmdata.catalog.types import Recording
from fmdata.pipeline.reading.images import image_number

COLUMNS = ("path", "subject", "action", "take")
OPTIONAL_COLUMNS = ("start", "stop", "fps")

LEAST_FPS, MOST_FPS = 0.1, 1000.0
_SHOWN = 20  # faults listed in a message; the rest are counted


def read_table(table: Path, raw: Path) -> list[Recording]:
    """Return one recording for each row of `table`, in its order.

    A path is absolute or below `raw`, wherever the table itself lies. The recording's source is
    the path below `raw`, or the path as written where the file lies elsewhere.

    Raises
    ------
    UsageError
        When the table cannot be read, lacks a column, or has no row; or for all faulty rows at
        once, each with its line number.
    """
    recordings, faults = [], []
    for line, row in _rows(table):
        found = _faults(row, raw)
        faults += [f"line {line}: {fault}" for fault in found]
        if not found:
            recordings.append(_recording(row, raw))
    if faults:
        more = [f"and {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else []
        raise UsageError(
            "\n  ".join([f"{_count(faults)} in the table:", *faults[:_SHOWN], *more]),
            wanted=f"in every row a path that is absolute or below {raw}, a subject, an action and "
            "a take; start and stop in seconds with start < stop, or empty",
            where=str(table),
            todo="mend these lines; nothing was built",
        )
    if not recordings:
        raise _unusable(table, "a table without rows", "one row for each recording")
    return recordings


def _rows(table: Path) -> list[tuple[int, dict[str, str]]]:
    """List (line number, stripped cells by column) of the rows that are not blank."""
    try:
        # utf-8-sig: spreadsheets put a byte order mark before the first column's name.
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip() for name in next(reader, [])]
            lines = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as fault:
        got = fault.strerror if isinstance(fault, OSError) else str(fault)
        raise _unusable(table, f"a table that cannot be read: {got}", "a CSV file in UTF-8") from (
            fault
        )
    absent = [name for name in COLUMNS if name not in header]
    twice = [name for name in (*COLUMNS, *OPTIONAL_COLUMNS) if header.count(name) > 1]
    if absent or twice:
        got = f"no column {', '.join(absent)}" if absent else f"two columns {', '.join(twice)}"
        raise _unusable(
            table,
            f"{got} among: {shown(', '.join(header)) or 'nothing'}",
            f"columns {','.join(COLUMNS)} and optionally {','.join(OPTIONAL_COLUMNS)}",
        )
    return [
        (line, dict(zip(header, cells + [""] * len(header), strict=False)))
        for line, cells in lines
        if any(cells)
    ]


def _faults(row: Mapping[str, str], raw: Path) -> list[str]:
    """List everything that is wrong with a row."""
    faults = [f"{name} is empty" for name in COLUMNS if not row[name]]
    if row["path"]:
        faults += _path_faults(raw / row["path"], shown(row["path"]))
    numbers: dict[str, float | None] = {}
    for name in OPTIONAL_COLUMNS:
        try:
            numbers[name] = _number(row.get(name, ""))
        except ValueError:
            faults.append(f"{name} is {row[name]!r}, not a number")
    start, stop, fps = (numbers.get(name) for name in OPTIONAL_COLUMNS)
    if start is not None and start < 0:
        faults.append(f"start {start:g} is negative")
    if stop is not None and stop <= (start or 0.0):
        faults.append(f"stop {stop:g} is not after start {start or 0.0:g}")
    if fps is not None and not LEAST_FPS <= fps <= MOST_FPS:
        faults.append(f"fps {fps:g} is not from {LEAST_FPS:g} to {MOST_FPS:g}")
    return faults


def _path_faults(path: Path, written: str) -> list[str]:
    try:
        if path.is_file():
            return []
        if path.is_dir():
            names = [e.name for e in path.iterdir() if image_number(e.name) is not None]
            if not names:
                return [f"{written} is a folder without numbered png or jpg"]
            odd = [ascii(name) for name in names if not is_utf8(name)]
            return [f"{written} holds a name not in UTF-8, {odd[0]}: rename it"] if odd else []
        return [f"{written} is not a file"] if path.exists() else [f"no file {written}"]
    except (OSError, ValueError) as fault:  # ValueError: a null byte in the name
        return [f"{written}: {getattr(fault, 'strerror', None) or fault}"]


def is_utf8(name: str) -> bool:
    """Whether a file's name can be written down; Python reads other bytes as lone surrogates."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _recording(row: Mapping[str, str], raw: Path) -> Recording:
    path = raw / row["path"]
    inside = path.is_relative_to(raw)
    return Recording(
        path=path,
        source=(path.relative_to(raw) if inside else path).as_posix(),
        subject=row["subject"],
        action=row["action"],
        take=row["take"],
        start_s=_number(row.get("start", "")),
        stop_s=_number(row.get("stop", "")),
        fps=_number(row.get("fps", "")),
    )


def _number(cell: str) -> float | None:
    """Value of a cell, None when it is empty; ValueError unless finite."""
    if not cell:
        return None
    value = float(cell)
    if not math.isfinite(value):
        raise ValueError(cell)
    return value


def _count(faults: list[str]) -> str:
    return "1 fault" if len(faults) == 1 else f"{len(faults)} faults"


def _unusable(table: Path, got: str, wanted: str) -> UsageError:
    return UsageError(
        got, wanted=wanted, where=str(table), todo="mend the table, or give another by --table"
    )
