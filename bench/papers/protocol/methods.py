"""Anything that can be trained on some subjects and measured on others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from torch import nn

from fmdata.catalog import Dataset
from fmdata.train.checkpoint import Epoch, Keeper
from fmdata.train.metrics import Evaluation
from fmdata.train.recipes.base import Material, RecipeSettings
from fmdata.train.run import fit


class Trained(Protocol):
    """A trained method, such as a recipe."""

    def evaluate(self, dataset: Dataset, subjects: Sequence[str]) -> Evaluation:
        """Measure it on unseen subjects."""


class Method(Protocol):
    """A row of a table, before it is trained."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """Everything that decides its results besides the data, as JSON values."""

    def tried(self, trial: Sequence[str], seed: int) -> "Method":
        """Return the method with some settings assigned, ``name=value``, and a seed."""

    def train(self, material: Material, keeper: Keeper) -> tuple[Trained, list[Epoch]]:
        """Train on the training subjects of the split; the others measure epochs at most."""


@dataclass(frozen=True)
class RecipeMethod:
    """A recipe with settings."""

    recipe: str
    settings: RecipeSettings

    @property
    def identity(self) -> Mapping[str, Any]:
        """Name and settings."""
        return {"recipe": self.recipe, "settings": self.settings.to_json()}

    def tried(self, trial: Sequence[str], seed: int) -> "RecipeMethod":
        """Return the recipe with some settings assigned, and a seed."""
        return RecipeMethod(self.recipe, self.settings.replaced([*trial, f"seed={seed}"]))

    def train(self, material: Material, keeper: Keeper) -> tuple[Trained, list[Epoch]]:
        """Train all phases of the recipe."""
        return fit(self.recipe, self.settings, material, keeper)


def model_of(trained: Trained) -> nn.Module | None:
    """Return the network of a trained method; None where it has none."""
    model = getattr(trained, "model", None)
    return model if isinstance(model, nn.Module) else None
