"""What a recipe is: a model, how it is trained on some subjects, what it is worth on others."""

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
    """What every recipe can be told.

    Attributes
    ----------
    seed : int
        Of weights and of everything that is drawn.
    hold_out : int
        The fold, 0 to 9, whose subjects are held out; -1 takes the dataset's default split.
    patience : int
        End a phase early when its training loss has not fallen for so many epochs; 0 never does.
    """

    seed: int = number(0)
    hold_out: int = number(-1, -1, 9)
    patience: int = number(0)


@dataclass(frozen=True)
class Material:
    """What to learn from: a dataset and the subjects on either side of the split."""

    dataset: Dataset
    split: Split


class Recipe(Protocol):
    """One of the published systems.

    Made by ``Recipe(settings, classes)``, where `classes` are the names of the training subjects'
    actions, sorted; a recipe that classifies none ignores them.

    Attributes
    ----------
    Settings : type
        Of its settings; what they are by default is what `fmdata train` uses.
    settings, classes
        As given.
    model : Module
        Everything that it trains, and all that is kept of it.
    """

    Settings: ClassVar[type[RecipeSettings]]
    settings: RecipeSettings
    classes: Sequence[str]
    model: nn.Module

    def __init__(self, settings: RecipeSettings, classes: Sequence[str]) -> None: ...

    def train(self, material: Material, loop: Loop) -> None:
        """Train the model on the training subjects, in phases of `loop`.

        Held-out subjects may be measured after an epoch and choose nothing.

        Raises
        ------
        DatasetError
            When the dataset has not what the recipe learns from.
        """

    def evaluate(self, dataset: Dataset, subjects: Sequence[str]) -> Evaluation:
        """Measure the trained model on subjects that it has not seen."""
