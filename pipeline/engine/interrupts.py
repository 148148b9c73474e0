"""Hold back Ctrl-C while processes start."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def ctrl_c_later() -> Iterator[None]:
    """Answer a Ctrl-C that comes within only at the end; processes started within never see it.

    A process that starts gets its work in several steps: interrupted between two of them, it
    would end with a traceback of its own.
    """
    # Processes inherit the mask, so the signal cannot reach them before their own first line.
    has_mask = hasattr(signal, "pthread_sigmask")  # Windows has none
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if has_mask else None
    came: list[int] = []
    handler = signal.getsignal(signal.SIGINT)
    # The mask holds for one thread; through any other the signal reaches Python's handler.
    replaced = callable(handler) and threading.current_thread() is threading.main_thread()
    if replaced:
        signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        if replaced:
            signal.signal(signal.SIGINT, handler)
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if came:
            signal.raise_signal(signal.SIGINT)
