"""Reads a table of recordings, for raw folders of any other layout.

The table is a CSV file with a header: columns ``path, subject, action, take`` and, optionally,
``start`` and ``stop`` (seconds after the file's first frame, half-open), ``fps`` (replaces the
file's own; by default 25 for a folder of images), ``person`` (which of several), and the boundaries
of the motion: ``onset, apex, offset`` (frames of the file, from 0) or ``onset_s, apex_s, offset_s``
(seconds after its first). Any other column is a label, which the clips keep. Several rows may name
different spans, or persons, of one file. Columns may be separated by commas, semicolons, tabs or
bars, and numbers may have decimal commas.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from fmdata.catalog.given.truth import Given, Labelled
from fmdata.catalog.printable import printable
from fmdata.catalog.types import Recording
from fmdata.pipeline.reading.images import image_number
from fmdata.pipeline.reading.listing.bounds import Bounds
from fmdata.pipeline.reading.listing.cells import locate, number, seconds, time_hint
from fmdata.pipeline.reading.listing.labels import label_names, labelled, measured, size_error
from fmdata.pipeline.reading.listing.rows import Header, beyond_error, refused_rows
from fmdata.pipeline.reading.listing.times import TIME_COLUMNS, given_times
from fmdata.pipeline.reading.listing.walk import is_utf8
from fmdata.pipeline.reading.listing.whom import PLACES, person

COLUMNS = ("path", "subject", "action", "take")
OPTIONAL_COLUMNS = ("start", "stop", "fps", "person", *TIME_COLUMNS)

MIN_FPS, MAX_FPS = 0.1, 1000.0
# Names that other tables give to the columns, for advice.
_SYNONYMS = {
    "path": ("file", "filename", "file_name", "filepath", "video", "clip", "name", "video_path"),
    "subject": ("subject_id", "person", "participant", "id", "speaker", "actor", "sub", "user"),
    "action": ("label", "emotion", "expression", "class", "motion", "gesture"),
    "take": ("repetition", "rep", "trial", "session", "number", "no", "nr", "index"),
}
_HEADER = Header(COLUMNS, OPTIONAL_COLUMNS, "--table", _SYNONYMS, keeps_others=True)


def read_table(table: Path, raw: Path, bounds: Bounds | None = None) -> list[Recording]:
    """Return one recording for each row of `table`, in its order.

    A path is absolute or relative to `raw`, independent of the table's own folder; it may have
    backslashes, another Unicode form or another letter case than the file's name. With `bounds`,
    for a table that came with the recordings, every row must keep within them. The recording's
    source is the path below `raw`, or the path as written for a file outside `raw`. Times may be
    seconds or ``hh:mm:ss.fff``.

    Raises
    ------
    UsageError
        When the table cannot be read, lacks a column, has no row, or has invalid rows: all of them
        are listed, with their line numbers.
    """
    found, recordings, errors = _HEADER.read(table), [], []
    names = _label_names(found.names, table)
    semicolons = found.delimiter == ";"  # of a spreadsheet with decimal commas
    labels = labelled([cells for _, cells in found.rows], names, decimal_comma=semicolons)
    for (line, cells), of_row in zip(found.rows, labels, strict=True):
        row = _Row(cells, raw, bounds)
        row.errors += size_error(cells, names)
        errors += [f"line {line}: {error}" for error in row.errors]
        if not row.errors:
            recordings.append(row.recording(line, of_row))
    if errors:
        raise refused_rows(
            errors,
            table,
            wanted=f"in every row a path {'' if bounds else 'that is absolute or '}below {raw}, a "
            "subject, an action and a take; start and stop in seconds with start < stop, and onset "
            "<= apex < offset in frames (or onset_s, apex_s, offset_s in seconds), or empty",
            todo="correct these lines; nothing was built",
        )
    if not recordings:
        raise _HEADER.unusable(table, "a table without rows", "one row for each recording")
    return recordings


def notes_on(table: Path) -> list[str]:
    """Return a note on the columns of a table that are neither read nor labels."""
    names = measured(_HEADER.read(table).names)
    return [f"columns of the table that a build measures itself: {', '.join(names)}"] * bool(names)


def _label_names(columns: Sequence[str], table: Path) -> dict[str, str]:
    """Return the names of a table's labels by column; raise UsageError where one cannot be."""
    try:
        return label_names(columns, (*COLUMNS, *OPTIONAL_COLUMNS))
    except ValueError as error:
        wanted = "further columns that are labels, under names of their own"
        todo = "rename that column, or remove it; nothing was built"
        raise _HEADER.unusable(table, str(error), wanted, todo) from error


