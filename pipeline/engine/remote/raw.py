"""Recordings at a URL, by an outline of them: a folder in which their files have their names.

Every rule of :mod:`fmdata.pipeline.reading` about names, layouts and tables so holds for a URL as
it does for a folder. The files of the outline are empty, but for a table, and for the first bytes
of those whose kind their names do not show.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from fmdata.catalog.errors import InputError, RecordingError, UsageError
from fmdata.catalog.remote.store import Store, store_at
from fmdata.catalog.remote.transfer import received
from fmdata.catalog.types import Recording
from fmdata.pipeline.engine.remote.hands import Hands
from fmdata.pipeline.engine.remote.scratch import scratch
from fmdata.pipeline.reading.discover import TABLE
from fmdata.pipeline.reading.listing.kinds import HEAD, needs_head
from fmdata.pipeline.reading.listing.walk import examples
from fmdata.pipeline.work.digest import files_of
from fmdata.pipeline.work.site import ContentDigest, content_of

_AT_A_TIME = 32  # requests


class RemoteRaw:
    """A :class:`~fmdata.pipeline.work.site.Source` of recordings at a URL.

    Parameters
    ----------
    url : str
        URL of the folder of recordings.
    outline : Path
        Empty folder for the outline.
    hands : callable
        Opens the workers that read recordings.

    Raises
    ------
    UsageError
        When there is no file at the URL.
    InputError
        When a name there can be that of no file here, or is a link.
    """

    def __init__(
        self, url: str, outline: Path, hands: Callable[[], AbstractContextManager[Hands]]
    ) -> None:
        self._store, self._outline, self._hands = Store(url), outline, hands
        self._url = url
        self._files = self._store.listing()
        if not self._files:
            raise UsageError(
                "there are no files",
                wanted="a folder of recordings",
                where=self._store.url,
                todo="correct the URL, or give yourself permission to list it",
            )
        self._require_plain()
        self._make()

    def facts(self, path: Path) -> str | None:
        """Return facts by which a recording's files are known, or None without any."""
        names = _names(path, self._outline)
        found = [(name, *self._files[name]) for name in names if name in self._files]
        is_known = len(found) == len(names) and all(state for _, _, state, _ in found)
        return f"{self._store.url}{found}" if is_known else None

    def state(self, path: Path) -> str:
        """Return nothing: a worker compares the content, not the state of its copy."""
        return ""

    def contents(self, recordings: Sequence[Recording]) -> Iterator[tuple[Path, ContentDigest]]:
        """Yield the path of each recording, and the digest of its content, which workers read."""
        if not recordings:
            return
        with self._hands() as hands:
            asked = (self._asked(recording) for recording in recordings)
            for below, content in hands.each(Reading(self._url), asked):
                yield self._outline / below, content

    def _asked(self, recording: Recording) -> tuple[Recording, tuple[str, ...]]:
        below = recording.path.relative_to(self._outline)
        return replace(recording, path=below), _names(recording.path, self._outline)

    def _require_plain(self) -> None:
        """Raise InputError for names that no file here may have, and for links."""
        odd = [name for name in self._files if name and not is_plain(name)]
        links = [name for name, one in self._files.items() if one.is_link]
        for names, what, todo in (
            (odd, "names that no file here can have", "rename them"),
            (links, "links", "replace them by files: links at a URL are not followed"),
        ):
            if names:
                raise InputError(
                    f"{len(names)} {what}: {examples(names)}",
                    wanted="recordings at <subject>/<action>/<take>",
                    where=self._store.url,
                    todo=todo,
                )

    def _make(self) -> None:
        """Make the outline; an empty object may stand for a folder."""
        folders = {str(above) for name in self._files for above in PurePosixPath(name).parents}
        tables, headed = [], []
        for name, listed in self._files.items():
            path, file = self._outline / name, PurePosixPath(name)
            if not name or (not listed.size and name in folders):
                continue
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch(exist_ok=False)  # two names may be one here, as in another case
            except OSError as error:
                raise InputError(
                    f"a name that no file here can have: {examples([name])}: {error.strerror}",
                    wanted="names of files and folders, at most 255 bytes each",
                    where=self._store.url,
                    todo="rename it",
                ) from error
            if file.name.casefold() == TABLE and len(file.parts) == 1:
                tables.append(name)
            elif needs_head(file):
                headed.append(name)
        with ThreadPoolExecutor(_AT_A_TIME) as threads:
            list(threads.map(self._fetch, tables))
            list(threads.map(self._fetch_head, headed))

    def _fetch(self, name: str) -> None:
        with (self._outline / name).open("wb") as file:
            received(self._store, name, file)

    def _fetch_head(self, name: str) -> None:
        (self._outline / name).write_bytes(self._store.head(name, HEAD))


@dataclass(frozen=True)
class Reading:
    """The reading of recordings for their digests, by a worker."""

    url: str

    def __call__(self, asked: tuple[Recording, tuple[str, ...]]) -> tuple[Path, ContentDigest]:
        """Return a recording's path in the outline, and the digest of its content."""
        recording, names = asked
        with scratch() as folder:
            try:
                here = fetch_recording(self.url, recording, names, folder)
            except RecordingError as error:
                return recording.path, error
            content = content_of(here)
        if isinstance(content, RecordingError):
            return recording.path, content
        return recording.path, (content[0], "")  # the state of a copy says nothing


def fetch_recording(
    url: str, recording: Recording, names: Iterable[str], folder: Path
) -> Recording:
    """Download the files of a recording, and return it with its path here.

    Raises
    ------
    RecordingError
        When a file is missing.
    """
    store = store_at(url)
    path = folder / recording.path
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        with (folder / name).open("wb") as file:
            if not received(store, name, file).bytes and store.size(name) is None:
                detail = "it became unreadable during the build: it is missing"
                raise RecordingError("decode", "failed", detail)
    return replace(recording, path=path, hidden=(*recording.hidden, str(folder)))


def is_plain(name: str) -> bool:
    """Return whether a name below a URL is a path of files and folders, and leads nowhere else."""
    foreign = "\0\\:" if os.name == "nt" else "\0"
    return not {"", ".", ".."}.intersection(name.split("/")) and not set(foreign) & set(name)


def _names(path: Path, outline: Path) -> tuple[str, ...]:
    return tuple(file.relative_to(outline).as_posix() for file in files_of(path))
