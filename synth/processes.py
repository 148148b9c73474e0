"""Processes of a synthesis; each ends by itself when its parent process ends in any way."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from typing import TypeVar

from fmdata.catalog.errors import FmdataError
from fmdata.pipeline.engine.interrupts import ctrl_c_later
from fmdata.pipeline.engine.parent import end_with
from fmdata.pipeline.engine.pool import MAX_CRASHES
from fmdata.pipeline.engine.window import in_window

T = TypeVar("T")
R = TypeVar("R")


class Processes:
    """Processes that do one piece of work after another; when one crashes, its work is retried.

    Parameters
    ----------
    workers : int
        Number of processes; 0 works in this one.
    where : str
        The dataset, for an error.
    """

    def __init__(self, workers: int, where: str) -> None:
        self._workers, self._where = workers, where
        # Even an idle pool starts a process, of multiprocessing's own.
        self._pool = _pool(workers) if workers else None
        self._crashes = 0  # since the last result

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    def each(self, work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Yield the result of `work` for each item when it is ready, in any order.

        Few items are with the processes at a time. With a process, those of all others end: work
        must be safe to repeat.

        Raises
        ------
        FmdataError
            When processes crash :data:`MAX_CRASHES` times without a result in between.
        """
        if self._workers == 0:
            yield from map(work, items)
            return
        while items:
            lost: list[T] = []
            window = in_window(lambda item: self._submit(work, item), items, self._size)
            for item, future in window:
                try:
                    result = future.result()
                except BrokenProcessPool:
                    lost.append(item)
                else:
                    self._crashes = 0
                    yield result
            items = lost

    def _size(self) -> int:
        return 2 * self._workers  # so that no process waits for its next item

    def _submit(self, work: Callable[[T], R], item: T) -> "Future[R]":
        try:
            return self._begin(work, item)
        except BrokenProcessPool as error:
            assert self._pool is not None
            self._pool.shutdown()  # waits until its last process has ended
            self._crashes += 1
            if self._crashes == MAX_CRASHES:
                raise self._error() from error
            self._pool = _pool(self._workers)
            return self._begin(work, item)

    def _begin(self, work: Callable[[T], R], item: T) -> "Future[R]":
        """Submit work; the processes that start with it leave Ctrl-C to this one."""
        assert self._pool is not None
        with ctrl_c_later():
            return self._pool.submit(work, item)

    def _error(self) -> FmdataError:
        return FmdataError(
            f"a worker process crashed {MAX_CRASHES} times in a row, as when memory runs out",
            wanted="processes that finish their shard",
            where=self._where,
            todo="run the command again, with fewer --workers; it resumes from the last shard",
        )


def _pool(workers: int) -> ProcessPoolExecutor:
    """Return a pool; its processes start with the first work."""
    # Not forked: this process has threads, of Arrow.
    context = get_context("spawn")
    parent = (os.getpid(),)
    return ProcessPoolExecutor(workers, context, initializer=_follow_parent, initargs=parent)


def _follow_parent(parent: int) -> None:
    """End when the parent ends."""
    end_with(parent)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
