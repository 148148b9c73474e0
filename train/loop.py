"""The training loop: seeds, optimiser, cosine schedule per step, mixed precision, checkpoints.

Promise: a step is a pure function of the weights, the optimiser's state and (seed, phase, step).
Its generators are made from these numbers, so there is no hidden random state: a run that was
killed and resumed ends with the weights of an uninterrupted one, bit for bit on a CPU. Nothing is
printed, and nothing is selected on held-out data.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from fmdata.catalog.progress import SILENT, Progress
from fmdata.train import distributed
from fmdata.train.checkpoint import Checkpoint, Epoch, Keeper, Nowhere
from fmdata.train.distributed import best_device


@dataclass(frozen=True)
class Schedule:
    """Length, learning rate and optimiser of a phase.

    Attributes
    ----------
    epochs, steps_per_epoch : int
        Number of epochs, and of mini-batches in one.
    rate : float
        The highest learning rate, reached after the warm-up; then half a cosine to zero.
    weight_decay, last_weight_decay : float
        At the first step and, along half a cosine, at the last; None keeps the first.
    optimizer : str
        ``adamw``, ``adam`` or ``sgd`` (momentum 0.9).
    warmup : float
        Share of the steps in which the rate rises.
    """

    epochs: int
    steps_per_epoch: int
    rate: float
    weight_decay: float = 0.0
    last_weight_decay: float | None = None
    optimizer: str = "adamw"
    warmup: float = 0.05

    @property
    def steps(self) -> int:
        """Total number of steps."""
        return self.epochs * self.steps_per_epoch

    def rate_at(self, step: int) -> float:
        """Return the learning rate of one step."""
        warmup = max(1, round(self.steps * self.warmup))
        if step < warmup:
            return self.rate * (step + 1) / warmup
        return self.rate * _cosine((step - warmup) / max(1, self.steps - warmup))

    def weight_decay_at(self, step: int) -> float:
        """Return the weight decay of one step."""
        last = self.weight_decay if self.last_weight_decay is None else self.last_weight_decay
        return last + (self.weight_decay - last) * _cosine(step / self.steps)

    def make_optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """Return the optimiser of a model's trainable weights."""
        weights = [w for w in model.parameters() if w.requires_grad]
        if self.optimizer == "sgd":
            return torch.optim.SGD(weights, lr=self.rate, momentum=0.9)
        kind = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}[self.optimizer]
        return kind(weights, lr=self.rate)


@dataclass(frozen=True)
class Step:
    """The inputs of a mini-batch.

    Attributes
    ----------
    number, steps : int
        Number of the step in its phase, from 0, and the phase's number of steps.
    rng : numpy.random.Generator
        Draws samples. It is seeded by (seed, phase, step), and by the process where there are
        several, so that each process draws its own batches.
    generator : torch.Generator
        The same for pixels, on the CPU.
    history : list of Epoch
        The phase's epochs before this one.
    """

    number: int
    steps: int
    rng: np.random.Generator
    generator: torch.Generator
    history: list[Epoch]

    @property
    def done(self) -> float:
        """Completed share of the phase, 0 to 1."""
        return self.number / self.steps


@dataclass(frozen=True)
class Phase:
    """One training of a part of the model.

    Attributes
    ----------
    name : str
        Unique within a loop.
    part : Module
        The trained module: the model, or a module inside it.
    loss_at : callable
        Returns the loss of a mini-batch, or several named numbers: ``loss`` is minimised, the
        others are only recorded.
    schedule : Schedule
    prepare : callable, optional
        Called once before the first step, e.g. to initialise weights by the data's statistics.
    measure : callable, optional
        Called after each epoch, with `part` in evaluation mode and without gradients.
    after_step : callable, optional
        Called after each step, e.g. to update a momentum network.
    """

    name: str
    part: nn.Module
    loss_at: Callable[[Step], Tensor | Mapping[str, Tensor]]
    schedule: Schedule
    prepare: Callable[[], None] | None = None
    measure: Callable[[], dict[str, float]] | None = None
    after_step: Callable[[Step], None] | None = None


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
    ) -> None:
        self.model = model.to(best_device())
        self.seed, self.progress, self.patience = seed, progress, patience
        self._keeper = keeper or Nowhere()
        self._found = self._keeper.load()
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

    def _train(self, phase: Phase) -> None:
        steps, length = phase.schedule.steps, phase.schedule.steps_per_epoch
        optimizer = phase.schedule.make_optimizer(phase.part)
        first = self._resume(phase.name, optimizer)
        if first == 0 and phase.prepare is not None:
            phase.prepare()
        self.progress.start(f"train: {phase.name}", steps, "steps", done=first)
        sums: dict[str, float] = {}
        for done in range(first + 1, steps + 1):
            losses = self._take_step(phase, done - 1, optimizer)
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

    def _take_step(
        self, phase: Phase, number: int, optimizer: torch.optim.Optimizer
    ) -> dict[str, float]:
        """Take one optimiser step; return the values of the losses."""
        rng = np.random.default_rng([self.seed, distributed.rank(), number, *phase.name.encode()])
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        epochs = self._epochs(phase.name)
        step = Step(number, phase.schedule.steps, rng, generator, epochs)
        for group in optimizer.param_groups:
            group["lr"] = phase.schedule.rate_at(number)
            group["weight_decay"] = phase.schedule.weight_decay_at(number)
        phase.part.train()
        device = best_device()
        with seeded(int(rng.integers(2**62))):  # for dropout
            # bfloat16 needs no scaling of gradients, and so has no state to save.
            with torch.autocast(device.type, torch.bfloat16, device.type == "cuda"):
                losses = phase.loss_at(step)
            named = losses if isinstance(losses, Mapping) else {"loss": losses}
            optimizer.zero_grad()
            named["loss"].backward()
        distributed.average_gradients(phase.part)
        nn.utils.clip_grad_norm_(phase.part.parameters(), 1.0)
        optimizer.step()
        values = {name: value.item() for name, value in named.items()}
        if phase.after_step is not None:
            phase.after_step(step)
        return values

    def _close_epoch(self, phase: Phase, done: int, means: dict[str, float]) -> None:
        distributed.share_buffers(phase.part)
        numbers = distributed.averaged(means)
        if phase.measure is not None:
            phase.part.eval()
            with torch.no_grad():
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


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed torch's random numbers within a block, and restore the caller's state after it."""
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        yield


def _cosine(done: float) -> float:
    """Return half a cosine, from 1 at 0 to 0 at 1."""
    return 0.5 + 0.5 * math.cos(math.pi * done)
