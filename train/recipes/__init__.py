"""The published systems, one file each; each is imported only when it is asked for."""

from importlib import import_module

from fmdata.catalog.errors import UsageError
from fmdata.train.recipes.base import Recipe

# Name on the command line: the class in the file of that name, and what it is.
RECIPES = {
    "landmarks": ("Landmarks", "a spatial feature extractor that knows where 68 points are"),
    "encoder": ("Encoder", "Sun et al. 2022: facial motions told apart, for verification"),
    "subclips": ("Subclips", "Sun et al. 2023: compounds, with contrastive subclips before"),
    "smate": ("Smate", "Kim et al. 2022: a video transformer that classifies actions"),
    "rrl": ("Rrl", "RRL 2023: action units from regions and their relations"),
    "pcl": ("Pcl", "PCL 2023: faces with the pose taken apart"),
}


def recipe_named(name: str) -> type[Recipe]:
    """Return a recipe's class.

    Raises
    ------
    UsageError
        When there is none of this name.
    """
    if name not in RECIPES:
        raise UsageError(
            f"no recipe {name!r}",
            wanted=f"one of {', '.join(RECIPES)}",
            where="fmdata train RECIPE",
            todo="name one of them",
        )
    kind: type[Recipe] = getattr(import_module(f"fmdata.train.recipes.{name}"), RECIPES[name][0])
    return kind
