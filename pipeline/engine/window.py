"""A sliding window of futures: a long list of items, a few of them at work at a time."""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

_POLL_S = 1.0  # between two looks at the size, which may grow while nothing is finished


def in_window(
    submit: Callable[[T], "Future[R]"], items: Iterable[T], size: Callable[[], int]
) -> Iterator[tuple[T, "Future[R]"]]:
    """Submit items in their order, and yield each with its future when that is done.

    Parameters
    ----------
    submit : callable
        Starts the work on an item.
    items : iterable
        Read only as far as there is room, so that time is linear in their number, and memory flat.
    size : callable
        Number of items that may be at work; asked again and again, at least every second.
    """
    waiting: dict[Future[R], T] = {}
    left = iter(items)
    while True:
        room = size() - len(waiting)
        for item in islice(left, max(room, 0)):
            waiting[submit(item)] = item
        if not waiting:
            if room > 0:
                return
            time.sleep(_POLL_S)
            continue
        done, _ = wait(waiting, _POLL_S, FIRST_COMPLETED)
        for future in [one for one in waiting if one in done]:
            yield waiting.pop(future), future
