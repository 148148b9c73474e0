"""Length, learning rate and optimiser of a phase: a cosine per step, after a warm-up."""

import math
from dataclasses import dataclass, replace

import torch
from torch import nn

MIN_WARMUP = 0.05  # share of the steps, where the rate is raised


@dataclass(frozen=True)
class Schedule:
    """Length, learning rate and optimiser of a phase.

    Attributes
    ----------
    epochs, steps_per_epoch : int
        Number of epochs, and of steps in one.
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

    def for_batches(self, n: int, *, scale_rate: bool) -> "Schedule":
        """Return the schedule for steps of `n` mini-batches: as many of them in an epoch.

        A step of more samples bears a higher rate: `n` times for SGD (Goyal et al. 2017), the
        square root of it for Adam and AdamW (Malladi et al. 2022); after a warm-up of at least 5 %
        of the steps (Goyal et al. too).
        """
        steps = math.ceil(self.steps_per_epoch / n)
        if n == 1 or not scale_rate:
            return replace(self, steps_per_epoch=steps)
        growth = n if self.optimizer == "sgd" else math.sqrt(n)
        warmup = max(self.warmup, MIN_WARMUP)
        return replace(self, steps_per_epoch=steps, rate=self.rate * growth, warmup=warmup)

    def rate_at(self, step: int) -> float:
        """Return the learning rate of one step."""
        warmup = max(1, round(self.steps * self.warmup))
        if step < warmup:
            return self.rate * (step + 1) / warmup
        return self.rate * cosine((step - warmup) / max(1, self.steps - warmup))

    def weight_decay_at(self, step: int) -> float:
        """Return the weight decay of one step."""
        last = self.weight_decay if self.last_weight_decay is None else self.last_weight_decay
        return last + (self.weight_decay - last) * cosine(step / self.steps)

    def make_optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """Return the optimiser of a model's trainable weights."""
        weights = [w for w in model.parameters() if w.requires_grad]
        if self.optimizer == "sgd":
            return torch.optim.SGD(weights, lr=self.rate, momentum=0.9)
        kind = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}[self.optimizer]
        return kind(weights, lr=self.rate)


def cosine(done: float) -> float:
    """Return half a cosine, from 1 at 0 to 0 at 1."""
    return 0.5 + 0.5 * math.cos(math.pi * done)