class _Row:
    """One row of a table: its errors, or its recording."""

    def __init__(self, cells: Mapping[str, str], raw: Path, bounds: Bounds | None) -> None:
        self._cells, self._raw, self._bounds = cells, raw, bounds
        self._path = raw
        self._numbers: dict[str, float | None] = {}
        self._person: str | None = None
        self.errors = [f"{name} is empty" for name in COLUMNS if not cells[name]]
        self.errors += beyond_error(cells)
        if cells["path"]:
            self.errors += self._path_errors(cells["path"])
        self._read("start", seconds, time_hint)
        self._read("stop", seconds, time_hint)
        self._read("fps", number, lambda cell: "not a number")
        self._times, errors = given_times(cells)
        self.errors += [*self._number_errors(), *self._person_errors(), *errors]

    def _read(
        self, name: str, parse: Callable[[str], float | None], hint: Callable[[str], str]
    ) -> None:
        cell = self._cells.get(name, "")
        try:
            self._numbers[name] = parse(cell)
        except ValueError:
            self.errors.append(f"{name} is {cell!r}, {hint(cell)}")

    def _number_errors(self) -> list[str]:
        start, stop, fps = (self._numbers.get(name) for name in ("start", "stop", "fps"))
        errors = []
        if start is not None and start < 0:
            errors.append(f"start {start:g} is negative")
        if stop is not None and stop <= (start or 0.0):
            errors.append(f"stop {stop:g} is not after start {start or 0.0:g}")
        if fps is not None and not MIN_FPS <= fps <= MAX_FPS:
            errors.append(f"fps {fps:g} is not from {MIN_FPS:g} to {MAX_FPS:g}")
        return errors

    def _person_errors(self) -> list[str]:
        cell = self._cells.get("person", "")
        try:
            self._person = person(cell)
        except ValueError:
            return [f"person is {cell!r}, not {', '.join(PLACES)} or a point such as 412,230"]
        return []

    def _path_errors(self, written: str) -> list[str]:
        shown = printable(written)
        try:
            if self._bounds and (error := self._bounds.error_of(written)):
                return [f"{shown} {error}"]
            self._path = path = locate(self._raw, written)
            if self._bounds and (error := self._bounds.error_at(path)):
                return [f"{shown} {error}"]
            if path.is_file():
                return []
            if path.is_dir():
                names = [e.name for e in path.iterdir() if image_number(e.name) is not None]
                if not names:
                    return [f"{shown} is a folder without numbered images"]
                odd = [ascii(name) for name in names if not is_utf8(name)]
                return [f"{shown} holds a name not in UTF-8, {odd[0]}: rename it"] if odd else []
            return [f"{shown} is not a file"] if path.exists() else [f"no file {shown}"]
        except LookupError as error:
            return [str(error.args[0])]
        except (OSError, ValueError) as error:  # ValueError: a null byte in the name
            return [f"{shown}: {getattr(error, 'strerror', None) or error}"]

    def recording(self, line: int, labels: tuple[Labelled, ...]) -> Recording:
        """Return the recording of a row without errors."""
        path, raw = self._path, self._raw
        inside = path.is_relative_to(raw)
        return Recording(
            path=path,
            source=(path.relative_to(raw) if inside else path).as_posix(),
            subject=self._cells["subject"],
            action=self._cells["action"],
            take=self._cells["take"],
            start_s=self._numbers["start"],
            stop_s=self._numbers["stop"],
            fps=self._numbers["fps"],
            person=self._person,
            given=Given(line, self._times, labels) if self._times or labels else None,
        )
