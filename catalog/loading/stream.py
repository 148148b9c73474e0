"""Batches of clips for one of several processes of a training, read where they lie.

Nothing here knows a library of training; :mod:`fmdata.train.reading.loader` runs it in torch's
DataLoader. Promise: a batch is a function of the settings, the epoch and the step alone, and of the
rank's part of it. Memory holds the clips of one batch. Shards at a URL that the next steps need are
fetched while earlier ones are read.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from fmdata.catalog.clips import Clips
from fmdata.catalog.loading.order import Order, OrderSettings

R = TypeVar("R")
Make = Callable[[Any, np.random.Generator], R]
"""Makes the item of a clip; all its draws are from the generator."""


@dataclass(frozen=True)
class Batch(Generic[R]):
    """The items of one rank in one step of an epoch."""

    epoch: int
    step: int
    items: list[R]


@dataclass(frozen=True)
class Place:
    """One of the processes that read: rank of several ranks, worker of several workers of it."""

    rank: int = 0
    ranks: int = 1
    worker: int = 0
    workers: int = 1


class Stream(Generic[R]):
    """The batches of some clips, epoch after epoch.

    Parameters
    ----------
    clips : Clips
        The actions or the compounds of a dataset.
    make : callable
        Makes the item of a clip, such as its pixels, with a generator for this clip and epoch.
    settings : OrderSettings
        Batch, order and seed.
    positions : int64 [N], optional
        Positions of the clips to read, increasing; by default all.

    Attributes
    ----------
    order : Order
    """

    def __init__(
        self,
        clips: Clips[Any],
        make: Make[R],
        settings: OrderSettings,
        positions: np.ndarray | None = None,
    ) -> None:
        chosen = np.arange(len(clips)) if positions is None else np.asarray(positions)
        self.clips, self._make = clips, make
        self.order = Order(chosen, clips.shards_of(chosen), settings)

    def batches(self, place: Place, first: int, stop: int | None = None) -> Iterator[Batch[R]]:
        """Yield the batches of one process, from a step on that is counted over all epochs.

        The workers of a rank take its steps in turn.
        """
        if self.clips.is_remote:
            pool = ThreadPoolExecutor(1, "fetch")
            try:
                yield from self._batches(place, first, stop, _Ahead(self, place, pool, stop))
            finally:
                pool.shutdown(cancel_futures=True)  # what is no longer wanted is not waited for
        else:
            yield from self._batches(place, first, stop, None)

    def _batches(
        self, place: Place, first: int, stop: int | None, ahead: "_Ahead | None"
    ) -> Iterator[Batch[R]]:
        number = first + place.worker
        while stop is None or number < stop:
            if ahead:
                ahead.fetch(number)
            epoch, step = divmod(number, self.order.steps)
            chosen = self.order.share(epoch, step, place.rank, place.ranks)
            yield Batch(epoch, step, [self._item(epoch, int(at)) for at in chosen])
            number += place.workers

    def _item(self, epoch: int, position: int) -> R:
        seed = [self.order.settings.seed, epoch, position, 1]
        return self._make(self.clips[position], np.random.default_rng(seed))


class _Ahead:
    """Fetches the shards of a process's coming steps, in a thread, each when it is near."""

    def __init__(
        self, stream: Stream[Any], place: Place, pool: ThreadPoolExecutor, stop: int | None
    ) -> None:
        self._stream, self._place, self._pool, self._stop = stream, place, pool, stop
        order, settings = stream.order, stream.order.settings
        # So many steps take the clips of a shard from each lane.
        steps = len(order) * settings.lanes / order.n_shards / settings.batch
        self._reach = max(1, round(steps / place.workers)) * place.workers
        self._begun: dict[int, Future[None]] = {}
        self._next: int | None = None

    def fetch(self, number: int) -> None:
        """Begin to fetch the shards of the steps up to a shard's length after a step."""
        order, place, clips = self._stream.order, self._place, self._stream.clips
        at = number if self._next is None else self._next
        while at <= number + self._reach and (self._stop is None or at < self._stop):
            chosen = order.share(*divmod(at, order.steps), place.rank, place.ranks)
            for shard in np.unique(clips.shards_of(chosen)).tolist():
                if shard not in self._begun or self._begun[shard].done():
                    self._begun.pop(shard, None)
                    opened = clips.opened(clips.part.shards[shard])
                    self._begun[shard] = self._pool.submit(opened.fetch)
            at += place.workers
        self._next = at
