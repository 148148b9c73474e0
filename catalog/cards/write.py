"""Writes a dataset's introduction: the same bytes for the same dataset, statements and release.

Promise: a change of the dataset removes the introduction before it replaces anything, so that none
describes another dataset. Files of these names that fmdata did not write stay as they are.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from fmdata.catalog.cards.croissant import croissant
from fmdata.catalog.cards.energon import nv_meta
from fmdata.catalog.cards.facts import gather
from fmdata.catalog.cards.hub import readme
from fmdata.catalog.cards.statements import CardSettings
from fmdata.catalog.cards.words import mark
from fmdata.catalog.dataset import Dataset
from fmdata.catalog.storage import card as card_file
from fmdata.catalog.storage.card import FileFacts
from fmdata.catalog.storage.files import write_atomically
from fmdata.catalog.storage.pack import change, interrupted
from fmdata.catalog.storage.place import (
    INTRODUCTION,
    NV_META,
    foreign_introduction,
    is_introduction,
    remove_introduction,
)

_NOTHING = CardSettings()


@dataclass(frozen=True)
class Introduced:
    """Result of writing an introduction; ``str()`` of it is the text for the user.

    Attributes
    ----------
    dataset : Path
        Folder of the dataset.
    missing : list of str
        Statements that are not made, by the names of their options.
    kept : list of str
        Files of these names that fmdata did not write, and left as they are.
    """

    dataset: Path
    missing: list[str]
    kept: list[str]

    def __str__(self) -> str:
        lines = [f"introduction in {self.dataset}: README.md, croissant.json, {NV_META}"]
        if self.kept:
            lines.append(f"  not written by fmdata, and kept: {', '.join(self.kept)}")
        if self.missing:
            lines.append(f"  not stated: {', '.join(self.missing)} (`fmdata card`)")
        return "\n".join(lines)


def introduce(path: Path, settings: CardSettings = _NOTHING) -> Introduced:
    """Write the introduction of a dataset, after new statements are put into its card.

    Raises
    ------
    DatasetError
        When there is no dataset, or a damaged one.
    UsageError
        When another command is using it.
    """
    if not interrupted(path):
        Dataset(path)  # raises before anything is written to a folder without a dataset
    if settings == _NOTHING and not interrupted(path) and _is_current(path):
        return _result(path)  # without a lock: others may read meanwhile
    with change(path, keep_work=True):
        dataset = Dataset(path)
        stated = settings.over(dataset.card.stated)
        if stated != dataset.card.stated:
            remove_introduction(path)
            replace(dataset.card, stated=stated).write(path)
            dataset = Dataset(path)
        if not _is_current(path):
            _write(dataset, foreign_introduction(path))
        return _result(path)


def _result(path: Path) -> Introduced:
    made = CardSettings.of(Dataset(path).card.stated)
    wanted = ("license", "origin", "source", "consent", "contact")
    missing = [f"--{name}" for name in wanted if not getattr(made, name)]
    return Introduced(path, missing, foreign_introduction(path))


def _is_current(path: Path) -> bool:
    """Return whether the introduction is of the dataset's card, and by this release."""
    wanted = mark(FileFacts.of(path / card_file.NAME).sha256).encode()
    kept = foreign_introduction(path)
    files = [path / name for name in INTRODUCTION if name not in kept]
    return all(is_introduction(file, path) and wanted in file.read_bytes() for file in files)


def _write(dataset: Dataset, kept: list[str]) -> None:
    facts = gather(dataset)
    content = {"README.md": readme(facts), "croissant.json": croissant(facts)}
    content |= {f"{NV_META}/{name}": text for name, text in nv_meta(facts).items()}
    for name in INTRODUCTION:
        if name not in kept:
            file = dataset.path / name
            file.parent.mkdir(exist_ok=True)
            write_atomically(file, content[name].encode())
