"""`fmdata spot`: every motion of a video, or of the videos of a folder, as the rows of a table.

Promise: the table, the page to look at and MEGC's table appear complete or not at all, replace no
file, and are the same with any number of processes. A recording that cannot be used costs itself.
"""

import base64
import csv
import html
import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fmdata.catalog.errors import InputError, UsageError
from fmdata.catalog.printable import printable
from fmdata.catalog.progress import SILENT, Progress
from fmdata.catalog.storage.files import (
    atomic_file,
    remove_folder,
    remove_temporaries,
    write_atomically,
)
from fmdata.catalog.storage.work import Unit
from fmdata.catalog.types import Dropped, Recording
from fmdata.pipeline.engine.sessions.run import Spotted, spot_all
from fmdata.pipeline.reading.intervals.interval import Interval, megc_table, name_of, type_of
from fmdata.pipeline.reading.listing.layout import by_kind, folders_of_images
from fmdata.pipeline.reading.listing.walk import is_utf8, read_tree
from fmdata.pipeline.reading.listing.whom import PLACES
from fmdata.pipeline.settings import RunSettings, SpotSettings
from fmdata.pipeline.spotting.sessions.session import Session, SessionMotion
from fmdata.pipeline.work.job import Job
from fmdata.pipeline.work.site import Units

COLUMNS = (
    "path", "subject", "action", "take", "start", "stop", "onset", "apex", "offset", "style",
    "amplitude", "snr",
)  # fmt: skip
_SHOWN = 20  # recordings that cannot be used, in a report


@dataclass(frozen=True)
class SpottedFolder:
    """Result of spotting a folder; ``str()`` of it is a report.

    Attributes
    ----------
    out : Path
        The table.
    page : Path or None
        The page to look at, if one was drawn.
    spotted : list of (Recording, Session or Dropped)
        The recordings, sorted by path.
    """

    out: Path
    page: Path | None
    spotted: list[tuple[Recording, Spotted]]

    @property
    def dropped(self) -> list[tuple[Recording, Dropped]]:
        """The recordings that could not be used."""
        return [(one, result) for one, result in self.spotted if isinstance(result, Dropped)]

    def __str__(self) -> str:
        sessions = [result for _, result in self.spotted if isinstance(result, Session)]
        n = sum(len(session.motions) for session in sessions)
        minutes = sum(session.n_frames / session.fps for session in sessions) / 60
        lines = [f"{len(sessions)} recordings, {minutes:.1f} minutes: {n} motions"]
        lines += [
            f"  cannot be used: {printable(one.source)} ({result.stage}, {result.reason}): "
            f"{printable(result.detail)}"
            for one, result in self.dropped[:_SHOWN]
        ]
        if len(self.dropped) > _SHOWN:
            lines.append(f"  and {len(self.dropped) - _SHOWN} more")
        still = [
            one.source for one, result in self.spotted
            if isinstance(result, Session) and not result.motions
        ]  # fmt: skip
        if still:
            some = ", ".join(map(printable, still[:5])) + (", …" if len(still) > 5 else "")
            lines.append(f"  no motion was found in {len(still)} of them: {some}")
        if n:
            lines.append(f"table in {self.out}: fill in action and take, then build with --table")
        if self.page:
            lines.append(f"pictures of all motions in {self.page}: open it in a browser")
        return "\n".join(lines)


def spot_folder(
    raw: Path,
    out: Path,
    settings: SpotSettings,
    how: RunSettings,
    *,
    megc: Path | None = None,
    progress: Progress = SILENT,
) -> SpottedFolder:
    """Spot every motion of a video, or of all videos and folders of images below a folder.

    Parameters
    ----------
    raw : Path
        The video or the folder.
    out : Path
        Table to write.
    megc : Path, optional
        Table to write as the Micro-Expression Grand Challenge asks for it.

    Raises
    ------
    UsageError
        When there is nothing at `raw`, or a file to be written exists already.
    InputError
        When no recording is there, or none can be used.
    """
    page = out.with_suffix(".html") if settings.sheets else None
    _require_new(*filter(None, (out, page, megc)))
    recordings = _recordings(raw, follow_links=how.follow_links)
    with _work_beside(out) as work:
        done = spot_all(recordings, settings, Units(work), how, progress)
        result = SpottedFolder(out, page, [(job.recording, one) for job, one in done])
        _require_some(raw, result)
        if page:
            _write_page(page, done, work)
        if megc:
            write_atomically(megc, megc_table(_intervals(result.spotted)).encode())
        write_atomically(out, _table(result.spotted, settings.person))
    return result


