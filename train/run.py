"""A run: a recipe trained on a dataset in a folder, taken up where it stopped, and measured.

The folder holds ``settings.json``, ``checkpoint.safetensors``, ``metrics.json`` (written after
every epoch), ``curves.png`` (now and then), what was computed once (``features-*.safetensors``)
and, at the end, ``model.safetensors``; ``evaluation.json`` with its pictures comes on demand.
Promise: a run that was killed and started again ends with the metrics of an unbroken one.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

from fmdata.catalog import Dataset
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.storage.files import write_atomically
from fmdata.train import distributed as parallel
from fmdata.train.checkpoint import (
    Keeper,
)
from fmdata.train.figures import draw_evaluation
from fmdata.train.keeper import EVALUATION, METRICS, FolderKeeper, _json
from fmdata.train.loop import Epoch, Loop, OnProgress, seeded, silent
from fmdata.train.metrics import Evaluation
from fmdata.train.model_file import MODEL, load, save, trained_on
from fmdata.train.recipes import recipe_named
from fmdata.train.recipes.base import Material, Recipe, RecipeSettings
from fmdata.train.split import Split, choose_split


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
