"""Reads a table of recordings, for raw folders of any other layout.

The table is a CSV file with a header: columns ``path, subject, action, take`` and, optionally,
``start`` and ``stop`` (seconds after the file's first frame, half-open) and ``fps`` (replaces the
file's own; by default 25 for a folder of images). Other columns are ignored. Several rows may name
different spans of one file.
"""

import csv
import math
from collections.abc import Mapping
from pathlib import Path

from fmdata.catalog.errors import UsageError
from fmdata.catalog.printable import printable
from fmdata.catalog.types import Recording
from fmdata.pipeline.reading.images import image_number

COLUMNS = ("path", "subject", "action", "take")
OPTIONAL_COLUMNS = ("start", "stop", "fps")

MIN_FPS, MAX_FPS = 0.1, 1000.0
_MAX_ERRORS = 20  # listed in a message; the others are counted


def read_table(table: Path, raw: Path) -> list[Recording]:
    """Return one recording for each row of `table`, in its order.

    A path is absolute or relative to `raw`, independent of the table's own folder. The recording's
    source is the path below `raw`, or the path as written for a file outside `raw`.

    Raises
    ------
    UsageError
        When the table cannot be read, lacks a column, has no row, or has invalid rows: all of them
        are listed, with their line numbers.
    """
    recordings, errors = [], []
    for line, row in _rows(table):
        found = _errors(row, raw)
        errors += [f"line {line}: {error}" for error in found]
        if not found:
            recordings.append(_recording(row, raw))
    if errors:
        more = [f"and {len(errors) - _MAX_ERRORS} more"] if len(errors) > _MAX_ERRORS else []
        raise UsageError(
            "\n  ".join([f"{_count(errors)} in the table:", *errors[:_MAX_ERRORS], *more]),
            wanted=f"in every row a path that is absolute or below {raw}, a subject, an action and "
            "a take; start and stop in seconds with start < stop, or empty",
            where=str(table),
            todo="correct these lines; nothing was built",
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
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        got = error.strerror if isinstance(error, OSError) else str(error)
        raise _unusable(table, f"a table that cannot be read: {got}", "a CSV file in UTF-8") from (
            error
        )
    missing = [name for name in COLUMNS if name not in header]
    twice = [name for name in (*COLUMNS, *OPTIONAL_COLUMNS) if header.count(name) > 1]
    if missing or twice:
        got = f"no column {', '.join(missing)}" if missing else f"two columns {', '.join(twice)}"
        raise _unusable(
            table,
            f"{got} among: {printable(', '.join(header)) or 'nothing'}",
            f"columns {','.join(COLUMNS)} and optionally {','.join(OPTIONAL_COLUMNS)}",
        )
    return [
        (line, dict(zip(header, cells + [""] * len(header), strict=False)))
        for line, cells in lines
        if any(cells)
    ]


def _errors(row: Mapping[str, str], raw: Path) -> list[str]:
    """List all errors in a row."""
    errors = [f"{name} is empty" for name in COLUMNS if not row[name]]
    if row["path"]:
        errors += _path_errors(raw / row["path"], printable(row["path"]))
    numbers: dict[str, float | None] = {}
    for name in OPTIONAL_COLUMNS:
        try:
            numbers[name] = _number(row.get(name, ""))
        except ValueError:
            errors.append(f"{name} is {row[name]!r}, not a number")
    start, stop, fps = (numbers.get(name) for name in OPTIONAL_COLUMNS)
    if start is not None and start < 0:
        errors.append(f"start {start:g} is negative")
    if stop is not None and stop <= (start or 0.0):
        errors.append(f"stop {stop:g} is not after start {start or 0.0:g}")
    if fps is not None and not MIN_FPS <= fps <= MAX_FPS:
        errors.append(f"fps {fps:g} is not from {MIN_FPS:g} to {MAX_FPS:g}")
    return errors


def _path_errors(path: Path, written: str) -> list[str]:
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
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        return [f"{written}: {getattr(error, 'strerror', None) or error}"]


def is_utf8(name: str) -> bool:
    """Check that a file's name is UTF-8; Python reads other bytes as lone surrogates."""
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
    """Return the number in a cell, None if empty; raise ValueError unless it is finite."""
    if not cell:
        return None
    value = float(cell)
    if not math.isfinite(value):
        raise ValueError(cell)
    return value


def _count(errors: list[str]) -> str:
    return "1 error" if len(errors) == 1 else f"{len(errors)} errors"


def _unusable(table: Path, got: str, wanted: str) -> UsageError:
    return UsageError(
        got,
        wanted=wanted,
        where=str(table),
        todo="correct the table, or give another one with --table",
    )
