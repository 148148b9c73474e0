"""Writes the table of recordings of a data set, to be read, changed, and built from.

Promise: every recording of the folder is in the table, or named in a note; no two rows get one key;
a table that is there already is never replaced.
"""

import csv
import io
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fmdata.catalog.errors import InputError, UsageError
from fmdata.catalog.keys import action_key
from fmdata.catalog.printable import printable
from fmdata.catalog.storage.files import write_atomically
from fmdata.pipeline.reading.layouts.contents import Contents, contents_of, remark
from fmdata.pipeline.reading.layouts.layout import Layout
from fmdata.pipeline.reading.layouts.registry import command_for, open_layout, recognised
from fmdata.pipeline.reading.layouts.row import Label, Row, best_versions
from fmdata.pipeline.reading.layouts.settings import TableSettings
from fmdata.pipeline.reading.listing.walk import examples
from fmdata.pipeline.reading.table import COLUMNS, OPTIONAL_COLUMNS

TABLE = "recordings.csv"
_MAX_NAMES = 8  # in a line


@dataclass(frozen=True)
class Tabled:
    """The result of a table; ``str()`` of it is a report of a few lines.

    Attributes
    ----------
    rows : list of Row
        The rows, in the order of the table.
    title : str
        Name of the data set.
    folder, path : Path
        Folder of the data set, and the table.
    is_new : bool
        Whether it was written; False where it was there already, with the same content.
    notes : list of str
        Remarks on what is missing, odd or left out.
    next_command : str
        The command that builds from the table.
    """

    rows: list[Row]
    title: str
    folder: Path
    path: Path
    is_new: bool
    notes: list[str] = field(default_factory=list)
    next_command: str = ""

    def __str__(self) -> str:
        there = "" if self.is_new else ", which was there already"
        n_given = sum(row.given.onset is not None for row in self.rows)
        given = f"boundaries of {n_given} motions" if n_given else "no boundaries"
        labels = [name for name in _columns(self.rows) if name not in (*COLUMNS, *OPTIONAL_COLUMNS)]
        lines = [
            f"{len(self.rows)} recordings of {self.title} in {self.path}{there}",
            f"  {_listed('subject', (row.subject for row in self.rows))}; "
            f"{_listed('action', (row.action for row in self.rows))}",
            f"  labels: {', '.join(labels) or 'none'}; {given}",
            *(f"  {note}" for note in self.notes),
            f"look at it, change it as you like, then: {self.next_command}",
        ]
        return "\n".join(lines)


def write_table(
    layout_name: str, folder: Path, settings: TableSettings, out: Path | None = None
) -> Tabled:
    """Write the table of the recordings of a data set.

    Parameters
    ----------
    layout_name : str
        Name of the layout.
    folder : Path
        Folder into which the set was unpacked.
    out : Path, optional
        The table, by default ``recordings.csv`` in the folder, where a build finds it.

    Raises
    ------
    UsageError
        When there is no such layout or folder, the pattern is not valid, or another table is there.
    InputError
        When no recording is named as in the set, or one of the set's tables cannot be read.
    """
    layout = open_layout(layout_name, settings.pattern)
    contents = contents_of(folder, follow_links=settings.follow_links)
    listed = layout.read(contents)
    best, repeated = best_versions(listed.rows)
    if not best:
        raise _nothing(layout, contents, listed.notes)
    rows, renamed = _with_own_keys(sorted(best, key=_by_name))
    path = out or folder / TABLE
    is_new = _write(path, _as_csv(rows))
    notes = [*contents.notes, *listed.notes, *_notes(contents, rows, repeated, renamed)]
    command = _next_command(folder, out, settings)
    return Tabled(rows, layout.title, folder, path, is_new, notes, command)


def _by_name(row: Row) -> tuple[str, str, str, str]:
    return row.subject, row.action, row.take, str(row.source.path)


def _with_own_keys(rows: Iterable[Row]) -> tuple[list[Row], list[Row]]:
    """Append a number to a take whose key another row has; return all rows, and those."""
    keys: set[str] = set()
    unique, renamed = [], []
    for row in rows:
        own, n = row, 1
        while (key := action_key(own.subject, own.action, own.take).casefold()) in keys:
            n += 1
            own = replace(row, take=f"{row.take}_{n}")
        keys.add(key)
        unique.append(own)
        renamed += [own] if n > 1 else []
    return unique, renamed


