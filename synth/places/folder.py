"""A synthesis of a dataset in a folder: by processes here, or by a cluster that sees it."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

from fmdata.catalog.dataset import Dataset
from fmdata.catalog.errors import FmdataError
from fmdata.catalog.storage.card import COMPOUNDS, Card, Shard
from fmdata.catalog.storage.lock import WORK
from fmdata.catalog.storage.pack import change, commit, interrupted, stage
from fmdata.pipeline.engine.remote.hands import Hands
from fmdata.pipeline.engine.remote.site import hands_at
from fmdata.synth.processes import Processes
from fmdata.synth.shards import Made, Synthesis

_VISIBLE_S = 90.0  # after which a file that another machine wrote is seen on any network disk

T = TypeVar("T")
R = TypeVar("R")


class Place(Protocol):
    """A dataset as a synthesis reads and writes it.

    Attributes
    ----------
    folder : Path
        The dataset, or its small files.
    where : str
        The dataset, for a user.
    """

    folder: Path
    where: str

    def change(self) -> AbstractContextManager[None]:
        """Lock the dataset for a change; finished units of an interrupted build are kept."""

    def hands(self) -> AbstractContextManager[Hands]:
        """Yield the workers that plan subjects and make shards."""

    def is_intact(self, half: str, shard: Shard) -> bool:
        """Return whether the files of a shard are as the card says."""

    def commit(self, card: Callable[[list[Shard]], Card], made: Sequence[Made]) -> None:
        """Put shards in place, with the card that a function makes of their entries."""

    def clear(self, synthesis: Synthesis, *, keep_own: bool) -> None:
        """Remove finished shards of other syntheses, and by `keep_own` those of this one."""

    def outcome(self) -> Dataset:
        """Return the dataset with the tables of its compounds."""


class FolderPlace:
    """A :class:`Place` on a disk.

    Parameters
    ----------
    folder : Path
        The dataset.
    workers : int
        Number of processes; 0 works in this one.
    scheduler : str or None
        Address of a Dask scheduler whose workers see the folder.
    """

    def __init__(self, folder: Path, workers: int, scheduler: str | None) -> None:
        self.where = str(folder)
        self.folder = folder.absolute() if scheduler else folder
        self._workers, self._scheduler = workers, scheduler

    @contextmanager
    def change(self) -> Iterator[None]:
        """Lock the dataset for a change."""
        if not interrupted(self.folder):
            Dataset(self.folder)  # raises before anything is written to a folder without a dataset
        with change(self.folder, keep_work=True):
            yield

    def hands(self) -> AbstractContextManager[Hands]:
        """Return processes of this machine, or the workers of a scheduler."""
        if self._scheduler is None:
            return Processes(self._workers, self.where)
        return hands_at(str(self.folder / WORK), self._scheduler, None)

    def is_intact(self, half: str, shard: Shard) -> bool:
        """Return whether the files of a shard are as the card says; they are read."""
        return shard.intact(self.folder / half)

    def commit(self, card: Callable[[list[Shard]], Card], made: Sequence[Made]) -> None:
        """Put shards in place, with the card that a function makes of their entries."""
        self._require_seen(made)
        found = stage(self.folder, COMPOUNDS, ((one.stem, one.shard) for one in made))
        commit(self.folder, card(found))

    def clear(self, synthesis: Synthesis, *, keep_own: bool) -> None:
        """Remove finished shards of other syntheses, and by `keep_own` those of this one."""
        synthesis.clear(keep_own=keep_own)

    def outcome(self) -> Dataset:
        """Return the dataset."""
        return Dataset(self.folder)

    def _require_seen(self, made: Iterable[Made]) -> None:
        """Raise FmdataError when a shard is not here that another machine has reported as made."""
        limit_s = time.monotonic() + _VISIBLE_S
        for one in made:
            while not all((one.stem.parent / name).exists() for name in one.shard.files):
                if time.monotonic() > limit_s:
                    raise FmdataError(
                        f"a worker reported a shard as made whose files are not here: {one.stem}",
                        wanted="the files that the worker wrote, on a disk that all share",
                        where=self.where,
                        todo="check the disk on every worker, then run the same command, which "
                        "resumes from here",
                    )
                time.sleep(1.0)
