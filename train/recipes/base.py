"""The contract of a recipe: a model, its training on some subjects, its evaluation on others."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from torch import nn

from fmdata.catalog import Dataset
from fmdata.catalog.errors import DatasetError, UsageError
from fmdata.catalog.given.labels import PREFIX
from fmdata.catalog.settings import Settings, flag, number, text
from fmdata.train.loop import Loop
from fmdata.train.metrics import Evaluation
from fmdata.train.split import Split


@dataclass(frozen=True)
class RecipeSettings(Settings):
    """Settings of every recipe."""

    seed: int = number(0, help="Seed of the weights and of every draw.")
    hold_out: int = number(
        -1, -1, 9, help="Fold, 0 to 9, of the held-out subjects; -1: the dataset's default split."
    )
    patience: int = number(
        0, help="End a phase when its training loss has not fallen for so many epochs; 0: never."
    )
    accumulate: int = number(
        1, 1, 1024, help="Mini-batches of each process whose gradients are accumulated in a step."
    )  # fmt: skip
    scale_rate: bool = flag(
        True, help="Raise the learning rate with the mini-batches of a step, those of all "
        "processes together: in proportion for SGD, by the square root for Adam."
    )  # fmt: skip
    workers: int = number(
        0, 0, 1024, help="Processes that read and decode clips for each process of the training; "
        "they change no number."
    )  # fmt: skip
    label: str = text(
        "", help="Label of the table of recordings whose values are the classes, such as emotion; "
        "empty: the action."
    )  # fmt: skip
    init: str = text(
        "", help="File of initial weights, safetensors, such as those of a network trained "
        "elsewhere; empty: random ones."
    )  # fmt: skip
    init_keys: str = text(
        "", help="TOML file with names of weights, \"ours\" = \"theirs\", where the file of "
        "initial weights has others; empty: it has the same."
    )  # fmt: skip

    @property
    def without_classes(self) -> str:
        """Why a label is of no use, in words; empty where the recipe has classes."""
        return "it has no classes"


def class_names(dataset: Dataset, subjects: Collection[str], label: str) -> list[str]:
    """Return the classes of some subjects' clips, sorted: their actions, or values of a label.

    Raises
    ------
    DatasetError
        As :func:`class_column`.
    """
    column = class_column(dataset, label)
    rows = dataset.actions.rows(["subject", column])
    return sorted({str(row[column]) for row in rows if row["subject"] in subjects})


def class_column(dataset: Dataset, label: str) -> str:
    """Return the column of the actions that has the classes: that of a label, or the action.

    Raises
    ------
    DatasetError
        When there is no such label, its values are real numbers, or some clips have none.
    """
    if not label:
        return "action"
    name = label.casefold().removeprefix(PREFIX)
    found = next((one for one in dataset.labels if one.name == name), None)
    if found is None or found.kind == "real":
        known = ", ".join(one.name for one in dataset.labels if one.kind != "real")
        got = f"no label {name} in the dataset" if found is None else f"{name} is a real number"
        raise DatasetError(
            got,
            wanted=f"one of the labels {known}" if known else "a dataset with labels",
            where=f"label = {label}, {dataset.where}",
            todo="name one of them, or add the column to the table of recordings and build again",
        )
    values = dataset.actions.table([found.column])[found.column]
    if values.null_count:
        raise DatasetError(
            f"{values.null_count} of {len(values)} clips have no {name}",
            wanted="a class for every clip",
            where=f"label = {label}, {dataset.where}",
            todo=f'fill in the table and build again, or build with --keep "{name} is not None"',
        )
    return found.column


def require_classes(settings: RecipeSettings, recipe: str) -> None:
    """Raise UsageError for a label where a recipe has no classes."""
    if settings.label and settings.without_classes:
        raise UsageError(
            f"label = {settings.label} for `{recipe}`: {settings.without_classes}",
            wanted="a recipe that has classes: smate, pcl, encoder on actions, or landmarks with "
            "task = expressions",
            where="--set label",
            todo="leave the label out, or train one of them",
        )


@dataclass(frozen=True)
class Material:
    """Input of a training: a dataset, and the subjects on either side of the split."""

    dataset: Dataset
    split: Split


class Recipe(Protocol):
    """One of the published systems.

    Made by ``Recipe(settings, classes)``, where `classes` are the :func:`class_names` of the
    training subjects; a recipe without a classifier ignores them.

    Attributes
    ----------
    Settings : type
        Class of its settings, with the defaults of `fmdata train`.
    settings, classes
        As given.
    model : Module
        Everything that is trained and saved.
    """

    Settings: ClassVar[type[RecipeSettings]]
    settings: RecipeSettings
    classes: Sequence[str]
    model: nn.Module

    def __init__(self, settings: RecipeSettings, classes: Sequence[str]) -> None: ...

    def train(self, material: Material, loop: Loop) -> None:
        """Train the model on the training subjects, in phases of `loop`.

        Held-out subjects may be measured after an epoch, and select nothing.

        Raises
        ------
        DatasetError
            When the dataset lacks the data that the recipe trains on.
        """

    def evaluate(self, dataset: Dataset, subjects: Sequence[str]) -> Evaluation:
        """Measure the trained model on unseen subjects."""
