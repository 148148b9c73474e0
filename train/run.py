"""A run: a recipe trained on a dataset in a folder, taken up where it stopped, and measured.

The folder holds ``settings.json``, ``checkpoint.safetensors``, ``metrics.json`` (written after
every epoch), ``curves.png`` (now and then), what was computed once (``features-*.safetensors``)
and, at the end, ``model.safetensors``; ``evaluation.json`` with its pictures comes on demand.
Promise: a run that was killed and started again ends with the metrics of an unbroken one.
"""

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

from torch import Tensor

from fmdata.catalog import Dataset
from fmdata.catalog.errors import DatasetError, UsageError
from fmdata.catalog.files import write_atomically
from fmdata.train import parallel
from fmdata.train.checkpoint import (
    Checkpoint,
    Keeper,
    load_checkpoint,
    pack_tensors,
    save_checkpoint,
    unpack_tensors,
)
from fmdata.train.evaluation import Evaluation
from fmdata.train.finished import MODEL, load, save, trained_on
from fmdata.train.loop import Epoch, Loop, OnProgress, seeded, silent
from fmdata.train.pictures import draw_curves, draw_evaluation
from fmdata.train.recipe import Material, Recipe, RecipeSettings
from fmdata.train.recipes import recipe_named
from fmdata.train.split import Split, choose_split

METRICS, SETTINGS = "metrics.json", "settings.json"
DRAW_EVERY_S = 15.0  # a picture takes half a second, an epoch may take less
CHECKPOINT, CURVES, EVALUATION = "checkpoint.safetensors", "curves.png", "evaluation.json"


@dataclass(frozen=True)
class Report:
    """What a run has come to.

    Attributes
    ----------
    evaluation : Evaluation
        On the held-out subjects.
    history : list of Epoch
        Of every phase's epochs.
    split : Split
        Subjects trained on, and held out.
    """

    evaluation: Evaluation
    history: list[Epoch]
    split: Split


def train(
    name: str,
    dataset: Path,
    out: Path,
    settings: RecipeSettings,
    on_progress: OnProgress = silent,
) -> Report:
    """Train a recipe, or take it up where a run in the same folder stopped, and measure it.

    Parameters
    ----------
    name : str
        Of the recipe.
    dataset : Path
        The dataset's folder.
    out : Path
        The run's folder.
    settings : RecipeSettings
        The recipe's.
    on_progress : callable, optional
        Told of every step.

    Raises
    ------
    DatasetError
        When there is no dataset, no subject-disjoint split, or nothing that the recipe can use.
    UsageError
        When `out` cannot be written to, or holds a run of another recipe, dataset or settings.
    """
    parallel.start()
    data = Dataset(dataset)
    split = choose_split(folds_of(data), settings.hold_out, str(dataset))
    keeper = FolderKeeper(out, _identity(name, data, settings))
    recipe, history = fit(name, settings, Material(data, split), keeper, on_progress)
    if parallel.rank() == 0:
        save(name, recipe, out, data, split.train)
    evaluation = recipe.evaluate(data, split.validation)
    if parallel.rank() == 0:
        keeper.write_metrics(history, asdict(split), evaluation.numbers)
        keeper.draw(history)
    parallel.finish()
    return Report(evaluation, history, split)


def fit(
    name: str,
    settings: RecipeSettings,
    material: Material,
    keeper: Keeper,
    on_progress: OnProgress = silent,
) -> tuple[Recipe, list[Epoch]]:
    """Make a recipe and train it on the training subjects, or take up what `keeper` has."""
    with seeded(settings.seed):
        recipe = recipe_named(name)(settings, _classes(material.dataset, material.split.train))
    loop = Loop(recipe.model, settings.seed, keeper, on_progress, patience=settings.patience)
    recipe.train(material, loop)
    return recipe, loop.history


def cross_validate(
    name: str,
    dataset: Path,
    out: Path,
    settings: RecipeSettings,
    on_progress: OnProgress = silent,
) -> dict[str, float]:
    """Train once for each fold that has subjects, that fold held out, in folders of `out`.

    Returns
    -------
    dict of str to float
        The mean of every number over the folds and, as ``NAME_spread``, its standard deviation;
        also written to ``metrics.json`` in `out`, beside those of each fold.

    Raises
    ------
    DatasetError, UsageError
        As :func:`train` does.
    """
    folds = sorted(set(folds_of(Dataset(dataset)).values()))
    measured = {}
    for fold in folds:
        held_out = replace(settings, hold_out=fold)
        report = train(name, dataset, out / f"fold-{fold}", held_out, on_progress)
        measured[fold] = report.evaluation.numbers
    shared = set.intersection(*(set(numbers) for numbers in measured.values()))
    numbers: dict[str, float] = {}
    for number in (n for n in measured[folds[0]] if n in shared):
        values = [of_fold[number] for of_fold in measured.values()]
        numbers |= {number: fmean(values), f"{number}_spread": pstdev(values)}
    if parallel.rank() == 0:
        write_atomically(out / METRICS, _json({**numbers, "folds": measured}))
    return numbers


