"""The one training loop: AdamW, a cosine per step, seeds, progress. Nothing is printed.

Promise: a step is a pure function of the weights and of (seed, step). Batches are drawn by the
step's number and the generator of dropout is set anew for each, so order and chance carry no
hidden state from one step to the next.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Schedule:
    """How long and how fast.

    Attributes
    ----------
    epochs : int
        Number of epochs. The last one's weights are the result: nothing is chosen on held-out data.
    steps_per_epoch : int
        Mini-batches an epoch.
    learning_rate : float
        The highest, reached after the warm-up (the first twentieth); then half a cosine to zero.
    weight_decay : float
        AdamW's.
    seed : int
        Of everything that is drawn.
    """

    epochs: int
    steps_per_epoch: int
    learning_rate: float
    weight_decay: float
    seed: int

    @property
    def steps(self) -> int:
        """Number of steps altogether."""
        return self.epochs * self.steps_per_epoch

    def rate_at(self, step: int) -> float:
        """Learning rate of one step."""
        warmup = max(1, self.steps // 20)
        if step < warmup:
            return self.learning_rate * (step + 1) / warmup
        done = (step - warmup) / max(1, self.steps - warmup)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * done))


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


def fit(
    phase: str,
    model: nn.Module,
    loss_at: Callable[[int], Tensor],
    schedule: Schedule,
    measure: Callable[[], dict[str, float]] | None = None,
    on_progress: OnProgress = silent,
) -> list[dict[str, float]]:
    """Train a model in place and leave it in evaluation mode.

    Parameters
    ----------
    phase : str
        Name of this training, for `on_progress`.
    model : Module
        What is trained.
    loss_at : callable
        From a step's number to the loss of its mini-batch. Draws depend on that number alone.
    schedule : Schedule
        How long and how fast.
    measure : callable, optional
        Called after each epoch, the model in evaluation mode and without gradients.
    on_progress : callable, optional
        Called after each step.

    Returns
    -------
    list of dict
        For each epoch its mean ``loss`` and what `measure` said.
    """
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=schedule.learning_rate, weight_decay=schedule.weight_decay
    )
    history: list[dict[str, float]] = []
    losses: list[float] = []
    measures: dict[str, float] = {}
    with seeded(schedule.seed):
        for step in range(schedule.steps):
            model.train()
            torch.manual_seed(schedule.seed * 1_000_003 + step)
            for group in optimizer.param_groups:
                group["lr"] = schedule.rate_at(step)
            loss = loss_at(step)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
            if len(losses) == schedule.steps_per_epoch:
                measures = {"loss": sum(losses) / len(losses)}
                losses.clear()
                if measure is not None:
                    model.eval()
                    with torch.no_grad():
                        measures |= measure()
                history.append(measures)
            on_progress(Progress(phase, step + 1, schedule.steps, measures | {"loss": loss.item()}))
    model.eval()
    return history
