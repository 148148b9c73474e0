"""One training of a comparison, and what a table of comparisons is."""

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
    """One line of a table: settings to train with, and what the paper reports.

    Attributes
    ----------
    name : str
        What the line says.
    settings : RecipeSettings
        Without the seed, which the runner puts in.
    paper : mapping of str to float
        The paper's own figures by the number's name.
    """

    name: str
    settings: RecipeSettings
    paper: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Claim:
    """What the paper says of two of its rows: the first has more of a number than the second."""

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
        What is compared, and what differs from the paper's experiment.
    recipe, dataset : str
        What is trained, on which of the bench's datasets.
    numbers : tuple of str
        Which numbers of an evaluation are shown.
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
class Job:
    """One training: a recipe with settings on a dataset."""

    recipe: str
    dataset: Path
    settings: RecipeSettings

    def name(self) -> str:
        """Return a name that two equal trainings share."""
        facts = [self.recipe, Dataset(self.dataset).digests(), self.settings.to_json()]
        digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
        return f"{self.recipe}-{digest[:16]}"


@dataclass(frozen=True)
class Result:
    """What a training came to: numbers on the held-out subjects, epochs, seconds on one core."""

    numbers: dict[str, float]
    history: list[dict[str, Any]]
    seconds: float


def run(job: Job, folder: Path) -> Result:
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
    """Mean, and standard deviation over the seeds (0 for one)."""
    return statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else 0.0


class _Shelf:
    """Keeps no checkpoint; what is computed once lies where every training finds it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self) -> None:
        """Return None: every training begins anew."""

    def save(self, checkpoint: Checkpoint) -> None:
        """Let it go."""

    def once(
        self, name: str, digest: str, make: Callable[[], dict[str, Tensor]]
    ) -> dict[str, Tensor]:
        """Return tensors made by an earlier training, or make them."""
        path = self._folder / f"{name}-{digest[:16]}.safetensors"
        if not path.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            write_atomically(path, pack_tensors(make(), {}))
        return unpack_tensors(path, "features of the bench")[0]