def evaluate(run: Path, dataset: Path) -> Evaluation:
    """Measure a finished run on those subjects of a dataset, by name, that it was not trained on.

    Writes ``evaluation.json`` and its pictures into the run's folder.

    Raises
    ------
    ModelError
        When the run is not finished, or is none.
    DatasetError
        When the dataset has no subject but those trained on.
    """
    recipe, known = load(run), trained_on(run)
    data = Dataset(dataset)
    unseen = [subject for subject in folds_of(data) if subject not in known.subjects]
    if not unseen:
        raise DatasetError(
            "every subject of the dataset, by name, was trained on",
            wanted="subjects that the model has not seen",
            where=str(dataset),
            todo="name another dataset, or train with another --set hold_out=FOLD",
        )
    evaluation = recipe.evaluate(data, unseen)
    numbers = evaluation.numbers | {
        f"f1_{unit}": value for unit, value in evaluation.f1_per_unit.items()
    }
    draw_evaluation(evaluation, run)
    write_atomically(
        run / EVALUATION, _json({"dataset": str(dataset), "subjects": unseen} | numbers)
    )
    return evaluation


class FolderKeeper:
    """Keeps the checkpoints of a run in its folder, with ``metrics.json`` and the curves.

    Parameters
    ----------
    out : Path
        The folder; made where it is missing.
    run : dict
        What the run follows from, as JSON values; another run's folder is refused.
    """

    def __init__(self, out: Path, run: dict[str, Any]) -> None:
        self._out, self._run = out, run
        self._drawn = time.monotonic()
        _make_folder(out)

    def load(self) -> Checkpoint | None:
        """Return the run's latest checkpoint, or None.

        Raises
        ------
        UsageError
            When the folder holds another run's.
        """
        path = self._out / CHECKPOINT
        if not path.exists():
            return None
        checkpoint, run = load_checkpoint(path)
        if run != self._run:
            changed = [name for name in self._run if run.get(name) != self._run[name]]
            raise UsageError(
                f"a folder that holds another run: other {' and '.join(changed)}",
                wanted="a new folder, or the one of this very run, to take it up again",
                where=f"--out {self._out}",
                todo="name another folder, or remove this one yourself",
            )
        return checkpoint

    def save(self, checkpoint: Checkpoint) -> None:
        """Keep a checkpoint, and now and then draw the curves so far."""
        write_atomically(self._out / SETTINGS, _json(self._run["settings"]))
        save_checkpoint(checkpoint, self._out / CHECKPOINT, self._run)
        self.write_metrics(checkpoint.history)
        if time.monotonic() - self._drawn > DRAW_EVERY_S:
            self.draw(checkpoint.history)

    def draw(self, history: list[Epoch]) -> None:
        """Draw the curves."""
        draw_curves(history, self._out / CURVES)
        self._drawn = time.monotonic()

    def once(
        self, name: str, digest: str, make: Callable[[], dict[str, Tensor]]
    ) -> dict[str, Tensor]:
        """Return tensors that were made before from what `digest` stands for, or make them."""
        path = self._out / f"{name}-{digest[:12]}.safetensors"
        if path.exists():
            return unpack_tensors(path, f"{name} kept by a run; remove the file")[0]
        tensors = make()
        if parallel.rank() > 0:
            return tensors
        for other in self._out.glob(f"{name}-*.safetensors"):
            other.unlink()
        write_atomically(path, pack_tensors(tensors, {}))
        return tensors

    def write_metrics(
        self,
        history: list[Epoch],
        split: dict[str, list[str]] | None = None,
        numbers: dict[str, float] | None = None,
    ) -> None:
        """Write ``metrics.json``: numbers of a finished run at the top, then every epoch."""
        finished = numbers is not None
        facts = {"recipe": self._run["recipe"], "finished": finished, **(numbers or {})}
        facts |= {"split": split} if split else {}
        write_atomically(self._out / METRICS, _json({**facts, "history": history}))


def _identity(name: str, data: Dataset, settings: RecipeSettings) -> dict[str, Any]:
    """What a run follows from: recipe, settings, the dataset's bytes, the extractor it takes."""
    facts = {"recipe": name, "settings": settings.to_json(), "dataset": data.digests()}
    if taken := getattr(settings, "extractor", ""):
        model = Path(taken) / MODEL
        facts["extractor"] = sha256(model.read_bytes()).hexdigest() if model.exists() else ""
    return facts


def folds_of(data: Dataset) -> dict[str, int]:
    """The fold of every subject."""
    table = data.actions.table(["subject", "fold"])
    return dict(zip(table["subject"].to_pylist(), table["fold"].to_pylist(), strict=True))


def _classes(data: Dataset, subjects: Sequence[str]) -> list[str]:
    """Names of some subjects' actions, sorted."""
    table = data.actions.table(["subject", "action"])
    rows = zip(table["subject"].to_pylist(), table["action"].to_pylist(), strict=True)
    return sorted({action for subject, action in rows if subject in subjects})


def _make_folder(out: Path) -> None:
    """Make the run's folder; a fault shows now and not after the training."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=out).close()
    except OSError as fault:
        raise UsageError(
            f"a folder that cannot be written to: {fault.strerror}",
            wanted="a folder for the model and its metrics",
            where=f"--out {out}",
            todo="name another one; nothing was trained",
        ) from fault


def _json(values: dict[str, Any]) -> bytes:
    return (json.dumps(values, indent=2, allow_nan=False) + "\n").encode()