def _recordings(raw: Path, *, follow_links: bool) -> list[Recording]:
    """List a video, or the videos and folders of images below a folder, sorted by path."""
    if raw.is_file():
        return [_recording(raw.parent, PurePosixPath(raw.name))]
    if not raw.is_dir():
        raise UsageError(
            "there is no such file or folder",
            wanted="a video, or a folder with videos",
            where=str(raw),
            todo="give the path of a video or a folder",
        )
    kinds = by_kind(raw, read_tree(raw, follow_links).files)
    found = [*kinds.videos, *folders_of_images(kinds.images)]
    recordings = [_recording(raw, path) for path in sorted(found) if is_utf8(str(path))]
    if not recordings:
        raise InputError(
            "no video, and no folder of numbered images",
            wanted="at least one",
            where=str(raw),
            todo="give a folder that holds videos, at any depth",
        )
    return recordings


def _recording(raw: Path, path: PurePosixPath) -> Recording:
    """Return the recording at a path; its subject is the first of several folders."""
    subject = path.parts[0] if len(path.parts) > 1 else ""
    return Recording(raw / path, path.as_posix(), subject, "", "")


def _require_new(*paths: Path) -> None:
    """Raise UsageError for a file that exists; a table that a person filled in is never lost."""
    for path in paths:
        if path.exists():
            raise UsageError(
                "a file that exists already",
                wanted="a new file",
                where=str(path),
                todo="name another one, or remove it; nothing was spotted",
            )


@contextmanager
def _work_beside(out: Path) -> Iterator[Path]:
    """Yield the folder of unfinished work beside a file, which is removed once all is done."""
    work = out.with_name(f".{out.name}.work")
    work.mkdir(parents=True, exist_ok=True)
    remove_temporaries(work)
    yield work
    remove_folder(work)


def _table(spotted: Iterable[tuple[Recording, Spotted]], person: str) -> bytes:
    """Return the table; it names the person who was followed, if not the largest."""
    text, whom = io.StringIO(), [] if person == PLACES[0] else [person]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*COLUMNS, *(["person"] if whom else [])])
    for recording, motion, _ in _motions(spotted):
        times = (f"{motion.start_s:.6f}", f"{motion.stop_s:.6f}")
        frames = (motion.onset, motion.apex, motion.offset)
        size = (motion.style, f"{motion.amplitude:.4f}", f"{motion.snr:.1f}")
        writer.writerow(
            [recording.source, recording.subject, "", "", *times, *frames, *size, *whom]
        )
    return text.getvalue().encode()


def _intervals(spotted: Iterable[tuple[Recording, Spotted]]) -> Iterator[Interval]:
    for recording, one, fps in _motions(spotted):
        kind = type_of((one.offset - one.onset) / fps)
        yield Interval(name_of(recording.source), one.onset, one.offset, one.apex, kind)


def _motions(
    spotted: Iterable[tuple[Recording, Spotted]],
) -> Iterator[tuple[Recording, SessionMotion, float]]:
    """Yield every motion with its recording and the frames per second."""
    for recording, session in spotted:
        if isinstance(session, Session):
            yield from ((recording, motion, session.fps) for motion in session.motions)


def _write_page(page: Path, done: Iterable[tuple[Job, Spotted]], work: Path) -> None:
    """Write one page with the sheet of every recording."""
    with atomic_file(page) as file:
        file.write(b'<!doctype html><meta charset="utf-8"><title>Motions</title>\n')
        for job, result in done:
            if isinstance(result, Session) and result.motions:
                name = html.escape(printable(job.recording.source))
                sheet = base64.b64encode(Unit(work / job.digest).sheet.read_bytes()).decode()
                picture = f'<img alt="motions of {name}" src="data:image/jpeg;base64,{sheet}">'
                file.write(f"<h2>{name}</h2>\n{picture}\n".encode())


def _require_some(raw: Path, result: SpottedFolder) -> None:
    """Raise InputError when no recording can be used."""
    if len(result.dropped) < len(result.spotted):
        return
    one, first = result.dropped[0]
    raise InputError(
        f"{len(result.dropped)} recordings of which none can be used; of {printable(one.source)}: "
        f"{first.stage}, {first.reason}: {printable(first.detail)}",
        wanted="a recording that shows a face",
        where=str(raw),
        todo="correct that, then run the same command again",
    )
