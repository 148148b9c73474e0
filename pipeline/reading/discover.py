"""Finds the recordings below a folder, from the folder's layout or from a table.

Promise: every file is a recording with a name of its own, or is no recording, or is named in an
error. No visible video is silently ignored because of its depth, and no two recordings get one key.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from fmdata.catalog.errors import FmdataError, InputError, UsageError
from fmdata.catalog.keys import action_key
from fmdata.catalog.printable import printable
from fmdata.catalog.types import Recording
from fmdata.pipeline.reading.images import image_number
from fmdata.pipeline.reading.table import COLUMNS, is_utf8, read_table
from fmdata.pipeline.reading.walk import EXTENSIONS, examples, visible_files

TABLE = "recordings.csv"
LAYOUT = (
    "<subject>/<action>/<take>.mp4 (or " + " ".join(e[1:] for e in EXTENSIONS[1:]) + "), or a "
    "folder of numbered png or jpg in place of the file"
)

_DEPTH = 3  # subject / action / take
_MAX_KINDS = 5  # kinds of files in a message


def discover(
    raw: Path, table: Path | None = None, *, follow_links: bool = False
) -> list[Recording]:
    """Return the recordings below `raw`, sorted by (subject, action, take).

    Without a table, each file ``raw/<subject>/<action>/<take>.<ext>`` and each folder
    ``raw/<subject>/<action>/<take>/`` of numbered images is one. Hidden files and files of other
    kinds are ignored; a pipe or device named like a video is left for decoding to refuse. Links
    out of `raw` are refused unless `follow_links`, because a folder from elsewhere could name
    files that its author could not read; links back to a folder that they lie in are always
    refused.

    `table`, or else ``raw/recordings.csv`` where it exists, replaces the layout (see
    :func:`fmdata.pipeline.reading.table.read_table`). A table may name any file: check one that
    came from elsewhere.

    Raises
    ------
    UsageError
        When `raw` is no folder, or the table is invalid.
    InputError
        When there is no recording, a link is refused, links lead to one folder by too many ways, a
        video lies at another depth than three, the name of a video or image is not UTF-8, or two
        recordings have one key.
    """
    _check_folder(raw)
    if table is None and (raw / TABLE).is_file():
        table = raw / TABLE
    found = _from_layout(raw, follow_links) if table is None else read_table(table, raw)
    recordings = sorted(found, key=lambda r: (r.subject, r.action, r.take))
    if table is None:
        _check_keys(recordings, InputError, where=str(raw))
    else:
        _check_keys(recordings, UsageError, where=str(table))
    return recordings


def _check_folder(raw: Path) -> None:
    if raw.is_dir():
        return
    raise UsageError(
        "it is a file" if raw.exists() else "there is no such folder",
        wanted=f"a folder of recordings: {LAYOUT}",
        where=str(raw),
        todo="give the folder that holds one folder for each subject",
    )


def _from_layout(raw: Path, follow_links: bool) -> list[Recording]:
    """List the recordings by their paths; a recording's source is its path below `raw`."""
    files = visible_files(raw, follow_links)
    videos = [file for file in files if file.suffix.lower() in EXTENSIONS]
    images = [
        file
        for file in files
        if len(file.parts) == _DEPTH + 1 and image_number(file.name) is not None
    ]
    _check_names([*videos, *images], raw)
    image_folders = {image.parent for image in images}
    placed = [video for video in videos if len(video.parts) == _DEPTH]
    if not placed and not image_folders:
        raise InputError(
            _contents(raw, files, videos),
            wanted=LAYOUT,
            where=str(raw),
            todo=f"arrange the recordings in this layout, or name them in {raw / TABLE} "
            f"with columns {','.join(COLUMNS)}",
        )
    if len(placed) < len(videos):
        strays = [video for video in videos if len(video.parts) != _DEPTH]
        raise InputError(
            f"{len(strays)} of {len(videos)} videos lie at another depth: {examples(strays)}",
            wanted=LAYOUT,
            where=str(raw),
            todo=f"move them into place or out of the folder, or name the recordings in "
            f"{raw / TABLE} with columns {','.join(COLUMNS)}",
        )
    takes = [(video, video.stem) for video in placed]
    takes += [(folder, folder.name) for folder in image_folders]
    return [
        Recording(raw / path, str(path), path.parts[0], path.parts[1], take) for path, take in takes
    ]


def _check_names(files: list[PurePosixPath], raw: Path) -> None:
    """Refuse names that neither a shard nor a table can hold."""
    odd = [ascii(str(file)) for file in files if not is_utf8(str(file))]
    if odd:
        raise InputError(
            f"{len(odd)} of {len(files)} names are not in UTF-8: {examples(odd)}",
            wanted="names of files and folders in UTF-8",
            where=str(raw),
            todo="rename them",
        )


def _contents(raw: Path, files: list[PurePosixPath], videos: list[PurePosixPath]) -> str:
    """Describe the contents of a folder without recordings."""
    if not files:
        hidden = any(path.name.startswith(".") for path in raw.iterdir())
        return "the folder is empty" + (" but for hidden names, which begin with a dot" * hidden)
    if videos:
        them = "1 video, not" if len(videos) == 1 else f"{len(videos)} videos, none of them"
        return f"{them} at <subject>/<action>/<take>: {examples(videos)}"
    kinds = Counter(file.suffix.lower() or "without extension" for file in files)
    counts = ", ".join(
        f"{count} {printable(kind)}" for kind, count in kinds.most_common(_MAX_KINDS)
    )
    files_are = "1 file, not a video" if len(files) == 1 else f"{len(files)} files, none a video"
    return f"{files_are}: {counts}" + (", and others" if len(kinds) > _MAX_KINDS else "")


def _check_keys(recordings: Iterable[Recording], error: type[FmdataError], where: str) -> None:
    """Refuse two recordings that would have the same key."""
    by_key: dict[str, Recording] = {}
    for recording in recordings:
        names = (recording.subject, recording.action, recording.take)
        other = by_key.setdefault(action_key(*names), recording)
        if other is recording:
            continue
        other_names = (other.subject, other.action, other.take)
        same = "subject, action and take" if names == other_names else "key"
        raise error(
            f"two recordings of one {same}: {_named(other)} and {_named(recording)} "
            f"would both be {action_key(*names)}",
            wanted="names that still differ when all but A-Z a-z 0-9 _ is replaced by _",
            where=where,
            todo="rename the subject, action or take of one of them",
        )


def _named(recording: Recording) -> str:
    names = f"{recording.subject}/{recording.action}/{recording.take} ({recording.source})"
    return printable(names)
