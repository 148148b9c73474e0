"""Lock of a dataset: one command writes at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fmdata.catalog.errors import DatasetError, UsageError
from fmdata.catalog.storage.files import owner_writes

WORK = ".work"  # folder in a dataset for unfinished work


@contextmanager
def writing(dataset: Path) -> Iterator[None]:
    """Lock a dataset for writing; its folder is made where missing.

    The lock is on the folder itself and ends with the process, so a crash leaves no stale lock.

    Raises
    ------
    UsageError
        When another process holds the lock.
    """
    folder = _open(dataset)
    try:
        _lock(folder, dataset)
        if not _is(folder, dataset):
            # The previous holder failed and removed the folder.
            os.close(folder)
            folder = _open(dataset)
            _lock(folder, dataset)
        try:
            with owner_writes():
                yield
        finally:
            # A run that wrote nothing leaves no empty folder.
            for empty in (dataset / WORK, dataset):
                with suppress(OSError):
                    empty.rmdir()
    finally:
        os.close(folder)


def require_unwritten(dataset: Path) -> None:
    """Raise DatasetError while a command writes to a dataset, which then differs from its card.

    Creates no file, and holds no lock afterwards.
    """
    try:
        folder = os.open(dataset, os.O_RDONLY)
    except OSError:
        return  # the caller's read of the dataset will raise a better error
    try:
        fcntl.flock(folder, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise DatasetError(
            "a command is writing to this dataset, which cannot be checked meanwhile",
            wanted="a dataset that nobody is writing to",
            where=str(dataset),
            todo="run the check again when that command has ended",
        ) from error
    finally:
        os.close(folder)


def _open(dataset: Path) -> int:
    with owner_writes():
        dataset.mkdir(parents=True, exist_ok=True)
    return os.open(dataset, os.O_RDONLY)


def _is(folder: int, dataset: Path) -> bool:
    return dataset.exists() and os.path.samestat(os.fstat(folder), dataset.stat())


def _lock(folder: int, dataset: Path) -> None:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UsageError(
            "another command is writing to this dataset",
            wanted="one writing command at a time",
            where=str(dataset),
            todo="wait until it has ended, or stop it",
        ) from error
