"""Progress of a long job: the one contract between a job and the code that shows it.

A job calls :meth:`Progress.start` once for each of its phases, and :meth:`Progress.step` for each
piece that is done. Nothing here prints: the command line brings a meter, and a caller from Python
may bring anything with these three methods.
"""

from typing import Protocol


class Progress(Protocol):
    """Receives the progress of a job."""

    def start(self, job: str, total: int, unit: str, done: int = 0) -> None:
        """Begin a phase of `total` pieces, `done` of which are done already.

        `job` names the phase (``build``), `unit` its pieces in the plural (``recordings``).
        """

    def step(self, n: int = 1) -> None:
        """Count `n` more pieces."""

    def note(self, text: str) -> None:
        """Show `text` beside the count from now on, such as a rate or a loss."""


class Silent:
    """A :class:`Progress` that shows nothing."""

    def start(self, job: str, total: int, unit: str, done: int = 0) -> None:
        """Do nothing."""

    def step(self, n: int = 1) -> None:
        """Do nothing."""

    def note(self, text: str) -> None:
        """Do nothing."""


SILENT = Silent()
