"""The published systems, one file each, imported on demand."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from fmdata.catalog.errors import UsageError
from fmdata.catalog.settings import read_settings
from fmdata.train.recipes.base import Recipe, RecipeSettings

PAPER = Path("paper")
# Name on the command line, also the file's, and the class in that file.
RECIPES = {
    "landmarks": "Landmarks",
    "encoder": "Encoder",
    "subclips": "Subclips",
    "smate": "Smate",
    "rrl": "Rrl",
    "pcl": "Pcl",
}


def recipe_named(name: str) -> type[Recipe]:
    """Return the class of a recipe.

    Raises
    ------
    UsageError
        When there is no recipe of this name.
    """
    if name not in RECIPES:
        raise UsageError(
            f"no recipe {name!r}",
            wanted=f"one of {', '.join(RECIPES)}",
            where="fmdata train RECIPE",
            todo="name one of them",
        )
    kind: type[Recipe] = getattr(import_module(f"fmdata.train.recipes.{name}"), RECIPES[name])
    return kind


def settings_of(recipe: str, file: Path | None, assignments: Sequence[str]) -> RecipeSettings:
    """Return a recipe's settings: its defaults, then a settings file, then ``name=value``.

    The file :data:`PAPER` is that of the sizes that the recipe's paper publishes.

    Raises
    ------
    UsageError
        When there is no such recipe or file, or a setting is unknown or invalid.
    """
    kind = recipe_named(recipe).Settings
    if file == PAPER:
        file = Path(__file__).with_name("papers") / f"{recipe}.toml"
    return kind.from_json(read_settings(file) if file else {}).replaced(assignments)
