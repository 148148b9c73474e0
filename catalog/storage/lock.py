"""One command at a time writes to a dataset."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fmdata.catalog.errors import DatasetError, UsageError
from fmdata.catalog.storage.files import owner_writes

WORK = ".work"  # below a dataset: what is not finished yet


@contextmanager
def writing(dataset: Path) -> Iterator[None]:
    """Hold a dataset for writing, its folder made if need be.

    The lock is on the folder itself and ends with its process, so a dead one is not in the way.

    Raises
    ------
    UsageError
        When another process holds it.
    """
    folder = _open(dataset)
    try:
        _lock(folder, dataset)
        if not _is(folder, dataset):
            # The one that held it before came to nothing and took the folder with it.
            os.close(folder)
            folder = _open(dataset)
            _lock(folder, dataset)
        try:
            with owner_writes():
                yield
        finally:
            # A run that came to nothing leaves nothing; what is not empty stays.
            for empty in (dataset / WORK, dataset):
                with suppress(OSError):
                    empty.rmdir()
    finally:
        os.close(folder)


def require_unwritten(dataset: Path) -> None:
    """Raise DatasetError while a command writes to a dataset: it is not what its card says.

    Nothing is made, and nothing is held when this returns.
    """
    try:
        folder = os.open(dataset, os.O_RDONLY)
    except OSError:
        return  # for whoever reads it to tell
    try:
        fcntl.flock(folder, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError as fault:
        raise DatasetError(
            "a command is writing to this dataset, which cannot be checked meanwhile",
            wanted="a dataset that nobody is writing to",
            where=str(dataset),
            todo="ask again when that command has ended",
        ) from fault
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
    except BlockingIOError as fault:
        raise UsageError(
            "another command is writing to this dataset",
            wanted="one at a time",
            where=str(dataset),
            todo="wait until it has ended, or stop it",
        ) from fault
