"""One phase of a training, and the inputs of its mini-batches."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fmdata.train.checkpoint import Epoch
from fmdata.train.phases.schedule import Schedule


@dataclass(frozen=True)
class Step:
    """The inputs of a mini-batch.

    Attributes
    ----------
    number, steps : int
        Number of the step in its phase, from 0, and the phase's number of steps.
    rng : numpy.random.Generator
        Seeded by (seed, phase, step), and by the process where there are several.
    common : numpy.random.Generator
        The same in all processes, for a draw of samples without repetition, of which each process
        then takes its part (:func:`fmdata.train.distributed.part`). In a single process it is
        `rng`.
    generator : torch.Generator
        Like `rng`, for pixels, on the CPU.
    history : list of Epoch
        The phase's epochs before this one.
    items : any
        What the phase's `batches` have for this mini-batch; None where it has none.
    """

    number: int
    steps: int
    rng: np.random.Generator
    common: np.random.Generator
    generator: torch.Generator
    history: list[Epoch]
    items: Any = None

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
    batches : callable, optional
        Returns the items of all mini-batches of this process, from the number of one on; they are
        read while the network computes.
    """

    name: str
    part: nn.Module
    loss_at: Callable[[Step], Tensor | Mapping[str, Tensor]]
    schedule: Schedule
    prepare: Callable[[], None] | None = None
    measure: Callable[[], dict[str, float]] | None = None
    after_step: Callable[[Step], None] | None = None
    batches: Callable[[int], Iterator[Any]] | None = None
