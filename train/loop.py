"""The one training loop: seeds, optimiser, cosine per step, mixed precision, checkpoints.

Promise: a step is a pure function of the weights, the optimiser's state and of (seed, step). Its
generators are made anew from these numbers, so order and chance carry no hidden state: a training
that is killed and taken up again ends with the weights of an unbroken one, bit for bit on a CPU.
Nothing is printed and nothing is chosen on held-out data.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from fmdata.train import distributed as parallel
from fmdata.train.checkpoint import Checkpoint, Keeper, Nowhere

Epoch: TypeAlias = dict[str, Any]
"""Of one epoch: ``phase``, ``epoch`` (from 0), means of the losses, and what was measured."""


@dataclass(frozen=True)
class Schedule:
    """How long, how fast, with which optimiser.

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
        """Number of steps altogether."""
        return self.epochs * self.steps_per_epoch

    def rate_at(self, step: int) -> float:
        """Learning rate of one step."""
        warmup = max(1, round(self.steps * self.warmup))
        if step < warmup:
            return self.rate * (step + 1) / warmup
        return self.rate * _cosine((step - warmup) / max(1, self.steps - warmup))

    def weight_decay_at(self, step: int) -> float:
        """Weight decay of one step."""
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
    """What a mini-batch may depend on.

    Attributes
    ----------
    number, steps : int
        Which step of the phase, from 0, and of how many.
    rng : numpy.random.Generator
        For what is drawn about samples. Of (seed, phase, step), and of the process where there are
        several, so that each draws batches of its own.
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
        """Share of the phase that is behind, 0 to 1."""
        return self.number / self.steps


@dataclass(frozen=True)
class Progress:
    """Where a training stands, for whoever shows it.

    Attributes
    ----------
    phase : str
        What is being done, e.g. ``landmarks``, ``features``, ``motion``.
    done, total : int
        Steps, or clips.
    measures : dict of str to float
        The latest numbers: the loss, and what was measured after the latest epoch.
    """

    phase: str
    done: int
    total: int
    measures: dict[str, float]


OnProgress: TypeAlias = Callable[[Progress], None]


def silent(_: Progress) -> None:
    """Show nothing."""


class Loop:
    """Trains one model in phases, each on a part of it.

    Parameters
    ----------
    model : Module
        Everything that is trained, kept and taken up again.
    seed : int
        Of everything that is drawn.
    keeper : Keeper
        Where checkpoints go and come from. What it holds is put into `model` at once.
    on_progress : callable
        Told after each step.
    patience : int
        End a phase when its training loss has not fallen for so many epochs; 0 never does.
    mixed : bool
        Use bfloat16 where CUDA can; it needs no scaling of gradients, and so has no state.

    Attributes
    ----------
    history : list of Epoch
        Of all phases so far.
    """

    def __init__(
        self,
        model: nn.Module,
        seed: int,
        keeper: Keeper | None = None,
        on_progress: OnProgress = silent,
        *,
        patience: int = 0,
        mixed: bool = True,
    ) -> None:
        self.model = model.to(best_device())
        self.seed, self.on_progress = seed, on_progress
        self.patience, self.mixed = patience, mixed
        self._keeper = keeper or Nowhere()
        self._found = self._keeper.load()
        self.history: list[Epoch] = self._found.history if self._found else []
        self._finished = list(self._found.finished) if self._found else []
        if self._found:
            self.model.load_state_dict(self._found.weights)

    def fit(
        self,
        phase: str,
        part: nn.Module,
        loss_at: Callable[[Step], Tensor | Mapping[str, Tensor]],
        schedule: Schedule,
        *,
        prepare: Callable[[], None] | None = None,
        measure: Callable[[], dict[str, float]] | None = None,
        after_step: Callable[[Step], None] | None = None,
    ) -> list[Epoch]:
        """Train a part of the model in place, and leave it in evaluation mode.

        A phase that is finished is not trained again; one that was cut short goes on.

        Parameters
        ----------
        phase : str
            The name of this training; no two of a loop are called alike.
        part : Module
            What is trained: the model or something inside it.
        loss_at : callable
            The loss of a mini-batch, or several named numbers of which ``loss`` is made smaller
            and the others are only kept.
        schedule : Schedule
            How long and how fast.
        prepare : callable, optional
            Called once before the first step, e.g. to start the weights at the data's statistics.
        measure : callable, optional
            Called after each epoch, `part` in evaluation mode and without gradients.
        after_step : callable, optional
            Called after each step, e.g. to let a second network follow.

        Returns
        -------
        list of Epoch
            Of this phase.
        """
        if phase in self._finished:
            part.eval()
            return self._epochs(phase)
        optimizer = schedule.make_optimizer(part)
        first = self._take_up(phase, optimizer)
        if first == 0 and prepare is not None:
            prepare()
        sums: dict[str, float] = {}
        for number in range(first, schedule.steps):
            step = self._step(phase, number, schedule)
            for group in optimizer.param_groups:
                group["lr"] = schedule.rate_at(number)
                group["weight_decay"] = schedule.weight_decay_at(number)
            parts = self._descend(part, loss_at, optimizer, step)
            if after_step is not None:
                after_step(step)
            for name, value in parts.items():
                sums[name] = sums.get(name, 0.0) + value
            if (number + 1) % schedule.steps_per_epoch == 0:
                epoch = {name: value / schedule.steps_per_epoch for name, value in sums.items()}
                sums = {}
                self._close_epoch(phase, part, epoch, number, schedule, measure)
                last = number + 1 == schedule.steps or self._stalled(phase)
                self._keep(phase, number + 1, optimizer, finished=last)
                if last:
                    break
            measures = self._numbers(phase) | parts
            self.on_progress(Progress(phase, number + 1, schedule.steps, measures))
        self.on_progress(Progress(phase, schedule.steps, schedule.steps, self._numbers(phase)))
        part.eval()
        return self._epochs(phase)

    def once(
        self, name: str, digest: str, make: Callable[[], dict[str, Tensor]]
    ) -> dict[str, Tensor]:
        """Return tensors kept from before under a name and the digest of what they follow from.

        Made, and kept, where there are none.
        """
        return self._keeper.once(name, digest, make)

    def _step(self, phase: str, number: int, schedule: Schedule) -> Step:
        entropy = [self.seed, parallel.rank(), number, *phase.encode()]
        rng = np.random.default_rng(entropy)
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        return Step(number, schedule.steps, rng, generator, self._epochs(phase))

    def _descend(
        self,
        part: nn.Module,
        loss_at: Callable[[Step], Tensor | Mapping[str, Tensor]],
        optimizer: torch.optim.Optimizer,
        step: Step,
    ) -> dict[str, float]:
        """Take one step; return the losses' values."""
        part.train()
        device = best_device()
        with seeded(int(step.rng.integers(2**62))):  # for dropout
            with torch.autocast(device.type, torch.bfloat16, self.mixed and device.type == "cuda"):
                losses = loss_at(step)
            parts = losses if isinstance(losses, Mapping) else {"loss": losses}
            optimizer.zero_grad()
            parts["loss"].backward()
        parallel.average_gradients(part)
        nn.utils.clip_grad_norm_(part.parameters(), 1.0)
        optimizer.step()
        return {name: value.item() for name, value in parts.items()}

    def _close_epoch(
        self,
        phase: str,
        part: nn.Module,
        epoch: dict[str, float],
        number: int,
        schedule: Schedule,
        measure: Callable[[], dict[str, float]] | None,
    ) -> None:
        parallel.share_buffers(part)
        epoch = parallel.averaged(epoch)
        if measure is not None:
            part.eval()
            with torch.no_grad():
                epoch |= measure()
        count = number // schedule.steps_per_epoch
        self.history.append({"phase": phase, "epoch": count, **epoch})

    def _stalled(self, phase: str) -> bool:
        losses, patience = [epoch["loss"] for epoch in self._epochs(phase)], self.patience
        return 0 < patience < len(losses) and min(losses[-patience:]) >= min(losses[:-patience])

    def _epochs(self, phase: str) -> list[Epoch]:
        return [epoch for epoch in self.history if epoch["phase"] == phase]

    def _numbers(self, phase: str) -> dict[str, float]:
        """Return what the phase's latest epoch came to."""
        latest = self._epochs(phase)[-1:] or [{}]
        return {n: v for n, v in latest[0].items() if n not in ("phase", "epoch")}

    def _take_up(self, phase: str, optimizer: torch.optim.Optimizer) -> int:
        """Put back the optimiser's state if this phase was cut short; return the step to begin."""
        found, self._found = self._found, None
        if found is None or found.phase != phase:
            return 0
        optimizer.load_state_dict(found.optimizer)
        return found.step

    def _keep(
        self, phase: str, step: int, optimizer: torch.optim.Optimizer, *, finished: bool
    ) -> None:
        if finished:
            self._finished.append(phase)
        if parallel.rank() == 0:
            state = optimizer.state_dict()
            kept = Checkpoint(
                self._finished, phase, step, self.history, self.model.state_dict(), state
            )
            self._keeper.save(kept)


def best_device() -> torch.device:
    """CUDA where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Set torch's random numbers for a block, and give the caller's own back after it."""
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        yield


def _cosine(done: float) -> float:
    """Half a cosine, from 1 at 0 to 0 at 1."""
    return 0.5 + 0.5 * math.cos(math.pi * done)
