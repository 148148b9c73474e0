"""The steps of a phase, in all processes: mini-batches, gradients, the optimiser.

Each process draws its own mini-batches. Torch's DistributedDataParallel averages the gradients
while they are computed, so all processes take the same step. Gradients of several mini-batches may
be accumulated in one step; contrasts see one mini-batch of every process at a time.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext

import numpy as np
import torch
from torch import Tensor, nn

from fmdata.train import distributed
from fmdata.train.checkpoint import Epoch
from fmdata.train.distributed import best_device
from fmdata.train.phases.phase import Phase, Step

_COMMON = 2**32 - 1  # in place of a rank


class Steps:
    """Takes the steps of a phase.

    Parameters
    ----------
    phase : Phase
        The phase, prepared.
    seed : int
        Seed of every draw.
    optimizer : Optimizer
    accumulate : int
        Mini-batches of a step, in each process.
    first : int
        Number of the first step to take.

    Notes
    -----
    The phase's schedule is that of these steps, see :meth:`Schedule.for_batches`.
    """

    def __init__(
        self,
        phase: Phase,
        seed: int,
        optimizer: torch.optim.Optimizer,
        accumulate: int,
        first: int,
    ) -> None:
        self._phase, self._seed, self._accumulate = phase, seed, accumulate
        self._optimizer, self._losses = optimizer, distributed.parallel(_Losses(phase))
        self._items = phase.batches(first * accumulate) if phase.batches else None

    def take(self, number: int, history: list[Epoch]) -> dict[str, float]:
        """Take one step; return the means of its losses in this process."""
        phase, n = self._phase, self._accumulate
        for group in self._optimizer.param_groups:
            group["lr"] = phase.schedule.rate_at(number)
            group["weight_decay"] = phase.schedule.weight_decay_at(number)
        phase.part.train()
        self._optimizer.zero_grad()
        sums: dict[str, float] = {}
        for batch in range(number * n, (number + 1) * n):
            step, seed = self._draw(number, batch, history)
            with self._alone(batch + 1 < (number + 1) * n), seeded(seed):
                losses = self._losses(step)
                (losses["loss"] / n).backward()
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + value.item()
        nn.utils.clip_grad_norm_(phase.part.parameters(), 1.0)
        self._optimizer.step()
        if phase.after_step is not None:
            phase.after_step(step)
        return {name: total / n for name, total in sums.items()}

    def _alone(self, alone: bool) -> AbstractContextManager[None]:
        """Keep gradients in this process: they are averaged once a step, with the last ones."""
        if alone and isinstance(self._losses, distributed.Parallel):
            quiet: AbstractContextManager[None] = self._losses.no_sync()
            return quiet
        return nullcontext()

    def _draw(self, number: int, batch: int, history: list[Epoch]) -> tuple[Step, int]:
        """Return the inputs of a mini-batch, and a seed for the network's own draws (dropout)."""
        phase, facts = self._phase, [batch, *self._phase.name.encode()]
        rng = np.random.default_rng([self._seed, distributed.rank(), *facts])
        is_one = distributed.world() == 1
        common = rng if is_one else np.random.default_rng([self._seed, _COMMON, *facts])
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        items = next(self._items) if self._items else None
        step = Step(number, phase.schedule.steps, rng, common, generator, history, items)
        return step, int(rng.integers(2**62))


class _Losses(nn.Module):
    """The losses of a phase as a module, whose forward pass DistributedDataParallel may watch."""

    def __init__(self, phase: Phase) -> None:
        super().__init__()
        self.part, self._loss_at = phase.part, phase.loss_at

    def forward(self, step: Step) -> dict[str, Tensor]:
        """Return the named losses of a mini-batch."""
        device = best_device()
        # bfloat16 needs no scaling of gradients, and so has no state to save.
        with torch.autocast(device.type, torch.bfloat16, device.type == "cuda"):
            losses = self._loss_at(step)
        return dict(losses) if isinstance(losses, Mapping) else {"loss": losses}


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed torch's random numbers within a block, and restore the caller's state after it."""
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        yield
