"""Workers for the pieces of work of a command that are no recordings: threads, or a cluster."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from fmdata.pipeline.engine.cores import n_processes
from fmdata.pipeline.engine.window import in_window

T = TypeVar("T")
R = TypeVar("R")


class Hands(Protocol):
    """Does pieces of work, several at a time."""

    def each(self, work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Yield the result of `work` for each item when it is ready, in any order.

        With a worker, its work ends: work must be safe to repeat.
        """


class Threads:
    """:class:`Hands` of this process, for work that waits for a network or a disk.

    Parameters
    ----------
    workers : int or None
        Number of threads, by default one a core.
    """

    def __init__(self, workers: int | None) -> None:
        self._n = max(n_processes(workers), 1)

    def each(self, work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Yield the result of `work` for each item."""
        with ThreadPoolExecutor(self._n) as threads:
            for _, future in in_window(lambda item: threads.submit(work, item), items, self._size):
                yield future.result()

    def _size(self) -> int:
        return 2 * self._n
