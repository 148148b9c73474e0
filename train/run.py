"""A run: one recipe trained on a dataset in a folder, resumed where it stopped, and measured.

The folder holds ``settings.json``, ``checkpoint.safetensors``, ``metrics.json`` (written after
every epoch), ``curves.png`` (redrawn from time to time), ``features-*.safetensors`` (computed once)
and, at the end, ``model.safetensors``; ``evaluation.json`` and its figures are written on demand.
Promise: a run that was killed and started again ends with the metrics of an uninterrupted one.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

from fmdata.catalog import Dataset
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.printable import listing
from fmdata.catalog.progress import SILENT, Progress
from fmdata.catalog.storage.lock import reading
from fmdata.train import distributed
from fmdata.train.checkpoint import Epoch, Keeper
from fmdata.train.figures import draw_evaluation
from fmdata.train.keeper import EVALUATION, METRICS, FolderKeeper, identity_of, write_json
from fmdata.train.loop import Loop, seeded
from fmdata.train.metrics import Evaluation
from fmdata.train.model_file import load, operating_of, save, trained_on
from fmdata.train.networks.initial import initialise
from fmdata.train.recipes import recipe_named
from fmdata.train.recipes.base import Material, Recipe, RecipeSettings, class_names, require_classes
from fmdata.train.split import Split, choose_split
from fmdata.train.verification.measure import Verifier, choose_operating, verify
from fmdata.train.verification.settings import EvaluateSettings


@dataclass(frozen=True)
class Report:
    """Result of :func:`train`.

    Attributes
    ----------
    recipe : str
        Name of the recipe.
    folder : Path
        The run's folder.
    evaluation : Evaluation
        Numbers of the held-out subjects.
    history : list of Epoch
        The epochs of every phase.
    split : Split
        Subjects trained on, and held out.
    """

    recipe: str
    folder: Path
    evaluation: Evaluation
    history: list[Epoch]
    split: Split

    def __str__(self) -> str:
        rows = [*_rows(self.evaluation.numbers), ("run folder", str(self.folder))]
        return listing(f"{self.recipe}, on held-out subjects", rows)


@dataclass(frozen=True)
class CrossValidation:
    """Result of :func:`cross_validate`.

    Attributes
    ----------
    recipe : str
        Name of the recipe.
    folder : Path
        Folder of the runs' folders.
    numbers : dict of str to float
        The mean of every number over the folds and, as ``NAME_spread``, its standard deviation.
    folds : dict of int to dict
        The numbers of each fold's run, by the held-out fold.
    """

    recipe: str
    folder: Path
    numbers: dict[str, float]
    folds: dict[int, dict[str, float]]

    def __str__(self) -> str:
        rows = [*_rows(self.numbers), ("run folder", f"{self.folder}, a folder per fold in it")]
        return listing(f"{self.recipe}, on held-out subjects, {len(self.folds)} folds", rows)


@dataclass(frozen=True)
class Measured:
    """Result of :func:`evaluate`: numbers of unseen subjects, and the files written."""

    folder: Path
    evaluation: Evaluation

    def __str__(self) -> str:
        figures = ", ".join(sorted(path.name for path in self.folder.glob("*.png")))
        rows = [
            *_rows(self.evaluation.numbers),
            ("figures", f"{figures}, in {self.folder}"),
            ("numbers", str(self.folder / EVALUATION)),
        ]
        verification = self.evaluation.verification
        more = f"\n{verification}" if verification and str(verification) else ""
        return listing(f"{self.folder}, on unseen subjects", rows) + more


def train(
    name: str, dataset: Path | str, out: Path, settings: RecipeSettings, progress: Progress = SILENT
) -> Report:
    """Train a recipe, or resume the run in the same folder, and measure it.

    Parameters
    ----------
    name : str
        Name of the recipe.
    dataset : Path or str
        Folder of the dataset, or its URL.
    out : Path
        Folder of the run.
    settings : RecipeSettings
        Settings of the recipe.
    progress : Progress, optional
        Receives the phases and steps.

    Raises
    ------
    DatasetError
        When there is no dataset, or one that a command is writing to, no subject-disjoint split,
        or no clip that the recipe can use.
    UsageError
        When `out` cannot be written to, or holds a run of another recipe, dataset or settings.
    """
    with _kept(dataset), distributed.joined():
        data = _opened(dataset)
        split = choose_split(folds_of(data), settings.hold_out, data.where)
        keeper = FolderKeeper(out, identity_of(name, data, settings))
        recipe, history = fit(name, settings, Material(data, split), keeper, progress)
        with distributed.divided_work():
            operating = choose_operating(recipe, data, split)
            if distributed.rank() == 0:
                save(name, recipe, out, data, split.train, operating)
            evaluation = recipe.evaluate(data, split.validation)
        if distributed.rank() == 0:
            keeper.write_metrics(history, asdict(split), evaluation.numbers)
            keeper.draw(history)
    return Report(name, out, evaluation, history, split)


def fit(
    name: str,
    settings: RecipeSettings,
    material: Material,
    keeper: Keeper,
    progress: Progress = SILENT,
) -> tuple[Recipe, list[Epoch]]:
    """Train a recipe on the training subjects, resuming from the checkpoint of `keeper`."""
    require_classes(settings, name)
    classes = class_names(material.dataset, material.split.train, settings.label)
    with seeded(settings.seed):
        recipe = recipe_named(name)(settings, classes)
    if settings.init:
        keys = Path(settings.init_keys) if settings.init_keys else None
        initialise(recipe.model, Path(settings.init), keys)
    loop = Loop(
        recipe.model, settings.seed, keeper, progress, patience=settings.patience,
        accumulate=settings.accumulate, scale_rate=settings.scale_rate, workers=settings.workers,
    )  # fmt: skip
    with distributed.divided_work():
        recipe.train(material, loop)
    return recipe, loop.history


def cross_validate(
    name: str,
    dataset: Path | str,
    out: Path,
    settings: RecipeSettings,
    progress: Progress = SILENT,
) -> CrossValidation:
    """Train once for each fold that has subjects, that fold held out, in ``out/fold-N``.

    The numbers are also written to ``metrics.json`` in `out`.

    Raises
    ------
    DatasetError, UsageError
        As :func:`train` does.
    """
    measured = {}
    with _kept(dataset), distributed.joined():
        data = _opened(dataset)
        folds = folds_of(data)
        choose_split(folds, -1, data.where)  # raises before anything is trained
        for fold in sorted(set(folds.values())):
            held_out = replace(settings, hold_out=fold)
            report = train(name, dataset, out / f"fold-{fold}", held_out, progress)
            measured[fold] = report.evaluation.numbers
        shared = set.intersection(*(set(numbers) for numbers in measured.values()))
        numbers: dict[str, float] = {}
        for number in (n for n in next(iter(measured.values())) if n in shared):
            values = [of_fold[number] for of_fold in measured.values()]
            numbers |= {number: fmean(values), f"{number}_spread": pstdev(values)}
        if distributed.rank() == 0:
            write_json(out / METRICS, {**numbers, "folds": measured})
    return CrossValidation(name, out, numbers, measured)


def evaluate(
    run: Path,
    dataset: Path | str,
    progress: Progress = SILENT,
    settings: EvaluateSettings = EvaluateSettings(),  # noqa: B008
) -> Measured:
    """Measure a finished run on those subjects of a dataset, by name, that it was not trained on.

    Writes ``evaluation.json`` and its figures into the run's folder. `dataset` is a folder or its
    URL.

    Raises
    ------
    ModelError
        When the folder holds no finished run.
    DatasetError
        When every subject of the dataset was trained on, or a command is writing to it.
    """
    with _kept(dataset):
        return _evaluate(run, dataset, progress, settings)


def _evaluate(
    run: Path, dataset: Path | str, progress: Progress, settings: EvaluateSettings
) -> Measured:
    progress.start("evaluate", 3, "steps")
    recipe, known = load(run), trained_on(run)
    data = Dataset(dataset)
    unseen = [subject for subject in folds_of(data) if subject not in known.subjects]
    if not unseen:
        raise DatasetError(
            "every subject of the dataset, by name, was trained on",
            wanted="subjects that the model has not seen",
            where=data.where,
            todo="name another dataset, or train with another --set hold_out=FOLD",
        )
    progress.step()
    progress.note(f"measures {len(unseen)} subjects")
    evaluation = recipe.evaluate(data, unseen)
    facts: dict[str, Any] = {"dataset": data.where, "subjects": unseen}
    if isinstance(recipe, Verifier):
        verification = verify(recipe, data, unseen, operating_of(run), settings)
        numbers = evaluation.numbers | verification.numbers
        evaluation = replace(evaluation, numbers=numbers, verification=verification)
        facts["verification"] = verification.to_json()
    progress.step()
    progress.note("draws figures")
    units = {f"f1_{unit}": value for unit, value in evaluation.f1_per_unit.items()}
    draw_evaluation(evaluation, run)
    write_json(run / EVALUATION, facts | evaluation.numbers | units)
    progress.step()
    return Measured(run, evaluation)


def _kept(dataset: Path | str) -> AbstractContextManager[None]:
    """Keep commands from writing to a dataset; one at a URL is compared when it is read."""
    return nullcontext() if isinstance(dataset, str) else reading(dataset)


def _opened(dataset: Path | str) -> Dataset:
    """Open the dataset of a training, the same in all processes."""
    data = Dataset(dataset)
    if len({tuple(digests) for digests in distributed.everywhere(data.digests())}) > 1:
        raise DatasetError(
            "the processes have found different datasets",
            wanted="one dataset for all of them",
            where=data.where,
            todo="wait until nobody writes to it, and start them again",
        )
    return data


def folds_of(data: Dataset) -> dict[str, int]:
    """Return the fold of every subject."""
    table = data.actions.table(["subject", "fold"])
    return dict(zip(table["subject"].to_pylist(), table["fold"].to_pylist(), strict=True))


def _rows(numbers: Mapping[str, float]) -> list[tuple[str, str]]:
    """Return names and values for a reader; whole numbers without decimals."""
    return [
        (name.replace("_", " "), f"{value:.3f}" if value % 1 else f"{value:g}")
        for name, value in numbers.items()
    ]
