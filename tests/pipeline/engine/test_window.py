"""A sliding window: items in order, few at a time, and room that grows."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from fmdata.pipeline.engine.window import in_window


def test_items_are_submitted_in_their_order_and_only_as_far_as_there_is_room() -> None:
    read: list[int] = []

    def items() -> Iterator[int]:
        for i in range(1000):
            read.append(i)
            yield i

    with ThreadPoolExecutor(1) as threads:
        window = in_window(lambda i: threads.submit(lambda: -i), items(), lambda: 4)
        for n, (item, future) in enumerate(window):
            assert (item, future.result()) == (n, -n)
            assert len(read) <= n + 4
    assert read == list(range(1000))


def test_a_window_without_room_waits_until_it_has_some() -> None:
    """No worker has joined yet, then one does; then another while the first one is busy."""
    begun, sizes = threading.Barrier(2), iter([0, 1, 1, 2, 2])

    def both() -> bool:
        begun.wait(60)  # each of two jobs waits for the other
        return True

    with ThreadPoolExecutor(2) as threads:
        done: list[tuple[int, Future[bool]]] = list(
            in_window(lambda _: threads.submit(both), range(2), lambda: next(sizes, 2))
        )
    assert [future.result() for _, future in done] == [True, True]
