"""Every error that fmdata raises, in one small tree.

::

    FmdataError              exit code 1
    ├── UsageError           exit code 2: an impossible option or table
    ├── InputError           raw input from which nothing can be built
    ├── DatasetError         a dataset that is missing, damaged, or made with other settings
    ├── ModelError           model weights missing, or with a wrong checksum
    ├── InternalError        a bug in fmdata, to be reported
    └── RecordingError       one unusable recording; becomes a row of ``dropped.parquet``

Promise: a message says what was got, what was wanted, where, and what to do next.
"""

from functools import partial
from typing import Any


class FmdataError(Exception):
    """An error in four parts; ``str()`` of it is the message for the user.

    Parameters
    ----------
    got : str
        The thing that was found.
    wanted : str
        The thing that was expected in its place.
    where : str
        The file, option or row with the error.
    todo : str
        The next step for the user.
    """

    exit_code = 1

    def __init__(self, got: str, *, wanted: str, where: str, todo: str) -> None:
        super().__init__(got, wanted, where, todo)
        self.got, self.wanted, self.where, self.todo = got, wanted, where, todo

    def __reduce__(self) -> tuple[Any, ...]:
        # Errors come back from worker processes pickled, and pickle knows no keyword arguments.
        return partial(type(self), wanted=self.wanted, where=self.where, todo=self.todo), (
            self.got,
        )

    def __str__(self) -> str:
        return f"{self.got}\n  wanted: {self.wanted}\n  where:  {self.where}\n  to do:  {self.todo}"


class UsageError(FmdataError):
    """An impossible option or table."""

    exit_code = 2


class InputError(FmdataError):
    """Raw input from which nothing can be built."""


class DatasetError(FmdataError):
    """A dataset that is missing, damaged, or made with other settings."""


class ModelError(FmdataError):
    """Model weights missing, or with a wrong checksum."""


class InternalError(FmdataError):
    """A broken promise of fmdata itself: a bug, to be reported."""

    def __init__(self, got: str, *, wanted: str, where: str, todo: str = "") -> None:
        ask = "report this message, and what led to it, to the developers of fmdata"
        super().__init__(got, wanted=wanted, where=where, todo=todo or ask)


class RecordingError(FmdataError):
    """One unusable recording. A build drops it and goes on with the others.

    Parameters
    ----------
    stage : str
        The stage that failed, one of :data:`fmdata.catalog.types.STAGES`.
    reason : str
        One of :data:`fmdata.catalog.types.REASONS`.
    detail : str
        The finding in words, with numbers.
    """

    def __init__(self, stage: str, reason: str, detail: str) -> None:
        super().__init__(
            f"{reason}: {detail}",
            wanted="a recording that this stage can use",
            where=f"stage {stage}",
            todo="correct the recording, or leave it out",
        )
        self.stage, self.reason, self.detail = stage, reason, detail

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.stage, self.reason, self.detail)
