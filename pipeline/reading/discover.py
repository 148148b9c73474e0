"""Finds the recordings below a folder, from the folder's layout or from a table.

Promise: every visible file is a recording, part of one, refused with a reason, or counted in a
note; no two recordings get one key, and no subject has two names.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from fmdata.catalog.errors import InputError, UsageError
from fmdata.catalog.keys import action_key
from fmdata.catalog.printable import printable
from fmdata.catalog.types import Recording
from fmdata.pipeline.reading.layouts.layout import Layout
from fmdata.pipeline.reading.layouts.registry import command_for, recognised
from fmdata.pipeline.reading.layouts.sets.flat import PATTERN, Flat
from fmdata.pipeline.reading.listing.bounds import Bounds
from fmdata.pipeline.reading.listing.found import Found
from fmdata.pipeline.reading.listing.layout import DEPTH, LAYOUT, by_kind, from_layout
from fmdata.pipeline.reading.listing.names import Clash, refused_clash, settle
from fmdata.pipeline.reading.listing.walk import Tree, escaped, examples, read_tree
from fmdata.pipeline.reading.table import COLUMNS, notes_on, read_table

TABLE = "recordings.csv"

_MAX_KINDS = 5  # kinds of files in a message


def discover(raw: Path, table: Path | None = None, *, follow_links: bool = False) -> Found:
    """Return the recordings below `raw`, and what looks like recordings and is none.

    Without a table, each file ``raw/<subject>/<action>/<take>.<ext>`` and each folder
    ``raw/<subject>/<action>/<take>/`` of numbered images is one. A file whose content is a video is
    one under any extension. A pipe or device named like a video is left for decoding to refuse.
    Links out of `raw` are an error unless `follow_links`, because a folder from elsewhere could
    name files that its author could not read; links back to a folder that they lie in always are.

    `table`, or else ``raw/recordings.csv`` (in any letter case) where it exists, replaces the
    layout (see :func:`fmdata.pipeline.reading.table.read_table`). Only a table given as `table`
    may name files outside `raw`.

    Raises
    ------
    UsageError
        When `raw` is no folder, or the table is invalid, or two of its rows have one key.
    InputError
        When there is no recording, a link is an error, or links lead to one folder by too many
        ways.
    """
    _check_folder(raw)
    own = None if table else _table_in(raw, bounds := Bounds(raw, follow_links))
    if own:
        found = _in_table(own, raw, bounds)
    else:
        found = _in_table(table, raw) if table else _in_folder(raw, follow_links)
    return replace(
        found,
        recordings=sorted(found.recordings, key=lambda r: (r.subject, r.action, r.take)),
        refused=sorted(found.refused, key=lambda r: r.recording.source),
    )


def _table_in(raw: Path, bounds: Bounds) -> Path | None:
    """Return the table in a folder of recordings, if there is one."""
    named = sorted(path for path in raw.iterdir() if path.name.casefold() == TABLE)
    table = next((path for path in reversed(named) if path.is_file()), None)
    if table and (error := bounds.error_at(table)):
        raise UsageError(
            f"a table that {error}",
            wanted="a table that lies in the folder of recordings",
            where=str(table),
            todo=f"give --table {table} if it is yours, or remove the link; nothing was built",
        )
    return table


def _in_folder(raw: Path, follow_links: bool) -> Found:
    tree = read_tree(raw, follow_links)
    found, clashes = settle(from_layout(raw, tree))
    known = recognised(tree.files)
    if not found.recordings:
        raise _nothing(raw, tree, found, known)
    notes = [*found.notes, f"this looks like {_advice(raw, known)}"] if known else found.notes
    return replace(found, refused=[*found.refused, *map(refused_clash, clashes)], notes=notes)


def _advice(raw: Path, known: type[Layout]) -> str:
    """Return the advice for a folder of a known data set."""
    names = "writes a table of its subjects, actions and labels, from which to build"
    return f"{known.title}: {command_for(known, raw)} {names}"


def _in_table(table: Path, raw: Path, bounds: Bounds | None = None) -> Found:
    listed = read_table(table, raw, bounds)
    notes = [*_unlisted(raw, table, listed), *notes_on(table)]
    found, clashes = settle(Found(listed, notes=notes, table=table))
    if clashes:
        raise _clash(clashes[0], table)
    return found


def _check_folder(raw: Path) -> None:
    if raw.is_dir():
        return
    raise UsageError(
        "it is a file" if raw.exists() else "there is no such folder",
        wanted=f"a folder of recordings: {LAYOUT}",
        where=str(raw),
        todo="give the folder that holds one folder for each subject",
    )


def _nothing(raw: Path, tree: Tree, found: Found, known: type[Layout] | None) -> InputError:
    """Return the error for a folder without recordings."""
    contents = _contents(raw, tree.files, found)
    if known:
        todo = f"this looks like {_advice(raw, known)}"
        return InputError(contents, wanted=LAYOUT, where=str(raw), todo=todo)
    todo = f"arrange the recordings in this layout, or name them in {raw / TABLE} "
    todo += f"with columns {','.join(COLUMNS)}"
    depths = {len(PurePosixPath(one.recording.source).parts) for one in found.refused}
    if depths == {DEPTH - 1} and all(one.recording.path.is_file() for one in found.refused):
        todo += "; if this is the folder of one subject, give the folder above with --subjects"
    elif depths == {1}:
        todo += f"; or write that table by a pattern of their names: {command_for(Flat, raw)} "
        todo += f"--pattern '{PATTERN}'"
    elif depths == {DEPTH + 1}:
        todo += "; or give a folder below with --subjects, if its folders are subjects"
    return InputError(contents, wanted=LAYOUT, where=str(raw), todo=todo)


def _contents(raw: Path, files: Sequence[PurePosixPath], found: Found) -> str:
    """Describe the contents of a folder without recordings."""
    if found.refused:
        first = found.refused[0]
        n = len(found.refused)
        some = examples([refused.recording.source for refused in found.refused])
        them = "1 video or folder, but no recording" if n == 1 else f"{n} videos or folders, no"
        them += "" if n == 1 else " recording among them"
        return f"{them}: {some}\n  {first.recording.source}: {printable(first.error.detail)}"
    if not files:
        hidden = any(path.name.startswith(".") for path in raw.iterdir())
        return "the folder is empty" + (" but for hidden names, which begin with a dot" * hidden)
    kinds = Counter(file.suffix.lower() or "without extension" for file in files)
    counts = ", ".join(
        f"{count} {printable(escaped(kind))}" for kind, count in kinds.most_common(_MAX_KINDS)
    )
    files_are = "1 file, not a video" if len(files) == 1 else f"{len(files)} files, none a video"
    return f"{files_are}: {counts}" + (", and others" if len(kinds) > _MAX_KINDS else "")


def _unlisted(raw: Path, table: Path, listed: Sequence[Recording]) -> list[str]:
    """Return a note on the videos below `raw` that a table does not name."""
    try:
        tree = read_tree(raw, follow_links=False)
    except InputError:
        return []  # the table decides, so links and closed folders beside its files do not matter
    named = {recording.path.resolve() for recording in listed}
    videos = [v for v in by_kind(raw, tree.files).videos if (raw / v).resolve() not in named]
    if not videos:
        return []
    them = "1 video is" if len(videos) == 1 else f"{len(videos)} videos are"
    some = examples([escaped(str(video)) for video in videos])
    return [f"{them} not in {printable(table.name)}, and ignored: {some}"]


def _clash(clash: Clash, table: Path) -> UsageError:
    """Return the error for two rows of a table with one key."""
    one, other = clash.first, clash.recording
    return UsageError(
        f"two recordings with one {clash.shared}: {_named(one)} and {_named(other)} "
        f"would both be {action_key(other.subject, other.action, other.take)}",
        wanted="names that differ in more than letter case, Unicode form and the characters that "
        "a key does not hold (A-Z a-z 0-9 _)",
        where=str(table),
        todo="rename the subject, action or take of one of them",
    )


def _named(recording: Recording) -> str:
    names = f"{recording.subject}/{recording.action}/{recording.take} ({recording.source})"
    return printable(names)
