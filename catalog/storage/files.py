"""Writing files so that a name never stands for half a file."""

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from uuid import uuid4

_SUFFIX = ".part"


@contextmanager
def atomic_file(path: Path, *, shared: bool = False) -> Iterator[IO[bytes]]:
    """Open a binary file for writing that appears under `path` only when it is whole.

    Written under a temporary name beside it, flushed to the disk, then renamed. If the block
    raises, the temporary file is removed and what stood under `path` stays. With `shared`, others
    may write to the same `path` at the same time: the temporary name is nobody else's.
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
    """Write `data` to `path`, whole or not at all."""
    with atomic_file(path) as file:
        file.write(data)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder to fill, which appears under `path` only when the block has ended.

    Its files are flushed to the disk first. If the block raises, nothing is left. A folder that
    already stands under `path` is replaced.
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
    """Let files and folders made in here be writable by their owner alone, whatever the umask.

    Holds for processes started in here too.
    """
    before = os.umask(0o022)
    os.umask(before | 0o022)
    try:
        yield
    finally:
        os.umask(before)


def temporary_folder(path: Path, pid: int) -> Path:
    """Name of the folder that a process fills before it becomes `path`.

    Each process has its own: one that was given up for dead may still be writing the same.
    """
    return path.with_name(f"{path.name}.{pid}{_SUFFIX}")


def is_regular(path: Path) -> bool:
    """Whether there is a plain file, links followed: no pipe, device or socket to wait for."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False


def remove_folder(path: Path) -> None:
    """Remove a folder, if it is there, so that its name never stands for a part of it.

    A file in its place is removed too.
    """
    if path.exists():
        doomed = path.with_name(f"{path.name}.gone{_SUFFIX}")
        _remove(doomed)
        path.replace(doomed)
        _remove(doomed)


def remove_temporaries(folder: Path) -> None:
    """Remove what a process that died has left in `folder` under temporary names."""
    for left in folder.glob(f"*{_SUFFIX}"):
        _remove(left)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Have a file's content, or a folder's list of names, reach the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
