"""Batches of clips for training, read from shards by the worker processes of torch's DataLoader.

>>> loader = Loader(Dataset("s3://faces/lab").actions, pixels, LoaderSettings(workers=4))
...                                                                             # doctest: +SKIP
>>> for batch in loader.batches(epoch=0, step=0, epochs=10): ...                # doctest: +SKIP

Under ``torchrun`` each process gets its own part of every step. Promise: over all processes and
workers each clip comes once an epoch, in the order of :mod:`fmdata.catalog.loading.order`; all
processes take the same number of steps; a training that stopped goes on from its last (epoch,
step), also with another number of processes or workers. Memory holds a few batches a worker.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, get_worker_info

from fmdata.catalog.clip import Clip
from fmdata.catalog.clips import Clips
from fmdata.catalog.errors import FmdataError
from fmdata.catalog.loading.order import OrderSettings
from fmdata.catalog.loading.stream import Batch, Make, Place, Stream
from fmdata.catalog.settings import number
from fmdata.train import distributed

R = TypeVar("R")


@dataclass(frozen=True)
class LoaderSettings(OrderSettings):
    """Settings of a loader: those of the order, and the workers, which change no batch."""

    workers: int = number(
        0, 0, 1024, help="Processes that read and decode for each process of the training; 0: it "
        "reads itself."
    )  # fmt: skip
    ahead: int = number(2, 1, 1024, help="Batches that each of them has ready at most.")


def pixels(clip: Clip, rng: np.random.Generator) -> np.ndarray:
    """Return all frames of a clip, uint8 [T, S, S, 3], RGB."""
    return clip.frames()


class Loader(Generic[R]):
    """The batches of this process of a training.

    Parameters
    ----------
    clips : Clips
        The actions or the compounds of a dataset.
    make : callable
        Makes an item of a clip and a numpy generator, in a worker. The generator is seeded by
        (seed, epoch, clip), so a draw depends on no worker. Importable, where processes are not
        forked.
    settings : LoaderSettings
    positions : int64 [N], optional
        Positions of the clips to read, increasing; by default all.
    rank, ranks : int, optional
        Number of this process and of all; by default those of torch.distributed.

    Attributes
    ----------
    steps : int
        Steps of an epoch.

    Raises
    ------
    DatasetError
        When there are no clips.
    UsageError
        When a process would have no clip in a step.
    """

    def __init__(
        self,
        clips: Clips[Any],
        make: Make[R],
        settings: LoaderSettings,
        positions: np.ndarray | None = None,
        *,
        rank: int | None = None,
        ranks: int | None = None,
    ) -> None:
        self._rank = distributed.rank() if rank is None else rank
        self._ranks = distributed.world() if ranks is None else ranks
        self._settings, self._stream = settings, Stream(clips, make, settings, positions)
        self._stream.order.require_for(self._ranks)
        self.steps = self._stream.order.steps

    def batches(
        self, epoch: int = 0, step: int = 0, epochs: int | None = None
    ) -> Iterator[Batch[R]]:
        """Yield batches from a step of an epoch on, until `epochs` epochs are over, or for ever."""
        first = epoch * self.steps + step
        stop = None if epochs is None else epochs * self.steps
        place = Place(self._rank, self._ranks)
        batches = _Batches(self._stream, place, first, stop)
        yield from made_by_workers(batches, self._settings.workers, self._settings.ahead)


class _Batches(IterableDataset[Any]):
    """The batches of one process; of a worker process, its part of them."""

    def __init__(self, stream: Stream[Any], place: Place, first: int, stop: int | None) -> None:
        self._stream, self._place, self._first, self._stop = stream, place, first, stop

    def __iter__(self) -> Iterator[Any]:
        worker, at = get_worker_info(), self._place
        # The DataLoader takes the batches of its workers in turn.
        numbers = (worker.id, worker.num_workers) if worker else (0, 1)
        place = Place(at.rank, at.ranks, *numbers)
        try:
            yield from self._stream.batches(place, self._first, self._stop)
        except FmdataError as error:
            if worker is None:
                raise
            yield error


def made_by_workers(source: Dataset[Any], workers: int, ahead: int = 2) -> Iterator[Any]:
    """Yield what a torch dataset gives, made by worker processes; with none, here.

    An FmdataError in place of an item is raised: raised by the DataLoader, it would lose its four
    parts.

    Parameters
    ----------
    source : torch.utils.data.Dataset
        The dataset, read in its order.
    workers : int
        Number of processes.
    ahead : int
        Items that each of them has ready at most.
    """
    loader = DataLoader(
        source,
        batch_size=None,  # what the source gives is not put together
        num_workers=workers,
        prefetch_factor=ahead if workers else None,
        worker_init_fn=_begin_worker,
        generator=torch.Generator().manual_seed(0),  # else it draws from the caller's numbers
    )
    for item in loader:
        if isinstance(item, FmdataError):
            raise item
        yield item


def _begin_worker(number: int) -> None:
    """Prepare a worker process of a DataLoader."""
    cv2.setNumThreads(0)  # threads of the parent do not live on after a fork
