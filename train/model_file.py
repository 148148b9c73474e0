"""Model file of a finished run: weights, recipe, settings, classes, and the training subjects.

Promise: a loaded recipe embeds and classifies exactly as the saved one.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fmdata.catalog import Dataset
from fmdata.catalog.storage.files import write_atomically
from fmdata.train.checkpoint import pack_tensors, unpack_tensors, unreadable
from fmdata.train.distributed import best_device
from fmdata.train.recipes import recipe_named
from fmdata.train.recipes.base import Recipe

MODEL = "model.safetensors"
WANTED = "a model written by `fmdata train`"


@dataclass(frozen=True)
class TrainedOn:
    """Training subjects of a model, and the digests of their dataset."""

    subjects: frozenset[str]
    digests: frozenset[str]

    def shares(self, dataset: Dataset) -> bool:
        """Return whether a dataset is the training dataset, or an updated version of it."""
        return not self.digests.isdisjoint(dataset.digests())


def save(name: str, recipe: Recipe, run: Path, dataset: Dataset, subjects: Sequence[str]) -> None:
    """Write the model of a recipe, and its training subjects, into a run's folder."""
    facts = {
        "recipe": name,
        "settings": recipe.settings.to_json(),
        "classes": recipe.classes,
        "subjects": sorted(subjects),
        "dataset": dataset.digests(),
    }
    metadata = {"fmdata": json.dumps(facts)}
    write_atomically(run / MODEL, pack_tensors(recipe.model.state_dict(), metadata))


def load(run: Path) -> Recipe:
    """Read a recipe; its model is in evaluation mode, on CUDA where there is one.

    Raises
    ------
    ModelError
        When the model file is missing or is no model of fmdata.
    """
    path = run / MODEL
    tensors, metadata = unpack_tensors(path, WANTED)
    try:
        facts = json.loads(metadata["fmdata"])
        kind = recipe_named(facts["recipe"])
        recipe = kind(kind.Settings.from_json(facts["settings"]), facts["classes"])
        recipe.model.load_state_dict(tensors)
    except (KeyError, ValueError, RuntimeError) as error:
        raise unreadable(path, WANTED, error) from error
    recipe.model.to(best_device()).eval()
    return recipe


def trained_on(run: Path) -> TrainedOn:
    """Return the training subjects of a finished run's model.

    Raises
    ------
    ModelError
        As :func:`load` does.
    """
    _, metadata = unpack_tensors(run / MODEL, WANTED)
    try:
        facts = json.loads(metadata["fmdata"])
        return TrainedOn(frozenset(facts["subjects"]), frozenset(facts["dataset"]))
    except (KeyError, ValueError) as error:
        raise unreadable(run / MODEL, WANTED, error) from error
