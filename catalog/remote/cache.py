"""A folder of bounded size with files of datasets from elsewhere, shared by any processes.

A file is fetched by one process while the others wait for it, and appears under its name only when
it is whole and right. Its room is taken before the first byte arrives, so the limit holds at every
moment; files that were not used for the longest time leave. A file in use never leaves: its reader
holds a lock of the kernel (flock), which ends with the process. What a killed process has left is
removed, or fetched again.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

from filelock import FileLock

from fmdata.catalog.errors import DatasetError, UsageError
from fmdata.catalog.settings import Settings, number, text
from fmdata.catalog.storage.card import NAME
from fmdata.catalog.storage.files import user_cache

try:
    import fcntl
except ImportError:  # Windows; see `require_locks`
    fcntl = None  # type: ignore[assignment]

PATIENCE_S = 60.0  # until files in use make room
POLL_S = 0.05
_PART = ".part"
_GATE = ".lock"  # held while room is made


@dataclass(frozen=True)
class CacheSettings(Settings):
    """Folder for files of datasets at URLs on this machine, and its limit in bytes."""

    folder: Path | None = text(
        None, help="Folder on a disk of this machine; by default in the user's cache, or in "
        "$FMDATA_CACHE."
    )  # fmt: skip
    megabytes: int = number(
        50_000, 1, 10**9, help="Megabytes (10^6 bytes) that the files have at most, all datasets "
        "and processes together."
    )  # fmt: skip

    @property
    def place(self) -> Path:
        """The folder."""
        return self.folder or user_cache() / "shards"


def require_locks(url: str) -> None:
    """Refuse a dataset at a URL on a system without locks that end with their process."""
    if fcntl is None:
        raise UsageError(
            "a system without flock, by which processes share the cache",
            wanted="Linux or macOS, to read a dataset at a URL",
            where=url,
            todo="`fmdata pull` the dataset, and open the folder",
        )


class _Kept(NamedTuple):
    """A file in the cache, by the time of its last use."""

    used_ns: int
    n_bytes: int
    path: Path


class Cache:
    """Files in a folder, fetched where missing, the least recently used ones removed for new ones.

    Parameters
    ----------
    settings : CacheSettings
        Folder and limit.
    """

    def __init__(self, settings: CacheSettings) -> None:
        self._folder, self._max = settings.place, settings.megabytes * 10**6

    @contextmanager
    def held(self, path: Path, n_bytes: int, fetch: Callable[[IO[bytes]], None]) -> Iterator[None]:
        """Keep a file of the cache in its place during the block; `fetch` writes a missing one.

        Raises
        ------
        UsageError
            When the file alone is larger than the cache.
        DatasetError
            When files in use leave no room for it for a minute.
        """
        while (file := _opened(path)) is None:
            self._provide(path, n_bytes, fetch)
        with _unlocked_after(file):
            os.utime(path)
            yield

    def remove(self, folder: Path) -> None:
        """Remove the files in a folder of the cache, and the folder, but for files in use."""
        for kept in _files(folder):
            _removed(kept.path)
        (folder / NAME).unlink(missing_ok=True)
        for inner in (*folder.glob("*/"), folder):
            try:
                inner.rmdir()
            except OSError:  # a file in use is in it
                continue

    def _provide(self, path: Path, n_bytes: int, fetch: Callable[[IO[bytes]], None]) -> None:
        """Fetch a file, or wait until another process has."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + _PART)
        file = os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
        with _unlocked_after(file):
            fcntl.flock(file, fcntl.LOCK_EX)
            if not _is_at(part, file):  # another process has fetched the file, or removed this one
                return
            try:
                if not path.exists():
                    self._take_room(part, n_bytes)
                    fetch(file)
                    file.flush()
                    part.replace(path)
            finally:
                if _is_at(part, file):
                    part.unlink()

    def _take_room(self, part: Path, n_bytes: int) -> None:
        """Remove files until there is room for so many bytes, and take it: `part` gets its size."""
        if n_bytes > self._max:
            raise self._too_small(n_bytes)
        until = time.monotonic() + PATIENCE_S
        while True:
            with FileLock(self._folder / _GATE):
                if self._is_free(part, n_bytes):
                    os.truncate(part, n_bytes)
                    return
            if time.monotonic() > until:
                raise self._full(n_bytes)
            time.sleep(POLL_S)

    def _is_free(self, part: Path, n_bytes: int) -> bool:
        """Remove files, the least recently used first; return whether so many bytes are free."""
        files = sorted(kept for kept in _files(self._folder) if kept.path != part)
        taken = sum(kept.n_bytes for kept in files) + n_bytes
        for kept in files:
            if taken <= self._max:
                break
            if _removed(kept.path):
                taken -= kept.n_bytes
        return taken <= self._max

    def _too_small(self, n_bytes: int) -> UsageError:
        return UsageError(
            f"a cache of {self._max / 1e6:.0f} MB for a file of {n_bytes / 1e6:.1f} MB",
            wanted="room for the files of a few shards",
            where=str(self._folder),
            todo="give CacheSettings more megabytes",
        )

    def _full(self, n_bytes: int) -> DatasetError:
        return DatasetError(
            f"no room for {n_bytes / 1e6:.1f} MB: all files of the cache are in use",
            wanted=f"files in use of less than {self._max / 1e6:.0f} MB together",
            where=str(self._folder),
            todo="give CacheSettings more megabytes, or start fewer processes",
        )


def _files(folder: Path) -> Iterator[_Kept]:
    """Yield the files of the cache; cards and locks, which are small, do not count."""
    for base, _, names in os.walk(folder):
        for name in names:
            path = Path(base) / name
            if name not in (NAME, _GATE):
                try:
                    facts = path.stat()
                except FileNotFoundError:
                    continue
                yield _Kept(facts.st_mtime_ns, facts.st_size, path)


@contextmanager
def _unlocked_after(file: IO[bytes]) -> Iterator[None]:
    """Unlock and close a file at the end: a process forked meanwhile has it open as well."""
    with file:
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)


def _opened(path: Path) -> IO[bytes] | None:
    """Open a file so that nobody removes it while it is open; None where it is missing."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return None
    fcntl.flock(file, fcntl.LOCK_SH)
    if _is_at(path, file):
        return file
    file.close()
    return None


def _removed(path: Path) -> bool:
    """Remove a file that nobody holds; return whether it is gone."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(path, file):
                path.unlink()
            return True
    except FileNotFoundError:
        return True
    except BlockingIOError:
        return False


def _is_at(path: Path, file: IO[bytes]) -> bool:
    """Return whether an open file is still the one under its name."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
