"""A synthesis of a dataset at a URL: each piece of work fetches what it needs, and sends a shard.

A worker fetches the action shards of the subjects that it plans or splices into a folder of its
own, works there as on any dataset, and removes the folder. For a plan the tables are enough, unless
takes are chosen by their pixels (``--smooth``). Rows and plans travel to it, and never a pixel.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from fmdata.catalog.dataset import Dataset
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.remote.lease import Lease, held, require_held
from fmdata.catalog.remote.store import Store, store_at
from fmdata.catalog.remote.transfer import fetch
from fmdata.catalog.remote.work import SHARDS, clear, require_place, send_folder
from fmdata.catalog.storage.card import ACTIONS, COMPOUNDS, NAME, Card, Shard
from fmdata.catalog.storage.lock import WORK
from fmdata.pipeline.engine.remote.dataset import RemoteDataset
from fmdata.pipeline.engine.remote.hands import Hands
from fmdata.pipeline.engine.remote.scratch import scratch
from fmdata.pipeline.engine.remote.shard import known_record
from fmdata.pipeline.engine.remote.site import hands_at, renamed, require_no_secret
from fmdata.synth.processes import Processes
from fmdata.synth.shards import FACTS, Made, Named, ShardPlan, Synthesis

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Task:
    """A method of a synthesis and its argument, with what a worker must fetch for it; travels.

    Attributes
    ----------
    out, owner : str
        URL of the dataset, and holder of its lock.
    card : Card
        Its card, with the action shards alone that hold the subjects in question.
    synthesis : Synthesis
        The synthesis, of which the folder is replaced.
    method : str
        Name of the method.
    item : object
        Its argument.
    """

    out: str
    owner: str
    card: Card
    synthesis: Synthesis
    method: str
    item: Any

    def __call__(self) -> Any:
        """Do the work, on this machine."""
        store = store_at(self.out)
        if isinstance(self.item, ShardPlan):
            return self._made(store, self.item)
        with self._here(store) as synthesis:
            return getattr(synthesis, self.method)(self.item)

    def _made(self, store: Store, plan: ShardPlan) -> Made:
        """Make a shard and send it, unless an earlier run has done so."""
        name = json.dumps([self.synthesis.folder.name, plan.name, plan.runs])
        place = f"{SHARDS}/{hashlib.sha256(name.encode()).hexdigest()}"
        record, found = known_record(store, place), True
        if record is None:
            found = False
            with self._here(store) as synthesis:
                stem = synthesis.make(plan).stem
                (stem.parent / FACTS).unlink()
                require_held(store, self.owner)
                record = send_folder(store, stem.parent, place)
        return Made(Path(place) / plan.name, plan.entry(record.files), found)

    @contextmanager
    def _here(self, store: Store) -> Iterator[Synthesis]:
        """Yield the synthesis of the subjects in question, in a folder of this process's own."""
        needs_pixels = self.method == "make" or self.synthesis.settings.smooth
        with scratch() as folder:
            (folder / WORK).mkdir()
            (folder / ACTIONS).mkdir()
            self.card.write(folder)
            for shard in self.card.actions.shards:
                for name, facts in shard.files.items():
                    if needs_pixels or not name.endswith(".tar"):
                        fetch(store, f"{ACTIONS}/{name}", folder / ACTIONS / name, facts)
            yield replace(self.synthesis, dataset=folder)


