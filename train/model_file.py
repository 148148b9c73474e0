"""Model file of a finished run: weights, recipe, settings, classes, training subjects, thresholds.

It also has the settings of the build, by which a raw video becomes a clip like those trained on.
Promise: a loaded recipe embeds and classifies exactly as the saved one.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fmdata.catalog import Dataset
from fmdata.catalog.errors import UsageError
from fmdata.catalog.storage.files import write_atomically
from fmdata.pipeline.settings import BuildSettings
from fmdata.train.checkpoint import pack_tensors, unpack_tensors, unreadable
from fmdata.train.distributed import best_device
from fmdata.train.recipes import recipe_named
from fmdata.train.recipes.base import Recipe
from fmdata.train.verification.operating import Operating

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


def save(
    name: str,
    recipe: Recipe,
    run: Path,
    dataset: Dataset,
    subjects: Sequence[str],
    operating: Operating = Operating(),  # noqa: B008
) -> None:
    """Write the model of a recipe, its training subjects and thresholds, into a run's folder."""
    facts = {
        "recipe": name,
        "settings": recipe.settings.to_json(),
        "classes": recipe.classes,
        "subjects": sorted(subjects),
        "dataset": dataset.digests(),
        "build": dataset.card.actions.settings,
        "operating": operating.to_json(),
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
    with _facts(run) as facts:
        return TrainedOn(frozenset(facts["subjects"]), frozenset(facts["dataset"]))


def operating_of(run: Path) -> Operating:
    """Return the thresholds and the calibration of a finished run; none of an older release's.

    Raises
    ------
    ModelError
        As :func:`load` does.
    """
    with _facts(run) as facts:
        return Operating.from_json(facts["operating"]) if "operating" in facts else Operating()


def build_settings_of(run: Path) -> BuildSettings:
    """Return the settings of the build whose clips a finished run was trained on.

    Raises
    ------
    ModelError
        As :func:`load` does, or when an older release wrote the model.
    """
    with _facts(run) as facts:
        return BuildSettings.from_json(facts["build"])


@contextmanager
def _facts(run: Path) -> Iterator[dict[str, Any]]:
    """Read the facts of a model; what is missing or wrong in them is a ModelError."""
    _, metadata = unpack_tensors(run / MODEL, WANTED)
    try:
        yield json.loads(metadata["fmdata"])
    except (KeyError, ValueError, TypeError, UsageError) as error:
        raise unreadable(run / MODEL, WANTED, error) from error
