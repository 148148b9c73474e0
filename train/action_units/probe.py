"""The linear classifier of action units on frozen features, with a threshold for each unit.

A unit that is rare never reaches a probability of one half, and its F1 is 0. So each unit has the
threshold at which its F1 is highest on training subjects: on those that a classifier of the others
has not seen. Units that nearly no training frame shows, or nearly every one, are left out. No
held-out subject has a say in either.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from fmdata.train.action_units.scoring import best_thresholds, prevalences
from fmdata.train.distributed import best_device
from fmdata.train.loop import Loop, Phase, Schedule, Step

FOLDS = 3  # of training subjects, to choose thresholds
BATCH = 256  # features in a mini-batch


class Labelled(NamedTuple):
    """Features, float [N, d], with masks of present and of known units, bool [N, K] each."""

    features: Tensor
    present: Tensor
    known: Tensor

    def at(self, chosen: Tensor) -> "Labelled":
        """Return some rows, by a mask or by numbers."""
        return Labelled(*(part[chosen] for part in self))


class UnitProbe(nn.Module):
    """Batch norm and a linear layer without bias, as in the RRL paper (2023), section 3.1.

    Parameters
    ----------
    n_features, n_units : int
        d and K.

    Attributes
    ----------
    kept : Tensor bool [K]
        Units that count.
    thresholds : Tensor float [K]
        A unit is found where its output is above.
    """

    kept: Tensor
    thresholds: Tensor

    def __init__(self, n_features: int, n_units: int) -> None:
        super().__init__()
        self.classifier = _linear(n_features, n_units)
        self.folds = nn.ModuleList(_linear(n_features, n_units) for _ in range(FOLDS))
        self.register_buffer("kept", torch.ones(n_units, dtype=torch.bool))
        self.register_buffer("thresholds", torch.zeros(n_units))

    def forward(self, features: Tensor) -> Tensor:
        """Map features, float [B, d], to a score of each unit, float [B, K]."""
        scores: Tensor = self.classifier(features)
        return scores

    def keep(self, present: Tensor, known: Tensor, low: float, high: float) -> None:
        """Keep the units that a share from `low` to `high` of the training frames shows."""
        shares = torch.from_numpy(prevalences(present.numpy(), known.numpy()))
        self.kept.copy_((shares >= low) & (shares <= high))

    def fit(
        self, data: Labelled, subjects: Sequence[str], loop: Loop, epochs: int, rate: float
    ) -> None:
        """Train the classifier, and choose the thresholds by the folds of `subjects`, [N]."""
        data = Labelled(*(part.to(best_device()) for part in data))
        number = {subject: i % FOLDS for i, subject in enumerate(sorted(set(subjects)))}
        fold = torch.tensor([number[subject] for subject in subjects], device=data.features.device)
        # As many steps for all: outputs of a classifier grow with them.
        schedule = Schedule(epochs, math.ceil(len(subjects) / BATCH), rate)
        _fit("probe", self.classifier, data, loop, schedule)
        if len(number) == 1:
            return
        scores = torch.zeros(data.present.shape)
        for k, classifier in enumerate(self.folds[: len(number)]):
            out = fold == k
            _fit(f"probe, fold {k + 1}", classifier, data.at(~out), loop, schedule)
            with torch.no_grad():
                scores[out.cpu()] = classifier(data.features[out]).cpu()
        masks = data.present.cpu().numpy(), data.known.cpu().numpy()
        self.thresholds.copy_(torch.from_numpy(best_thresholds(scores.numpy(), *masks)))


def unit_loss(scores: Tensor, present: Tensor, known: Tensor) -> Tensor:
    """Return the cross-entropy over the known units, of scores, float [B, K]; 0 if none is."""
    costs = nn.functional.binary_cross_entropy_with_logits(
        scores, present.float(), reduction="none"
    )
    return costs[known].sum() / known.sum().clamp(min=1)


def _linear(n_features: int, n_units: int) -> nn.Sequential:
    return nn.Sequential(nn.BatchNorm1d(n_features), nn.Linear(n_features, n_units, bias=False))


def _fit(name: str, classifier: nn.Module, data: Labelled, loop: Loop, schedule: Schedule) -> None:
    def loss_at(step: Step) -> Tensor:
        drawn = torch.from_numpy(step.rng.integers(len(data.features), size=BATCH))
        chosen = data.at(drawn.to(data.features.device))
        return unit_loss(classifier(chosen.features), chosen.present, chosen.known)

    loop.fit(Phase(name, classifier, loss_at, schedule))