class _AtUrl:
    """:class:`Hands` that give each piece of work what it must fetch."""

    def __init__(self, hands: Hands, url: str, owner: str, card: Card) -> None:
        self._hands, self._url, self._owner, self._card = hands, url, owner, card

    def each(self, work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Yield the result of a method of a synthesis for each item when it is ready."""
        return self._hands.each(_do, (self._task(work, item) for item in items))

    def _task(self, work: Callable[[T], R], item: T) -> Task:
        synthesis: Synthesis = work.__self__  # type: ignore[attr-defined]
        subjects = set(_subjects_of(item))
        actions = self._card.actions
        shards = [shard for shard in actions.shards if not subjects.isdisjoint(shard.subjects)]
        samples = sum(shard.samples for shard in shards)
        part = replace(actions, shards=shards, samples=samples)
        card = replace(self._card, actions=part, compounds=None, left_out=None)
        return Task(self._url, self._owner, card, synthesis, work.__name__, item)


def _do(task: Task) -> Any:
    return task()


def _subjects_of(item: Any) -> Iterator[str]:
    """Yield the subjects of a shard's plan, of a group of subjects, or of one of them."""
    if isinstance(item, ShardPlan):
        yield from (named.subject for _, named in item.runs)
    elif isinstance(item, Named):
        yield item.subject
    else:
        yield from (named.subject for named in item)


class UrlPlace:
    """A :class:`~fmdata.synth.places.folder.Place` at a URL.

    Parameters
    ----------
    url : str
        The dataset.
    folder : Path
        Folder of this process's own, for the small files of the dataset.
    workers : int
        Number of processes; 0 works in this one.
    scheduler : str or None
        Address of a Dask scheduler.
    """

    def __init__(self, url: str, folder: Path, workers: int, scheduler: str | None) -> None:
        self.where = self._url = url.rstrip("/")
        self.folder, self._workers, self._scheduler = folder, workers, scheduler
        self._store = store_at(self._url)
        self._lease: Lease | None = None
        self._dataset: RemoteDataset | None = None

    @contextmanager
    def change(self) -> Iterator[None]:
        """Lock the dataset for a change."""
        there = self._store.listing()
        require_place(self._store, there)
        if not there:
            raise DatasetError(
                f"no finished dataset: {NAME} is missing",
                wanted="a dataset that `fmdata build` has written",
                where=self._store.url,
                todo="let the build finish first, or correct the URL",
            )
        with held(self._store) as self._lease:
            self._dataset = RemoteDataset(self._url, self.folder, self._lease, halves=())
            yield

    @contextmanager
    def hands(self) -> Iterator[Hands]:
        """Yield processes of this machine, or the workers of a scheduler."""
        assert self._lease is not None
        card, owner = Card.read(self.folder), self._lease.owner
        if self._scheduler is None:
            with Processes(self._workers, self.where) as processes:
                yield _AtUrl(processes, self._url, owner, card)
        else:
            with hands_at(f"{self._url}/{WORK}", self._scheduler, None) as workers:
                yield _AtUrl(workers, self._url, owner, card)

    def is_intact(self, half: str, shard: Shard) -> bool:
        """Return whether the files of a shard have the sizes of the card."""
        assert self._dataset is not None
        sizes = self._dataset.sizes
        return all(sizes.get(f"{half}/{n}") == one.bytes for n, one in shard.files.items())

    def commit(self, card: Callable[[list[Shard]], Card], made: Sequence[Made]) -> None:
        """Put shards in place, with the card that a function makes of their entries."""
        assert self._dataset is not None
        moves = {
            f"{one.stem.parent.as_posix()}/{name}": f"{COMPOUNDS}/{name}"
            for one in made
            for name in one.shard.files
        }
        self._dataset.commit(card([one.shard for one in made]), moves)

    def clear(self, synthesis: Synthesis, *, keep_own: bool) -> None:
        """Remove finished shards, unless those of this synthesis are to be kept."""
        if not keep_own:
            assert self._lease is not None
            self._lease.require()  # else it is the work of another command
            clear(self._store, keep_units=True)

    def outcome(self) -> Dataset:
        """Return the dataset with the tables of its compounds."""
        assert self._dataset is not None
        self._dataset.outline((COMPOUNDS,))
        return Dataset(self.folder)


@contextmanager
def place_at(url: str, workers: int, scheduler: str | None) -> Iterator[UrlPlace]:
    """Yield a dataset at a URL for a synthesis.

    Raises
    ------
    UsageError
        When the URL has a user name, a password or a token in it.
    """
    require_no_secret(url)
    with scratch() as folder, renamed({folder: url.rstrip("/")}):
        yield UrlPlace(url, folder, workers, scheduler)
