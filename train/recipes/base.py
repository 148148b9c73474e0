"""The contract of a recipe: a model, its training on some subjects, its evaluation on others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from torch import nn

from fmdata.catalog import Dataset
from fmdata.catalog.settings import Settings, number
from fmdata.train.loop import Loop
from fmdata.train.metrics import Evaluation
from fmdata.train.split import Split


@dataclass(frozen=True)
class RecipeSettings(Settings):
    """Settings of every recipe."""

    seed: int = number(0, help="Seed of the weights and of every draw.")
    hold_out: int = number(
        -1, -1, 9, help="Fold, 0 to 9, of the held-out subjects; -1: the dataset's default split."
    )
    patience: int = number(
        0, help="End a phase when its training loss has not fallen for so many epochs; 0: never."
    )


@dataclass(frozen=True)
class Material:
    """Input of a training: a dataset, and the subjects on either side of the split."""

    dataset: Dataset
    split: Split


class Recipe(Protocol):
    """One of the published systems.

    Made by ``Recipe(settings, classes)``, where `classes` are the names of the training subjects'
    actions, sorted; a recipe without a classifier ignores them.

    Attributes
    ----------
    Settings : type
        Class of its settings, with the defaults of `fmdata train`.
    settings, classes
        As given.
    model : Module
        Everything that is trained and saved.
    """

    Settings: ClassVar[type[RecipeSettings]]
    settings: RecipeSettings
    classes: Sequence[str]
    model: nn.Module

    def __init__(self, settings: RecipeSettings, classes: Sequence[str]) -> None: ...

    def train(self, material: Material, loop: Loop) -> None:
        """Train the model on the training subjects, in phases of `loop`.

        Held-out subjects may be measured after an epoch, and select nothing.

        Raises
        ------
        DatasetError
            When the dataset lacks the data that the recipe trains on.
        """

    def evaluate(self, dataset: Dataset, subjects: Sequence[str]) -> Evaluation:
        """Measure the trained model on unseen subjects."""
