"""A finished run's model: saved with what it takes to make it again, and loaded.

Promise: a loaded recipe embeds and classifies as the saved one did.
"""

import json
from pathlib import Path

from fmdata.catalog.files import write_atomically
from fmdata.train.checkpoint import pack_tensors, unpack_tensors, unreadable
from fmdata.train.loop import best_device
from fmdata.train.recipe import Recipe
from fmdata.train.recipes import recipe_named

MODEL = "model.safetensors"


def save(name: str, recipe: Recipe, run: Path) -> None:
    """Write a recipe's model, its settings and classes to ``model.safetensors`` in a folder."""
    facts = {"recipe": name, "settings": recipe.settings.to_json(), "classes": recipe.classes}
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
    path, wanted = run / MODEL, "a model that `fmdata train` has written"
    tensors, metadata = unpack_tensors(path, wanted)
    try:
        facts = json.loads(metadata["fmdata"])
        kind = recipe_named(facts["recipe"])
        recipe = kind(kind.Settings.from_json(facts["settings"]), facts["classes"])
        recipe.model.load_state_dict(tensors)
    except (KeyError, ValueError, RuntimeError) as fault:
        raise unreadable(path, wanted, fault) from fault
    recipe.model.to(best_device()).eval()
    return recipe
