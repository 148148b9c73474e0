"""A finished run's model: saved with what it takes to make it again and whom it has seen; loaded.

Promise: a loaded recipe embeds and classifies as the saved one did.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fmdata.catalog import Dataset
from fmdata.catalog.storage.files import write_atomically
from fmdata.train.checkpoint import pack_tensors, unpack_tensors, unreadable
from fmdata.train.loop import best_device
from fmdata.train.recipes import recipe_named
from fmdata.train.recipes.base import Recipe

MODEL = "model.safetensors"
WANTED = "a model that `fmdata train` has written"


@dataclass(frozen=True)
class TrainedOn:
    """Whom a model has learnt from: subjects of a dataset, which is known by its digests."""

    subjects: frozenset[str]
    digests: frozenset[str]

    def shares(self, dataset: Dataset) -> bool:
        """Whether a dataset is the one trained on, or has grown from it."""
        return not self.digests.isdisjoint(dataset.digests())


def save(name: str, recipe: Recipe, run: Path, dataset: Dataset, subjects: Sequence[str]) -> None:
    """Write a recipe's model, trained on some subjects, to ``model.safetensors`` in a folder."""
    facts = {
        "recipe": name,
        "settings": recipe.settings.to_json(),
        "classes": recipe.classes,
        "subjects": sorted(subjects),
        "dataset": dataset.digests(),
    }
    # One entry only: safetensors keeps no order among several, and files would differ.
    metadata = {"fmdata": json.dumps(facts)}
    write_atomically(run / MODEL, pack_tensors(recipe.model.state_dict(), metadata))


def load(run: Path) -> Recipe:
    """Read a recipe back, its model in evaluation mode, on CUDA where there is one.

    Raises
    ------
    ModelError
        When there is none, or the file is something else's.
    """
    path = run / MODEL
    tensors, metadata = unpack_tensors(path, WANTED)
    try:
        facts = json.loads(metadata["fmdata"])
        kind = recipe_named(facts["recipe"])
        recipe = kind(kind.Settings.from_json(facts["settings"]), facts["classes"])
        recipe.model.load_state_dict(tensors)
    except (KeyError, ValueError, RuntimeError) as fault:
        raise unreadable(path, WANTED, fault) from fault
    recipe.model.to(best_device()).eval()
    return recipe


def trained_on(run: Path) -> TrainedOn:
    """Return whom a finished run's model has learnt from.

    Raises
    ------
    ModelError
        As :func:`load` does.
    """
    _, metadata = unpack_tensors(run / MODEL, WANTED)
    try:
        facts = json.loads(metadata["fmdata"])
        return TrainedOn(frozenset(facts["subjects"]), frozenset(facts["dataset"]))
    except (KeyError, ValueError) as fault:
        raise unreadable(run / MODEL, WANTED, fault) from fault
