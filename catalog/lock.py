"""One command at a time writes to a dataset."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fmdata.catalog.errors import UsageError

WORK = ".work"  # below a dataset: what is not finished yet, and the lock


@contextmanager
def writing(dataset: Path) -> Iterator[None]:
    """Hold a dataset for writing. A lock ends with its process, so a dead one is not in the way.

    Raises
    ------
    UsageError
        When another process holds it.
    """
    path = dataset / WORK / "lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as fault:
            raise UsageError(
                "another command is writing to this dataset",
                wanted="one at a time",
                where=str(dataset),
                todo="wait until it has ended, or stop it",
            ) from fault
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            for folder in (path.parent, dataset):
                with suppress(OSError):  # not empty: there is work to go on with
                    folder.rmdir()
