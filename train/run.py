"""A run: a recipe trained on a dataset in a folder, taken up where it stopped, and measured.

The folder holds ``settings.json``, ``checkpoint.safetensors``, ``metrics.json`` (written after
every epoch), ``curves.png`` and, at the end, ``model.safetensors``. Promise: a run that was killed
and started again ends with the metrics of an unbroken one.
"""

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from fmdata.catalog import Dataset
from fmdata.catalog.errors import DatasetError, UsageError
from fmdata.catalog.files import write_atomically
from fmdata.train import parallel
from fmdata.train.checkpoint import (
    Checkpoint,
    load_checkpoint,
    pack_tensors,
    save_checkpoint,
    unpack_tensors,
    unreadable,
)
from fmdata.train.evaluation import Evaluation
from fmdata.train.finished import load, save
from fmdata.train.loop import Epoch, Loop, OnProgress, seeded, silent
from fmdata.train.pictures import draw_curves, draw_evaluation
from fmdata.train.recipe import Material, RecipeSettings
from fmdata.train.recipes import recipe_named
from fmdata.train.split import Split, choose_split

METRICS, SETTINGS = "metrics.json", "settings.json"
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
    with seeded(settings.seed):
        recipe = recipe_named(name)(settings, classes_of(data, split.train))
    loop = Loop(recipe.model, settings.seed, keeper, on_progress)
    recipe.train(Material(data, split), loop)
    evaluation = recipe.evaluate(data, split.validation)
    report = Report(evaluation, loop.history, split)
    if parallel.rank() == 0:
        save(name, recipe, out)
        keeper.write_metrics(report.history, asdict(split), evaluation.numbers)
    return report


def evaluate(run: Path, dataset: Path) -> Evaluation:
    """Measure a finished run on those subjects of a dataset that it was not trained on.

    Writes ``evaluation.json`` and its pictures into the run's folder.

    Raises
    ------
    ModelError
        When the run is not finished, or is none.
    DatasetError
        When the dataset has no subject but those trained on.
    """
    recipe, trained_on = load(run), _trained_on(run)
    data = Dataset(dataset)
    unseen = [subject for subject in folds_of(data) if subject not in trained_on]
    if not unseen:
        raise DatasetError(
            "every subject of the dataset was trained on",
            wanted="subjects that the model has not seen",
            where=str(dataset),
            todo="name another dataset, or train with another --set hold_out=FOLD",
        )
    evaluation = recipe.evaluate(data, unseen)
    numbers = evaluation.numbers | {
        f"f1_{unit}": value for unit, value in evaluation.f1_per_unit.items()
    }
    draw_evaluation(evaluation, run)
    write_atomically(run / EVALUATION, _json({"subjects": unseen} | numbers))
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
        """Keep a checkpoint, and show the curves so far."""
        write_atomically(self._out / SETTINGS, _json(self._run["settings"]))
        save_checkpoint(checkpoint, self._out / CHECKPOINT, self._run)
        self.write_metrics(checkpoint.history)
        draw_curves(checkpoint.history, self._out / CURVES)

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
    """What a run follows from: its recipe, the settings, and the bytes of the dataset."""
    return {"recipe": name, "settings": settings.to_json(), "dataset": data.digests()}


def folds_of(data: Dataset) -> dict[str, int]:
    """The fold of every subject."""
    table = data.actions.table(["subject", "fold"])
    return dict(zip(table["subject"].to_pylist(), table["fold"].to_pylist(), strict=True))


def classes_of(data: Dataset, subjects: Sequence[str]) -> list[str]:
    """Names of some subjects' actions, sorted."""
    table = data.actions.table(["subject", "action"])
    rows = zip(table["subject"].to_pylist(), table["action"].to_pylist(), strict=True)
    return sorted({action for subject, action in rows if subject in subjects})


def _trained_on(run: Path) -> set[str]:
    try:
        return set(json.loads((run / METRICS).read_text())["split"]["train"])
    except (OSError, ValueError, KeyError) as fault:
        raise unreadable(run / METRICS, "the metrics of a finished run", fault) from fault


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
    return (json.dumps(values, indent=2) + "\n").encode()
