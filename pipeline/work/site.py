"""The site of a build: where its recordings, its unfinished work and its dataset lie.

A :class:`Site` is two folders. :mod:`fmdata.pipeline.engine.remote.site` has that of a build of
which either is a URL; the other modules see folders in both cases.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeAlias

from fmdata.catalog.clip import ActionClip
from fmdata.catalog.clips import Clips
from fmdata.catalog.errors import RecordingError
from fmdata.catalog.storage.card import Card, Shard
from fmdata.catalog.storage.division import Planned
from fmdata.catalog.storage.lock import WORK
from fmdata.catalog.storage.pack import change, commit, pack
from fmdata.catalog.storage.schema import Columns
from fmdata.catalog.storage.shards import Sample
from fmdata.catalog.storage.work import Unit
from fmdata.catalog.types import Recording
from fmdata.pipeline.work.digest import content_digest, file_state, files_of
from fmdata.pipeline.work.job import Job
from fmdata.pipeline.work.known.files import KnownFiles, facts_of
from fmdata.pipeline.work.outcome import failed_if_short

# The digest of a file's content and its state before that, or an error.
ContentDigest: TypeAlias = tuple[str, str] | RecordingError


class Source(Protocol):
    """Recordings that are not files of this machine."""

    def facts(self, path: Path) -> str | None:
        """Return facts by which a recording's files are known, or None without any."""

    def state(self, path: Path) -> str:
        """Return the present :func:`~fmdata.pipeline.work.digest.file_state`, or nothing."""

    def contents(self, recordings: Sequence[Recording]) -> Iterator[tuple[Path, ContentDigest]]:
        """Yield the path of each recording, and the digest of its content."""


@dataclass(frozen=True)
class Ends:
    """URLs of a build; travels to the workers.

    Attributes
    ----------
    raw, out : str or None
        URL of the recordings, and of the dataset; None for a folder that all workers see.
    outline : Path or None
        Folder in which the recordings at the URL have their names here.
    owner : str
        Holder of the dataset's lock.
    """

    raw: str | None = None
    out: str | None = None
    outline: Path | None = None
    owner: str = ""

    def travelling(self, job: Job) -> tuple[Job, tuple[str, ...]]:
        """Return a job as a worker gets it, and the names of its files below the URL."""
        if self.outline is None:
            return job, ()
        names = [path.relative_to(self.outline).as_posix() for path in files_of(job.recording.path)]
        below = job.recording.path.relative_to(self.outline)
        return replace(job, recording=replace(job.recording, path=below)), tuple(names)


@dataclass(frozen=True)
class Units:
    """The units of a build.

    Attributes
    ----------
    folder : Path
        Their folder.
    ends : Ends or None
        URLs of the build, if it has any.
    source : Source or None
        The recordings, where they are at a URL.
    """

    folder: Path
    ends: Ends | None = None
    source: Source | None = None

    def recall(self, digests: Iterable[str]) -> None:
        """Have here what an earlier run has finished of some digests."""

    def unit(self, digest: str) -> Unit:
        """Return the unit of a digest, finished or not."""
        return Unit(self.folder / digest)


class Site:
    """Folders of recordings and of a dataset.

    Attributes
    ----------
    raw, out : Path
        The two folders.
    """

    def __init__(self, raw: Path, out: Path) -> None:
        self.raw, self.out = raw, out

    @property
    def units(self) -> Units:
        """The units of the build."""
        return Units(self.out / WORK)

    def change(self) -> AbstractContextManager[None]:
        """Lock the dataset for a change."""
        return change(self.out)

    def known(self, *, rehash: bool) -> KnownFiles:
        """Return the files that need not be read again."""
        return KnownFiles(self.out, rehash=rehash)

    def opened(self, halves: Iterable[Clips[ActionClip]]) -> None:
        """Have the frames of the clips of the old dataset read from where they are."""

    def keep_dataset(self, known: KnownFiles, card: Card) -> None:
        """Keep the digests of the files that the build has written."""
        known.keep_dataset(self.out, card)

    def pack(
        self, half: str, planned: Iterable[Planned], load: Callable[[str], Sample],
        columns: Columns, limit: int, reusable: Mapping[tuple[str, ...], Shard],
    ) -> list[Shard]:  # fmt: skip
        """Make the shards of one half, as :func:`fmdata.catalog.storage.pack.pack` does."""
        return pack(self.out, half, planned, load, columns, limit, reusable)

    def commit(self, card: Card) -> None:
        """Replace the dataset's files by those that were made."""
        commit(self.out, card)


def facts_here(path: Path) -> str | None:
    """Return the facts of a recording's files on this machine, or None if one is missing."""
    try:
        return facts_of(files_of(path))
    except OSError:
        return None


def state_here(path: Path) -> str:
    """Return the state of a recording's files on this machine; empty if one is missing."""
    try:
        return file_state(path)
    except OSError:
        return ""  # then reading fails as well, and reports why


def content_of(recording: Recording) -> ContentDigest:
    """Return the digest of a recording's content, and the state of its files before that."""
    state = state_here(recording.path)
    try:
        return content_digest(recording), state
    except RecordingError as error:
        return failed_if_short(error)
