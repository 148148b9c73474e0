"""Marks of a review: a table with one row for each clip that a person has changed.

The page of `fmdata report` saves it, and ``fmdata build --overrides`` takes it.
Columns are ``key`` (of the clip, as its recording is named) and, each of them optional:
``source_sha256`` of the recording that was looked at, ``onset, apex, offset`` (frames of the clip),
``action`` (another name), ``reject`` (yes) and ``note``.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fmdata.catalog.printable import printable
from fmdata.catalog.storage.schema import TIMES
from fmdata.pipeline.reading.listing.cells import number
from fmdata.pipeline.reading.listing.rows import Header, beyond_error, refused_rows

COLUMNS = ("key", "source_sha256", "onset", "apex", "offset", "action", "reject", "note")
_HEADER = Header(COLUMNS[:1], COLUMNS[1:], "--overrides")
_YES, _NO = ("yes", "y", "true", "1", "x"), ("", "no", "n", "false", "0")
_SHA256_DIGITS = 64


@dataclass(frozen=True)
class Override:
    """One row: what a person has changed about one clip.

    Attributes
    ----------
    line : int
        Number of its line in the table.
    key : str
        Key of the clip, as its recording is named.
    source_sha256 : str
        Digest of the recording that was looked at; empty if unknown.
    onset, apex, offset : int or None
        Boundaries of the motion, in frames of the clip; the apex may be missing.
    action : str
        Name of the action that it shows; empty for the recording's own.
    reject : bool
        Whether the clip is left out.
    note : str
        A remark.
    """

    line: int
    key: str
    source_sha256: str = ""
    onset: int | None = None
    apex: int | None = None
    offset: int | None = None
    action: str = ""
    reject: bool = False
    note: str = ""


@dataclass(frozen=True)
class Overrides:
    """A whole table."""

    path: Path
    rows: tuple[Override, ...] = ()


def read_overrides(table: Path) -> Overrides:
    """Read a table of marks; one with a header alone has none.

    Raises
    ------
    UsageError
        When the table cannot be read, lacks the column `key`, or has invalid rows: all of them are
        listed, with their line numbers.
    """
    errors, rows, lines = [], list[Override](), dict[str, int]()
    for line, cells in _HEADER.rows(table):
        row = _Row(line, cells)
        found = list(row.errors())
        if cells["key"] in lines:
            found.append(
                f"a second row for {printable(cells['key'])}, as line {lines[cells['key']]}"
            )
        lines.setdefault(cells["key"], line)
        errors += [f"line {line}: {error}" for error in found]
        if not found:
            rows.append(row.override())
    if errors:
        raise refused_rows(
            errors, table, wanted=WANTED, todo="correct these lines; nothing was built"
        )
    return Overrides(table, tuple(rows))


WANTED = (
    "in every row the key of a clip and onset < apex < offset in frames of it (the apex may be "
    "empty), an action, or reject = yes; one row for each clip"
)


class _Row:
    """One row of the table: its errors, or its override."""

    def __init__(self, line: int, cells: Mapping[str, str]) -> None:
        self._line, self._cells = line, cells
        self._failed: list[str] = []
        self._times = {name: self._parsed(name, _frame) for name in TIMES}
        self._rejects = self._parsed("reject", _is_yes)

    def errors(self) -> Iterator[str]:
        """Yield all that is wrong with the row."""
        yield from self._failed
        yield from beyond_error(self._cells)
        onset, apex, offset = self._times.values()
        if not self._cells["key"]:
            yield "key is empty"
        sha256 = self._cells.get("source_sha256", "")
        if sha256 and len(sha256) != _SHA256_DIGITS:
            yield f"source_sha256 has {len(sha256)} characters, not {_SHA256_DIGITS}"
        action, given = self._cells.get("action", ""), [onset, apex, offset] != [None] * 3
        if self._rejects and (action or given):
            yield "reject = yes beside an onset, apex, offset or action; write it alone"
        if not self._failed and not (self._rejects or action or given):
            yield "no mark: give onset and offset, an action, or reject = yes"
        if given and not self._failed:
            yield from _errors_of_times(onset, apex, offset)

    def override(self) -> Override:
        """Return the override of a row without errors."""
        text = {name: self._cells.get(name, "") for name in ("source_sha256", "action", "note")}
        note = " ".join(text["note"].split())
        return Override(
            self._line,
            self._cells["key"],
            text["source_sha256"].lower(),
            **self._times,
            action=text["action"],
            reject=bool(self._rejects),
            note=note,
        )

    def _parsed(self, name: str, parse: Callable[[str], int | None]) -> int | None:
        cell = self._cells.get(name, "")
        try:
            return parse(cell)
        except ValueError as error:
            self._failed.append(f"{name} is {cell!r}, {error}")
            return None


def _errors_of_times(onset: int | None, apex: int | None, offset: int | None) -> Iterator[str]:
    if onset is None or offset is None:
        yield f"no {'onset' if onset is None else 'offset'} beside the other boundaries"
    elif onset < 0:
        yield f"onset {onset} is negative"
    elif apex is None and offset < onset + 2:
        yield f"offset {offset} leaves no frame for an apex after onset {onset}"
    elif apex is not None and apex <= onset:
        yield f"apex {apex} is not after onset {onset}"
    elif apex is not None and offset <= apex:
        yield f"offset {offset} is not after apex {apex}"


def _frame(cell: str) -> int | None:
    """Return the frame number in a cell; None if empty."""
    try:
        value = number(cell)
    except ValueError:
        value = 0.5
    if value is not None and value != int(value):
        raise ValueError("not a whole number of frames")
    return None if value is None else int(value)


def _is_yes(cell: str) -> bool:
    word = cell.casefold()
    if word not in (*_YES, *_NO):
        raise ValueError("neither yes nor no")
    return word in _YES
