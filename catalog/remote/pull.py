"""Copying of a dataset from a URL into a folder: resumable, checked, replaced all at once.

Files are fetched into the folder's unfinished work, each compared with the card there, and put in
place by the commit of a build. Shards that the folder has already are not fetched. Promise: the
folder holds what it held before, or the whole dataset; a killed pull is completed by the same
command.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fmdata.catalog.errors import DatasetError, UsageError
from fmdata.catalog.progress import SILENT, Progress
from fmdata.catalog.remote.contents import fetch_of_card, files_of, no_dataset, read_card
from fmdata.catalog.remote.copies import copies_of, remember, require_apart
from fmdata.catalog.remote.store import Store
from fmdata.catalog.storage.card import DROPPED, NAME, Card, FileFacts, Shard
from fmdata.catalog.storage.files import atomic_file, flush, remove_folder
from fmdata.catalog.storage.lock import WORK
from fmdata.catalog.storage.pack import change, commit, stage, staging

PULLED = "pull"  # in .work: files of a pull that is under way


@dataclass(frozen=True)
class Pulled:
    """The result of a pull; ``str()`` of it is the text for the user.

    Attributes
    ----------
    path, url : str
        The folder, and the place of the copy without secrets.
    files : int
        Files of the dataset beside its card, each with the right SHA-256.
    fetched : list of str
        Those that were fetched by this run.
    fetched_bytes : int
        Their size.
    """

    path: str
    url: str
    files: int
    fetched: list[str] = field(default_factory=list)
    fetched_bytes: int = 0

    def __str__(self) -> str:
        return (
            f"dataset of {self.url} in {self.path}: {self.files} files with the right checksums\n"
            f"  {len(self.fetched)} fetched ({self.fetched_bytes / 1e6:.1f} MB), "
            f"{self.files - len(self.fetched)} were here"
        )


def pull(url: str, dataset: Path, *, replace: bool = False, progress: Progress = SILENT) -> Pulled:
    """Copy a dataset from a URL into a new folder, or bring a folder up to date.

    Parameters
    ----------
    url : str
        fsspec URL of the dataset.
    dataset : Path
        Folder to fill.
    replace : bool
        Replace a dataset in the folder that was neither pushed to the URL nor pulled from it.
    progress : Progress
        Receives a step for each file.

    Raises
    ------
    UsageError
        When the folder holds anything else than a dataset, or another one without `replace`.
    DatasetError
        When there is no finished dataset at the URL, it is damaged, or cannot be reached.
    """
    store = Store(url)
    require_apart(dataset, store.url)
    card = read_card(store)
    if card is None:
        raise no_dataset(store)
    with change(dataset, keep_work=True):
        present = _present(dataset)
        if (dataset / NAME).exists() and present != card and not replace:
            _require_copy(dataset, store)
        run = _Pull(store, card, dataset, progress)
        run.run(present)
        remember(dataset, store.url)
    n_bytes = sum(files_of(card)[name].bytes for name in run.fetched)
    return Pulled(str(dataset), store.url, len(files_of(card)), run.fetched, n_bytes)


class _Pull:
    """One pull of the files of a card; `fetched` has the names of those that came over."""

    def __init__(self, store: Store, card: Card, dataset: Path, progress: Progress) -> None:
        self._store, self._card, self._dataset, self._progress = store, card, dataset, progress
        self._folder = dataset / WORK / PULLED
        self.fetched: list[str] = []

    def run(self, present: Card | None) -> None:
        """Fetch what the folder has not, then replace its files; `present` is its card."""
        self._progress.start("pull", len(files_of(self._card)), "files")
        made = {half: list(self._shards(half, present)) for half in self._card.halves}
        is_new_list = not self._card.dropped_file.hold_for(self._dataset / DROPPED)
        if is_new_list:
            self._fetch(DROPPED, self._card.dropped_file)
        self._progress.step()
        if present != self._card or is_new_list or self.fetched or self._folder.exists():
            self._commit(made, is_new_list)

    def _shards(self, half: str, present: Card | None) -> Iterator[tuple[Path, Shard]]:
        """Yield each shard of a half, with the path of its files here, without a suffix."""
        part, folder = self._card.halves[half], self._dataset / half
        old = present.halves[half] if present else None
        known = {_content(shard): shard for shard in (old.shards if old else [])}
        for shard in part.shards if part else []:
            kept = known.get(_content(shard))
            if kept and kept.intact(folder):
                yield folder / kept.name, shard
            else:
                for name, facts in shard.files.items():
                    self._fetch(f"{half}/{name}", facts)
                yield self._folder / half / shard.name, shard
            self._progress.step(len(shard.files))

    def _fetch(self, name: str, facts: FileFacts) -> None:
        """Have a file with the right digest in the folder of this pull."""
        path = self._folder / name
        if facts.hold_for(path):
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(path) as file:
            fetch_of_card(self._store, name, facts, file, self._is_same)
        self.fetched.append(name)

    def _is_same(self) -> bool:
        """Return whether the card at the URL is still the one that this pull began with."""
        return read_card(self._store) == self._card

    def _commit(self, made: dict[str, list[tuple[Path, Shard]]], is_new_list: bool) -> None:
        for half, shards in made.items():
            if shards or (self._dataset / half).is_dir():
                stage(self._dataset, half, shards)
        if is_new_list:
            list_file = staging(self._dataset) / DROPPED
            shutil.copyfile(self._folder / DROPPED, list_file)
            flush(list_file)
        commit(self._dataset, self._card)
        remove_folder(self._folder)


def _content(shard: Shard) -> tuple[FileFacts, ...]:
    return tuple(shard.files.values())


def _present(dataset: Path) -> Card | None:
    """Return the card of a folder; None where it has none that can be read."""
    try:
        return Card.read(dataset)
    except DatasetError:
        return None


def _require_copy(dataset: Path, store: Store) -> None:
    """Refuse to replace a dataset that has nothing to do with the URL."""
    if store.url not in copies_of(dataset):
        raise UsageError(
            "another dataset is in this folder, which was not pulled from there",
            wanted="a new folder, or one of this dataset",
            where=str(dataset),
            todo="name another folder, or give --replace if this dataset is to go; nothing was "
            "changed",
        )
