"""The linear probe: one linear layer on frozen features, to measure them."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from fmdata.train.distributed import best_device
from fmdata.train.loop import Loop, Phase, Schedule, Step

BATCH, RATE = 128, 5e-3


class LinearProbe(nn.Module):
    """One linear layer on standardised features.

    The statistics are saved with the weights, so a loaded probe needs no data.

    Parameters
    ----------
    n_features, n_out : int
        Length of input and output.

    Attributes
    ----------
    target_mean : Tensor float [n_out]
        Mean of the targets of a regression; zero for a classification.
    """

    mean: Tensor
    spread: Tensor
    target_mean: Tensor
    target_spread: Tensor

    def __init__(self, n_features: int, n_out: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(n_features))
        self.register_buffer("spread", torch.ones(n_features))
        self.register_buffer("target_mean", torch.zeros(n_out))
        self.register_buffer("target_spread", torch.ones(n_out))
        self.linear = nn.Linear(n_features, n_out)

    @torch.no_grad()
    def standardise_by(self, features: Tensor, targets: Tensor | None = None) -> None:
        """Set the statistics by features, float [N, n_features], and targets, [N, n_out]."""
        self.mean.copy_(features.mean(dim=0))
        self.spread.copy_(features.std(dim=0).clamp(min=1e-3))
        if targets is not None:
            self.target_mean.copy_(targets.mean(dim=0))
            self.target_spread.copy_(targets.std(dim=0).clamp(min=1e-3))

    def forward(self, features: Tensor) -> Tensor:
        """Map features, float [B, n_features], to float [B, n_out], in units of the targets."""
        out = self.linear((features - self.mean) / self.spread)
        return out * self.target_spread + self.target_mean


def fit_probe(
    loop: Loop,
    name: str,
    probe: LinearProbe,
    data: tuple[Tensor, Tensor],
    loss: Callable[[Tensor, Tensor], Tensor],
    epochs: int,
) -> None:
    """Fit a probe to features, float [N, n], and targets, and standardise it by both."""
    features, targets = (x.to(best_device()) for x in data)

    def loss_at(step: Step) -> Tensor:
        chosen = step.rng.choice(len(features), min(BATCH, len(features)), replace=False)
        return loss(probe(features[chosen]), targets[chosen])

    def prepare() -> None:
        probe.standardise_by(features, targets if targets.is_floating_point() else None)

    steps = math.ceil(len(features) / BATCH)
    schedule = Schedule(epochs, steps, RATE)
    loop.fit(Phase(name, probe, loss_at, schedule, prepare=prepare))
