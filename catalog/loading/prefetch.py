"""Clips decoded by threads ahead of their use, in order, in bounded memory.

Decoding a JPEG frees the interpreter, so two threads decode twice as fast in one process, and while
a network computes. Promise: clips are yielded in the order given, each with what it would have
without threads; an error is raised at the clip that causes it.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, NamedTuple, TypeVar, overload

import numpy as np

from fmdata.catalog.clip import Clip

C = TypeVar("C", bound=Clip)
R = TypeVar("R")

THREADS = 2
MAX_MB = 256


class _Begun(NamedTuple):
    """A clip that is being decoded, the result to come, and the bytes of its pixels."""

    clip: Any
    future: "Future[Any]"
    n_bytes: int


@overload
def prefetch(
    clips: Iterable[C], *, threads: int = ..., max_mb: int = ...
) -> Iterator[tuple[C, np.ndarray]]: ...
@overload
def prefetch(
    clips: Iterable[C], make: Callable[[C], R], *, threads: int = ..., max_mb: int = ...
) -> Iterator[tuple[C, R]]: ...
def prefetch(
    clips: Iterable[C],
    make: Callable[[C], Any] | None = None,
    *,
    threads: int = THREADS,
    max_mb: int = MAX_MB,
) -> Iterator[tuple[C, Any]]:
    """Yield each clip with its pixels, decoded by threads while earlier clips are in use.

    >>> for clip, frames in prefetch(ds.compounds): ...        # doctest: +SKIP

    Parameters
    ----------
    clips : iterable of Clip
        The clips, in any order; read only as far ahead as there is room.
    make : callable, optional
        Makes the result of a clip, in a thread; by default all frames, uint8 [T, S, S, 3], RGB.
    threads, max_mb : int
        Number of threads, 0 for none; and megabytes of pixels, as decoded, of all clips ahead of
        the one that is yielded. One clip is ahead even where it alone is larger.
    """
    if threads == 0:
        yield from ((clip, (make or _frames)(clip)) for clip in clips)
        return
    begun: deque[_Begun] = deque()
    with ExitStack() as stack:
        pool = ThreadPoolExecutor(threads, "prefetch")
        stack.callback(pool.shutdown, cancel_futures=True)
        for clip in clips:
            n_bytes = clip.n_frames * clip.size**2 * 3
            while begun and sum(one.n_bytes for one in begun) + n_bytes > max_mb * 10**6:
                yield _finished(begun)
            clip.locate()  # by this thread, as clips share what reads the tables
            begun.append(_Begun(clip, pool.submit(make or _frames, clip), n_bytes))
            # Two clips a thread keep it busy; more would wait in memory for nothing.
            while len(begun) > 2 * threads:
                yield _finished(begun)
        while begun:
            yield _finished(begun)


def _finished(begun: deque[_Begun]) -> tuple[Any, Any]:
    """Return the first clip and its result, when that is ready."""
    first = begun.popleft()
    return first.clip, first.future.result()


def _frames(clip: Clip) -> np.ndarray:
    return clip.frames()
