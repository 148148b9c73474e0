"""The training loop: phases in order, each resumed where it stopped, checkpoints and numbers.

Promise: a step is a pure function of the weights, the optimiser's state and (seed, phase, step).
Its generators are made from these numbers, so there is no hidden random state: a run that was
killed and resumed ends with the weights of an uninterrupted one, bit for bit on a CPU. Nothing is
printed, and nothing is selected on held-out data.
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from fmdata.catalog.progress import SILENT, Progress
from fmdata.train import distributed
from fmdata.train.checkpoint import Checkpoint, Epoch, Keeper, Nowhere
from fmdata.train.distributed import best_device
from fmdata.train.phases.phase import Phase, Step
from fmdata.train.phases.schedule import Schedule
from fmdata.train.phases.steps import Steps, seeded

__all__ = ["Loop", "Phase", "Schedule", "Step", "seeded"]


class Loop:
    """Trains one model in phases, each on a part of it.

    Parameters
    ----------
    model : Module
        Everything that is trained and saved.
    seed : int
        Seed of every draw.
    keeper : Keeper
        Saves and loads checkpoints. The latest one is loaded into `model` at once.
    progress : Progress
        Receives every step, and the latest numbers as a note.
    patience : int
        End a phase when its training loss has not fallen for so many epochs; 0 never does.
    accumulate : int
        Mini-batches of a step, in each process.
    scale_rate : bool
        Raise the rate with the mini-batches of a step, those of all processes.
    workers : int
        Processes that read and decode clips, for each process of the training.

    Attributes
    ----------
    history : list of Epoch
        The epochs of all phases so far.
    """

    def __init__(
        self,
        model: nn.Module,
        seed: int,
        keeper: Keeper | None = None,
        progress: Progress = SILENT,
        *,
        patience: int = 0,
        accumulate: int = 1,
        scale_rate: bool = True,
        workers: int = 0,
    ) -> None:
        self.model = distributed.synchronised(model.to(best_device()), best_device())
        self.seed, self.progress, self.patience = seed, progress, patience
        self._accumulate, self._scale_rate, self.workers = accumulate, scale_rate, workers
        self._keeper = keeper or Nowhere()
        self._found = distributed.from_first(self._keeper.load)
        self.history: list[Epoch] = self._found.history if self._found else []
        self._finished = list(self._found.finished) if self._found else []
        if self._found:
            self.model.load_state_dict(self._found.weights)

    def fit(self, phase: Phase) -> list[Epoch]:
        """Train a part of the model in place, and leave it in evaluation mode.

        A finished phase is not trained again; an interrupted one resumes after its last epoch.
        Returns the phase's epochs.
        """
        if phase.name not in self._finished:
            self._train(phase)
        phase.part.eval()
        return self._epochs(phase.name)

    def once(
        self, name: str, digest: str, make: Callable[[], dict[str, Tensor]]
    ) -> dict[str, Tensor]:
        """Return the tensors saved under a name and the digest of their inputs, or make them."""
        return self._keeper.once(name, digest, make)

    def _train(self, given: Phase) -> None:
        n = distributed.world() * self._accumulate
        schedule = given.schedule.for_batches(n, scale_rate=self._scale_rate)
        phase = replace(given, schedule=schedule)
        steps, length = schedule.steps, schedule.steps_per_epoch
        optimizer = schedule.make_optimizer(phase.part)
        first = self._resume(phase.name, optimizer)
        if first == 0 and phase.prepare is not None:
            phase.prepare()
        self.progress.start(f"train: {phase.name}", steps, "steps", done=first)
        taker = Steps(phase, self.seed, optimizer, self._accumulate, first)
        sums: dict[str, float] = {}
        for done in range(first + 1, steps + 1):
            losses = taker.take(done - 1, self._epochs(phase.name))
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + value
            if done % length == 0:
                self._close_epoch(phase, done, {n: total / length for n, total in sums.items()})
                sums = {}
                is_last = done == steps or self._is_stalled(phase.name)
                self._save(phase.name, done, optimizer, finished=is_last)
                if is_last:
                    break
            self._show(phase.name, losses)
        self._show(phase.name, {}, steps - done + 1)

    def _close_epoch(self, phase: Phase, done: int, means: dict[str, float]) -> None:
        distributed.share_buffers(phase.part)
        numbers = distributed.averaged(means)
        if phase.measure is not None:
            phase.part.eval()
            with torch.no_grad(), distributed.divided_work():
                numbers |= phase.measure()
        count = done // phase.schedule.steps_per_epoch - 1
        self.history.append({"phase": phase.name, "epoch": count, **numbers})

    def _is_stalled(self, phase: str) -> bool:
        losses, patience = [epoch["loss"] for epoch in self._epochs(phase)], self.patience
        return 0 < patience < len(losses) and min(losses[-patience:]) >= min(losses[:-patience])

    def _epochs(self, phase: str) -> list[Epoch]:
        return [epoch for epoch in self.history if epoch["phase"] == phase]

    def _show(self, phase: str, losses: dict[str, float], n: int = 1) -> None:
        """Count `n` steps, with the numbers of the latest epoch and of the latest step."""
        latest = self._epochs(phase)[-1:] or [{}]
        numbers = {n: v for n, v in latest[0].items() if n not in ("phase", "epoch")} | losses
        self.progress.note("  ".join(f"{name} {value:.3f}" for name, value in numbers.items()))
        self.progress.step(n)

    def _resume(self, phase: str, optimizer: torch.optim.Optimizer) -> int:
        """Restore the optimiser of an interrupted phase; return the first step to take."""
        found, self._found = self._found, None
        if found is None or found.phase != phase:
            return 0
        optimizer.load_state_dict(found.optimizer)
        return found.step

    def _save(
        self, phase: str, step: int, optimizer: torch.optim.Optimizer, *, finished: bool
    ) -> None:
        if finished:
            self._finished.append(phase)
        if distributed.rank() == 0:
            weights, state = self.model.state_dict(), optimizer.state_dict()
            self._keeper.save(Checkpoint(self._finished, phase, step, self.history, weights, state))
