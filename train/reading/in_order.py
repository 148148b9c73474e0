"""Clips of a dataset in order, each once, read by the worker processes of torch's DataLoader."""

from collections.abc import Callable, Collection, Iterator
from itertools import islice
from typing import Any, TypeVar

import numpy as np
from torch.utils.data import Dataset

from fmdata.catalog.clips import Clips
from fmdata.catalog.errors import FmdataError
from fmdata.train import distributed
from fmdata.train.reading.loader import made_by_workers

R = TypeVar("R")
T = TypeVar("T")


def positions_of(clips: Clips[Any], subjects: Collection[str]) -> np.ndarray:
    """Return the positions of some subjects' clips, int64 [N], increasing."""
    chosen, found, start = frozenset(subjects), [], 0
    for table in clips.tables(["subject"]):
        names = table["subject"].to_pylist()
        found += [start + i for i, name in enumerate(names) if name in chosen]
        start += len(names)
    return np.array(found, np.int64)


def spread(positions: np.ndarray, n: int) -> np.ndarray:
    """Return up to `n` of some positions, evenly spread: a sample of bounded size."""
    if len(positions) <= n:
        return positions
    return positions[np.linspace(0, len(positions) - 1, n).round().astype(int)]


def in_order(
    clips: Clips[Any], make: Callable[[Any], R], positions: np.ndarray, workers: int
) -> Iterator[R]:
    """Yield what `make` returns for each clip of some positions, in their order.

    Memory holds the results of a few clips a worker. `make` runs in the workers; with none, here.
    """
    yield from made_by_workers(_Items(clips, make, positions), workers)


def in_batches(items: Iterator[R], n: int) -> Iterator[list[R]]:
    """Yield items in lists of `n`, the last one shorter."""
    while batch := list(islice(items, n)):
        yield batch


def each_batch(
    clips: Clips[Any],
    make: Callable[[Any], R],
    positions: np.ndarray,
    workers: int,
    n: int,
    work: Callable[[list[R]], T],
) -> list[T]:
    """Return the result of `work` for every `n` clips, in order, divided among the processes.

    The clips of a batch do not depend on the number of processes, and so the last bits of a
    network's results do not.
    """

    def run(batches: range) -> Iterator[T]:
        some = positions[batches.start * n : batches.stop * n]
        yield from map(work, in_batches(in_order(clips, make, some, workers), n))

    return distributed.divided(-(-len(positions) // n), run)


class _Items(Dataset[Any]):
    def __init__(
        self, clips: Clips[Any], make: Callable[[Any], Any], positions: np.ndarray
    ) -> None:
        self._clips, self._make, self._positions = clips, make, positions

    def __len__(self) -> int:
        return len(self._positions)

    def __getitem__(self, i: int) -> Any:
        try:
            return self._make(self._clips[int(self._positions[i])])
        except FmdataError as error:
            return error
