"""Tables of comparisons: rows, and claims about them. :mod:`bench.papers.designs` adds anchors."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fmdata.train.recipes.base import RecipeSettings


@dataclass(frozen=True)
class Row:
    """One row of a table: settings of a training, and the paper's figures.

    Attributes
    ----------
    name : str
        Label of the row.
    settings : RecipeSettings
        Settings; the runner sets the seed.
    paper : mapping of str to float
        The paper's figures by the name of the number.
    """

    name: str
    settings: RecipeSettings
    paper: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Claim:
    """A claim of the paper: a number is larger in the row `more` than in the row `less`."""

    sentence: str
    more: str
    less: str
    number: str


@dataclass(frozen=True)
class Table:
    """One comparison of a paper.

    Attributes
    ----------
    title : str
        E.g. ``2022, Table 1``.
    about : str
        Description of the comparison, and its differences from the paper's experiment.
    recipe, dataset : str
        Names of the recipe, and of one of the bench's datasets.
    numbers : tuple of str
        Names of the numbers shown; settings are chosen by the first, of which more is better.
    rows : sequence of Row
    claims : sequence of Claim
    """

    title: str
    about: str
    recipe: str
    dataset: str
    numbers: tuple[str, ...]
    rows: Sequence[Row]
    claims: Sequence[Claim] = ()

    @property
    def name(self) -> str:
        """Name for the command line, such as ``2022-table-1``."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")
