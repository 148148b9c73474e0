"""Cells of a table as people and spreadsheets write them: texts, times, numbers and paths.

Promise: a cell has one meaning, or is an error that shows the right spelling.
"""

import codecs
import csv
import difflib
import io
import math
import re
import unicodedata
from pathlib import Path

from fmdata.catalog.keys import composed
from fmdata.catalog.printable import printable

DELIMITERS = (",", ";", "\t", "|")

_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)")
_CLOCK = re.compile(r"(?:(\d+):)?(\d+):(\d{1,2}(?:[.,]\d*)?)")


def decoded(data: bytes) -> str:
    """Return a table's text: UTF-8, or UTF-16 as spreadsheets export it.

    Raises
    ------
    UnicodeDecodeError
        For any other encoding.
    """
    encoding = "utf-8"
    if data.startswith(codecs.BOM_UTF16_LE) or data[1:2] == b"\0":
        encoding = "utf-16-le"
    elif data.startswith(codecs.BOM_UTF16_BE) or data[:1] == b"\0":
        encoding = "utf-16-be"
    return data.decode(encoding).lstrip("\ufeff")


def split(text: str, known: tuple[str, ...]) -> list[tuple[int, list[str]]]:
    """Return (line number, stripped cells) of every row, the header first.

    A first line such as ``sep=;``, which spreadsheets write, is left out.

    Raises
    ------
    csv.Error
        For a quote that is not closed, and the like.
    """
    skipped, lines = _lines(text)
    reader = csv.reader(lines, delimiter=delimiter_of(text, known), strict=True)
    return [(skipped + reader.line_num, [cell.strip() for cell in cells]) for cells in reader]


def delimiter_of(text: str, known: tuple[str, ...]) -> str:
    """Return the delimiter that gives the header the most of the `known` names."""
    _, lines = _lines(text)
    shares = [len({*header_names(lines[:1], d)} & {*known}) for d in DELIMITERS]
    return DELIMITERS[shares.index(max(shares))]


def _lines(text: str) -> tuple[int, list[str]]:
    """Return the lines of a table from its header on, and the number of those before."""
    lines = io.StringIO(text, newline="").readlines()
    skipped = 0
    while lines and (not lines[0].strip() or lines[0].startswith("sep=")):
        skipped += 1
        del lines[0]
    return skipped, lines


def header_names(lines: list[str], delimiter: str) -> list[str]:
    """Return the names in a header line, in lower case."""
    cells = next(csv.reader(lines, delimiter=delimiter), [])
    return [column(cell) for cell in cells]


def column(cell: str) -> str:
    """Return the name of a column as it is compared: composed, stripped and in lower case."""
    return composed(cell.strip()).casefold()


def number(cell: str) -> float | None:
    """Return the number in a cell, with a decimal point or comma; None if empty.

    Raises
    ------
    ValueError
        For anything else.
    """
    if not cell:
        return None
    if not _NUMBER.fullmatch(cell):
        value = float(cell)  # an exponent, or an error
        if not math.isfinite(value):
            raise ValueError(cell)
        return value
    return float(cell.replace(",", "."))


def seconds(cell: str) -> float | None:
    """Return a time in seconds: ``1.5``, ``1,5``, ``0:01.5`` or ``00:00:01.5``; None if empty.

    >>> seconds("1:02:03.25"), seconds("02:03,5"), seconds("")
    (3723.25, 123.5, None)

    Raises
    ------
    ValueError
        For anything else.
    """
    match = _CLOCK.fullmatch(cell)
    if not match:
        return number(cell.removesuffix("s").rstrip() if cell[:1].isdigit() else cell)
    hours, minutes, rest = match.groups()
    total = float(rest.replace(",", "."))
    if total >= 60 or (hours and int(minutes) >= 60):
        raise ValueError(cell)
    return int(hours or 0) * 3600 + int(minutes) * 60 + total


def time_hint(cell: str) -> str:
    """Return advice for a cell that is no time."""
    if re.fullmatch(r"\d+:\d+:\d+[:;]\d+", cell):
        return "a timecode with frames; write seconds, as 12.5, or hh:mm:ss.fff"
    if cell.casefold().endswith("ms"):
        return "milliseconds; write seconds, as 12.5"
    return "not a number of seconds such as 12.5, or a time such as 00:01:12.5"


def locate(raw: Path, written: str) -> Path:
    """Return the file or folder that a cell names: absolute, or below `raw`.

    Where there is none of exactly this name, backslashes are taken for slashes, and the one name in
    another Unicode form or letter case is taken.

    Raises
    ------
    LookupError
        When there is none, or there are several; the message says what to write.
    OSError, ValueError
        When the file system refuses the name.
    """
    exact = raw / written
    if exact.exists() or exact.is_symlink():
        return exact
    if re.match(r"[A-Za-z]:[\\/]", written):
        raise LookupError(
            f"no file {printable(written)}: a path of Windows; write the part below {raw}"
        )
    parts = Path(written.replace("\\", "/")).parts
    at = raw
    for part in parts:
        at = _child(at, part, written, raw)
    return at


def _child(folder: Path, part: str, written: str, raw: Path) -> Path:
    """Return the entry of a folder that a part of a path means."""
    if (folder / part).exists() or part in ("/", ".", ".."):
        return folder / part
    names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    for form in (composed, _folded):
        same = [name for name in names if form(name) == form(part)]
        if len(same) == 1:
            return folder / same[0]
        if len(same) > 1:
            several = " and ".join(printable(name) for name in sorted(same))
            raise LookupError(f"no file {printable(written)}, but {several}: write one of them")
    raise LookupError(f"no file {printable(written)}{_nearest(names, part, written, raw)}")


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", composed(name).casefold())


def _nearest(names: list[str], part: str, written: str, raw: Path) -> str:
    """Return advice for a name that does not exist."""
    first, _, rest = written.replace("\\", "/").partition("/")
    if rest and first == raw.resolve().name and (raw / rest).exists():
        return f": paths begin below {raw}, so write {printable(rest)}"
    stems = [name for name in sorted(names) if Path(name).stem == Path(part).stem]
    near = stems or difflib.get_close_matches(part, sorted(names), n=1, cutoff=0.8)
    return f": did you mean {printable(near[0])}?" if near else ""
