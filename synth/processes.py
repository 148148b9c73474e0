"""Processes of a synthesis; each ends by itself when its parent process ends in any way."""

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from typing import Any

from fmdata.catalog.errors import FmdataError
from fmdata.pipeline.engine.parent import end_with

Map = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]


@contextmanager
def mapping(workers: int, where: str) -> Iterator[Map]:
    """Yield a function like ``map`` that works in processes; 0 works in this one.

    Results come in the order of the arguments. `where` names the dataset in an error.

    Raises
    ------
    FmdataError
        When a process ends before its work is done.
    """
    if workers == 0:
        yield map
        return
    # Not forked: this process has threads, of Arrow.
    context = get_context("spawn")
    try:
        with ProcessPoolExecutor(
            workers, context, initializer=_follow_parent, initargs=(os.getpid(),)
        ) as pool:
            try:
                yield pool.map
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    except BrokenProcessPool as error:
        raise FmdataError(
            "a worker process ended before its work was done, as when memory runs out",
            wanted="processes that finish their shard",
            where=where,
            todo="run the command again, with fewer --workers; it resumes from the last shard",
        ) from error


def _follow_parent(parent: int) -> None:
    """Leave Ctrl-C to the parent, and end when it ends."""
    end_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