def _notes(
    contents: Contents, rows: Sequence[Row], repeated: Sequence[Row], renamed: Sequence[Row]
) -> Iterator[str]:
    """Yield remarks on recordings that are not in the table, or not as their names are."""
    used = {row.source.path for row in (*rows, *repeated)}
    others = [str(one.path) for one in contents.sources if one.path not in used]
    gaps = [str(row.source.path) for row in rows if row.source.has_gap]
    versions = [str(row.source.path) for row in repeated]
    numbered = [f"{row.source.path} ({row.take})" for row in renamed]
    yield from remark("not named as in the set, left out", others)
    yield from remark("other versions of recordings in the table, left out", versions)
    yield from remark("names of another recording, so the takes are numbered", numbered)
    yield from remark("images missing between others: a build drops them as truncated", gaps)


def _nothing(layout: Layout, contents: Contents, notes: Sequence[str]) -> InputError:
    n, some = len(contents.sources), examples([one.file for one in contents.sources])
    got = f"none of {n} recordings is named as in {layout.title}: {some}" if n else (
        f"no video and no folder of numbered images, but {len(contents.others)} other files"
    )  # fmt: skip
    other = recognised([one.path / one.images[0] if one.images else one.path
                        for one in contents.sources])  # fmt: skip
    todo = "give the folder into which the set was unpacked; for names of your own take flat with "
    todo += "--pattern"
    if other and other.name != layout.name:
        todo = f"this looks like {other.title}: {command_for(other, contents.folder)}"
    return InputError(
        "\n  ".join([got, *notes]),
        wanted=f"names such as {layout.example}",
        where=str(contents.folder),
        todo=todo,
    )


def _columns(rows: Sequence[Row]) -> list[str]:
    """Return the columns of a table: the usual ones, and those that any row has a value for."""
    cells = [_cells(row) for row in rows]
    used = dict.fromkeys(name for row in cells for name, value in row.items() if value != "")
    known = [name for name in OPTIONAL_COLUMNS if name in used]
    return [*COLUMNS, *known, *(name for name in used if name not in (*COLUMNS, *known))]


def _cells(row: Row) -> dict[str, str]:
    given = row.given
    cells: dict[str, Label] = {
        "path": _written(str(row.source.path)), "subject": row.subject, "action": row.action,
        "take": row.take, "fps": row.fps, "onset": given.onset, "apex": given.apex,
        "offset": given.offset, **row.labels,
    }  # fmt: skip
    return {name: _text(value) for name, value in cells.items()}


def _written(path: str) -> str:
    """Return a path as a cell: readers of tables strip spaces at its ends."""
    start = "./" if path[:1].isspace() else ""
    return f"{start}{path}" + ("/." if path[-1:].isspace() else "")


def _text(value: Label) -> str:
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _as_csv(rows: Sequence[Row]) -> bytes:
    columns = _columns(rows)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(_cells, rows))
    return text.getvalue().encode()


def _write(path: Path, data: bytes) -> bool:
    """Write a new table; return whether it was written. One with other content stays.

    Raises
    ------
    UsageError
        When there is another table.
    """
    if path.is_file() and path.read_bytes() == data:
        return False
    if path.exists() or path.is_symlink():
        raise UsageError(
            "there is another table already",
            wanted="a new file: a table that was changed is never replaced",
            where=str(path),
            todo="give another file with --out, or rename the old table first",
        )
    write_atomically(path, data)
    return True


def _next_command(folder: Path, out: Path | None, settings: TableSettings) -> str:
    words = ["fmdata", "build", "--subjects", str(folder)]
    words += ["--table", str(out)] if out else []
    words += ["--follow-links"] if settings.follow_links else []
    return shlex.join(words)


def _listed(kind: str, values: Iterable[str]) -> str:
    names = sorted(set(values))
    some = ", ".join(map(printable, names[:_MAX_NAMES]))
    more = ", …" if len(names) > _MAX_NAMES else ""
    return f"{len(names)} {kind}{'' if len(names) == 1 else 's'}: {some}{more}"
