"""Discover: what recordings there are, from the raw folder's layout or from a table.

Promise: a file is a recording with a name of its own, or it is no recording, or it is named in an
error. No video, unless it is hidden, is passed over in silence because it lies at another depth,
and no two recordings get one key.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from fmdata.catalog.errors import FmdataError, InputError, UsageError
from fmdata.catalog.keys import action_key
from fmdata.catalog.printable import shown
from fmdata.catalog.types import Recording
from fmdata.pipeline.reading.images import image_number
from fmdata.pipeline.reading.table import COLUMNS, is_utf8, read_table

TABLE = "recordings.csv"
EXTENSIONS = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv")
LAYOUT = (
    "<subject>/<action>/<take>.mp4 (or " + " ".join(e[1:] for e in EXTENSIONS[1:]) + "), or a "
    "folder of numbered png or jpg in place of the file"
)

_DEPTH = 3  # subject / action / take
_MAX_DEPTH = 8  # of a walk that follows links
_MAX_WAYS = 1000  # by links to one folder: a few links in each of a few folders make billions
_SHOWN = 5  # examples in a message


def discover(
    raw: Path, table: Path | None = None, *, follow_links: bool = False
) -> list[Recording]:
    """Return the recordings below `raw`, sorted by (subject, action, take).

    Without a table, every ``raw/<subject>/<action>/<take>.<ext>`` is one, and every folder
    ``raw/<subject>/<action>/<take>/`` of numbered images. Hidden files and files of other kinds
    are ignored. Pipes and devices that are named like videos are recordings, left for decoding to
    refuse. A link that leads out of `raw` is refused unless `follow_links`: a folder that came from
    elsewhere must not be able to name files that its giver could not read. But a table names what
    it names: look into one that came from elsewhere. A link back to a folder that it lies in is
    refused always. A table, `table` or else
    ``raw/recordings.csv`` where it exists, replaces the layout: see
    :func:`fmdata.pipeline.reading.table.read_table`.

    Raises
    ------
    UsageError
        When `raw` is no folder, or the table is at fault.
    InputError
        When there is no recording, a link leads out of `raw` or in a circle, links lead to one
        folder by too many ways, a video lies at another depth than three, the name of a video or
        image is not UTF-8, or two recordings have one key.
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
    """Read recordings off their places; a source is the path below `raw`."""
    files = list(_visible_files(raw, follow_links))
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
            _found(raw, files, videos),
            wanted=LAYOUT,
            where=str(raw),
            todo=f"arrange the recordings so, or name them in {raw / TABLE} "
            f"with columns {','.join(COLUMNS)}",
        )
    if len(placed) < len(videos):
        strays = [str(video) for video in videos if len(video.parts) != _DEPTH]
        raise InputError(
            f"{len(strays)} of {len(videos)} videos lie at another depth: {_examples(strays)}",
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


def _visible_files(raw: Path, follow_links: bool) -> Iterator[PurePosixPath]:
    """Yield the paths of the files below `raw`, relative to it; links within it are followed."""
    top = raw.resolve()
    astray: list[PurePosixPath] = []
    circles: list[PurePosixPath] = []
    ways: Counter[tuple[int, int]] = Counter()

    def refuse(fault: OSError) -> None:
        raise InputError(
            f"a folder that cannot be listed: {fault.strerror}",
            wanted="every folder of recordings readable",
            where=str(fault.filename),
            todo="give yourself permission to read it, or move it out of the raw folder",
        ) from fault

    for folder, folders, files in os.walk(raw, onerror=refuse, followlinks=True):
        below = PurePosixPath(Path(folder).relative_to(raw).as_posix())
        too_deep = len(below.parts) >= _MAX_DEPTH
        folders[:] = [] if too_deep else [name for name in folders if not name.startswith(".")]
        if not follow_links:
            links = [name for name in folders if _leads_out(Path(folder, name), top)]
            astray += [below / name for name in links]
            folders[:] = [name for name in folders if name not in links]
        for name in [name for name in folders if Path(folder, name).is_symlink()]:
            path = Path(folder, name)
            if any(path.samefile(raw / above) for above in (below, *below.parents)):
                circles.append(below / name)
                folders.remove(name)
            else:
                _require_few(path, below / name, ways, raw)
        for name in files:
            path = Path(folder, name)
            if name.startswith("."):
                continue
            if not follow_links and _leads_out(path, top):
                astray.append(below / name)
            # A pipe or device is no file; but one, or a link to nothing, that is named like a
            # recording is left for decoding to report.
            elif path.is_file() or not path.exists() or path.suffix.lower() in EXTENSIONS:
                yield below / name
    if astray:
        raise InputError(
            f"{len(astray)} links out of the folder: {_examples([str(link) for link in astray])}",
            wanted="recordings that lie in the folder, or links that you trust",
            where=str(raw),
            todo="remove the links; or give --follow-links if they are meant",
        )
    if circles:
        raise InputError(
            f"{len(circles)} links back to a folder that they lie in: "
            f"{_examples([str(link) for link in circles])}",
            wanted="links that lead to recordings",
            where=str(raw),
            todo="remove the links",
        )


def _require_few(
    link: Path, below: PurePosixPath, ways: Counter[tuple[int, int]], raw: Path
) -> None:
    """Count one more way to the folder that `link` leads to, and refuse one too many."""
    at = link.stat()
    ways[at.st_dev, at.st_ino] += 1
    if ways[at.st_dev, at.st_ino] > _MAX_WAYS:
        raise InputError(
            f"links that lead to one folder by more than {_MAX_WAYS} ways: {shown(str(below))}",
            wanted="each folder of recordings linked once",
            where=str(raw),
            todo="remove links to folders that hold links themselves",
        )


def _leads_out(path: Path, top: Path) -> bool:
    try:
        return path.is_symlink() and not path.resolve().is_relative_to(top)
    except (OSError, RuntimeError):  # a link to itself, which leads nowhere
        return False


def _check_names(files: list[PurePosixPath], raw: Path) -> None:
    """Refuse names that no shard and no table could hold."""
    odd = [ascii(str(file)) for file in files if not is_utf8(str(file))]
    if odd:
        raise InputError(
            f"{len(odd)} of {len(files)} names are not in UTF-8: {_examples(odd)}",
            wanted="names of files and folders in UTF-8",
            where=str(raw),
            todo="rename them",
        )


def _found(raw: Path, files: list[PurePosixPath], videos: list[PurePosixPath]) -> str:
    """Tell what a folder without recordings holds."""
    if not files:
        hidden = any(path.name.startswith(".") for path in raw.iterdir())
        return "the folder is empty" + (" but for hidden names, which begin with a dot" * hidden)
    if videos:
        examples = _examples([str(video) for video in videos])
        them = "1 video, not" if len(videos) == 1 else f"{len(videos)} videos, none of them"
        return f"{them} at <subject>/<action>/<take>: {examples}"
    kinds = Counter(file.suffix.lower() or "without extension" for file in files)
    counts = ", ".join(f"{count} {shown(kind)}" for kind, count in kinds.most_common(_SHOWN))
    files_are = "1 file, not a video" if len(files) == 1 else f"{len(files)} files, none a video"
    return f"{files_are}: {counts}" + (", and others" if len(kinds) > _SHOWN else "")


def _check_keys(recordings: Iterable[Recording], error: type[FmdataError], where: str) -> None:
    """Refuse two recordings that would become one sample."""
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
    return shown(names)


def _examples(names: list[str]) -> str:
    some = ", ".join(map(shown, sorted(names)[:_SHOWN]))
    return some + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
