"""Every error that fmdata raises, in one small tree.

::

    FmdataError              exit code 1
    ├── UsageError           exit code 2: an option or a table that cannot be meant
    ├── InputError           raw input that cannot be built from
    ├── DatasetError         a dataset that is absent, damaged, or made otherwise
    ├── ModelError           a network's weights that cannot be had, or are not the right ones
    ├── InternalError        fmdata itself is wrong: to be reported
    └── RecordingError       one recording cannot be used; becomes a row of ``dropped.parquet``

Promise: a message says what was got, what was wanted, where, and what to do next.
"""

from functools import partial
from typing import Any


class FmdataError(Exception):
    """A fault told in four parts; ``str()`` of it is the message for the user.

    Parameters
    ----------
    got : str
        What was found.
    wanted : str
        What was expected in its place.
    where : str
        The file, option or row at fault.
    todo : str
        What to do next.
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
    """An option or a table that cannot be meant."""

    exit_code = 2


class InputError(FmdataError):
    """Raw input from which nothing can be built."""


class DatasetError(FmdataError):
    """A dataset that is absent, damaged, or made with other settings."""


class ModelError(FmdataError):
    """Weights of a network that cannot be had, or whose digest is wrong."""


class InternalError(FmdataError):
    """A promise that fmdata has broken; nobody's fault but its own."""

    def __init__(self, got: str, *, wanted: str, where: str, todo: str = "") -> None:
        ask = "report this message, and what led to it, to the developers of fmdata"
        super().__init__(got, wanted=wanted, where=where, todo=todo or ask)


class RecordingError(Exception):
    """One recording cannot be used. Costs that recording and nothing else.

    Parameters
    ----------
    stage : str
        The stage that gave up, one of :data:`fmdata.catalog.types.STAGES`.
    reason : str
        One of :data:`fmdata.catalog.types.REASONS`.
    detail : str
        What exactly was found, with numbers.
    """

    def __init__(self, stage: str, reason: str, detail: str) -> None:
        super().__init__(stage, reason, detail)
        self.stage, self.reason, self.detail = stage, reason, detail

    def __str__(self) -> str:
        return f"{self.stage}: {self.reason}: {self.detail}"
