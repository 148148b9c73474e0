"""Tables of comparisons, and the trainings behind their rows."""

import hashlib
import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fmdata.catalog import Dataset
from fmdata.catalog.storage.files import write_atomically
from fmdata.train.checkpoint import Checkpoint, pack_tensors, unpack_tensors
from fmdata.train.recipes.base import Material, RecipeSettings
from fmdata.train.run import fit, folds_of
from fmdata.train.split import choose_split

SEEDS = 0, 1, 2


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
        Names of the numbers shown.
    rows : sequence of Row
    claims : sequence of Claim
    seeds : tuple of int
    """

    title: str
    about: str
    recipe: str
    dataset: str
    numbers: tuple[str, ...]
    rows: Sequence[Row]
    claims: Sequence[Claim] = ()
    seeds: tuple[int, ...] = SEEDS


@dataclass(frozen=True)
class Training:
    """One training: a recipe with settings on a dataset."""

    recipe: str
    dataset: Path
    settings: RecipeSettings

    def name(self) -> str:
        """Return a name that is the same for equal trainings."""
        facts = [self.recipe, Dataset(self.dataset).digests(), self.settings.to_json()]
        digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
        return f"{self.recipe}-{digest[:16]}"


@dataclass(frozen=True)
class Result:
    """Result of a training: numbers of the held-out subjects, epochs, seconds on one core."""

    numbers: dict[str, float]
    history: list[dict[str, Any]]
    seconds: float


def run(job: Training, folder: Path) -> Result:
    """Train and measure, or read the result of an equal training from `folder`."""
    path = folder / "results" / f"{job.name()}.json"
    if path.exists():
        return Result(**json.loads(path.read_text()))
    torch.set_num_threads(1)
    began = time.monotonic()
    dataset, settings = Dataset(job.dataset), job.settings
    split = choose_split(folds_of(dataset), settings.hold_out, str(job.dataset))
    shelf = _Shelf(folder / "shelf")
    recipe, history = fit(job.recipe, settings, Material(dataset, split), shelf)
    numbers = recipe.evaluate(dataset, split.validation).numbers
    result = Result(numbers, history, time.monotonic() - began)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(result.__dict__).encode())
    return result


def mean_and_spread(values: Sequence[float]) -> tuple[float, float]:
    """Return mean and standard deviation over the seeds (0 for one seed)."""
    return statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else 0.0


class _Shelf:
    """Stores no checkpoint, but shares tensors that are computed once among all trainings."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self) -> None:
        """Return None: every training starts at its first step."""

    def save(self, checkpoint: Checkpoint) -> None:
        """Do nothing."""

    def once(
        self, name: str, digest: str, make: Callable[[], dict[str, Tensor]]
    ) -> dict[str, Tensor]:
        """Return tensors made by an earlier training, or make them."""
        path = self._folder / f"{name}-{digest[:16]}.safetensors"
        if not path.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            write_atomically(path, pack_tensors(make(), {}))
        return unpack_tensors(path, "features of the bench")[0]
