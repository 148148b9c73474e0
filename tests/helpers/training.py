"""Progress and keepers that record a training, or interrupt it."""

from collections.abc import Callable
from copy import deepcopy

from torch import Tensor

from fmdata.train.checkpoint import Checkpoint
from tests.helpers.progress import RecordedProgress


class RecordedTraining(RecordedProgress):
    """Records the progress of a training, and may interrupt it.

    Parameters
    ----------
    interrupt_at : int, optional
        Raise KeyboardInterrupt at this step, counted over all phases from 1.

    Attributes
    ----------
    counts : dict of str to list of int
        Number of done pieces after each step, by job.
    """

    def __init__(self, interrupt_at: int | None = None) -> None:
        super().__init__()
        self.counts: dict[str, list[int]] = {}
        self._left = interrupt_at

    def start(self, job: str, total: int, unit: str, done: int = 0) -> None:
        """Record a phase."""
        super().start(job, total, unit, done)
        self.counts[job] = []

    def step(self, n: int = 1) -> None:
        """Record a step, or interrupt the training at it."""
        super().step(n)
        self.counts[self.phases[-1][0]].append(self.done)
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                raise KeyboardInterrupt


class MemoryKeeper:
    """Keeps a copy of the latest checkpoint in memory, and may interrupt the training.

    Parameters
    ----------
    interrupt_after : int, optional
        Raise KeyboardInterrupt after so many checkpoints.
    """

    def __init__(self, interrupt_after: int | None = None) -> None:
        self.latest: Checkpoint | None = None
        self._left = interrupt_after

    def load(self) -> Checkpoint | None:
        """Return a copy of the latest checkpoint, or None."""
        return deepcopy(self.latest)

    def save(self, checkpoint: Checkpoint) -> None:
        """Keep a copy, then interrupt the training if it is time."""
        self.latest = deepcopy(checkpoint)
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                raise KeyboardInterrupt

    def once(
        self, name: str, digest: str, make: Callable[[], dict[str, Tensor]]
    ) -> dict[str, Tensor]:
        """Make the tensors."""
        return make()
