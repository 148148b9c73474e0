"""Atomic writing: a final name never belongs to a partial file or folder."""

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from uuid import uuid4

import platformdirs

_SUFFIX = ".part"
CACHE_VARIABLE = "FMDATA_CACHE"  # environment variable: another folder than the user's cache


@contextmanager
def atomic_file(path: Path, *, shared: bool = False) -> Iterator[IO[bytes]]:
    """Open a binary file for writing that appears under `path` only when it is complete.

    It is written under a temporary name in the same folder, flushed to disk, then renamed. If the
    block raises, the temporary file is removed and an old file at `path` stays. `shared` makes the
    temporary name unique, so that several processes may write the same `path` at the same time.
    """
    own = f".{uuid4().hex}" if shared else ""
    temporary = path.with_name(path.name + own + _SUFFIX)
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        flush(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_atomically(path: Path, data: bytes) -> None:
    """Write `data` to `path`, completely or not at all."""
    with atomic_file(path) as file:
        file.write(data)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder to fill, which appears under `path` only when the block has ended.

    Its files are flushed to disk first. If the block raises, the folder is removed. An existing
    folder at `path` is replaced.
    """
    temporary = temporary_folder(path, os.getpid())
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        for file in temporary.iterdir():
            flush(file)
        flush(temporary)
        remove_folder(path)
        temporary.replace(path)
        flush(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def owner_writes() -> Iterator[None]:
    """Make new files and folders writable by their owner only, for any umask.

    Processes started in the block inherit this.
    """
    before = os.umask(0o022)
    os.umask(before | 0o022)
    try:
        yield
    finally:
        os.umask(before)


def temporary_folder(path: Path, pid: int) -> Path:
    """Return the name of the folder that a process fills before it becomes `path`.

    The name has the process id: a worker that was given up may still be writing to its own.
    """
    return path.with_name(f"{path.name}.{pid}{_SUFFIX}")


def is_regular(path: Path) -> bool:
    """Return whether `path` is a regular file (links followed): no pipe, device or socket."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False


def remove_folder(path: Path) -> None:
    """Remove a folder, or a file, if it exists; its name never belongs to a partial folder.

    The folder is renamed first, so an interrupted removal leaves a temporary name only. Of a link,
    the link alone is removed.
    """
    if os.path.lexists(path):
        doomed = path.with_name(f"{path.name}.gone{_SUFFIX}")
        _remove(doomed)
        path.replace(doomed)
        _remove(doomed)


def remove_temporaries(folder: Path) -> None:
    """Remove the files and folders in `folder` with temporary names, left by crashed processes."""
    for path in folder.glob(f"*{_SUFFIX}"):
        _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Flush a file's content, or a folder's list of names, to disk.

    Windows flushes a file through a handle that may write, and has none of a folder.
    """
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def user_cache() -> Path:
    """Return the folder for what can be made or fetched again: the user's cache, or $FMDATA_CACHE.

    Nothing is made there.
    """
    return Path(os.environ.get(CACHE_VARIABLE) or platformdirs.user_cache_path("fmdata"))
