"""Waiting for events. Limits only stop a hang: they are far above the time on a loaded machine."""

import signal
import time
from collections.abc import Callable
from subprocess import Popen
from typing import Any, TypeVar

T = TypeVar("T")
LIMIT_S = 300


def wait_until(found: Callable[[], T], process: Popen[Any] | None = None) -> T:
    """Call `found` until its result is true, and return the result; `process` must run meanwhile.

    Raises
    ------
    AssertionError
        After 300 seconds, or when the process has ended.
    """
    deadline = time.monotonic() + LIMIT_S
    while not (result := found()):
        assert process is None or process.poll() is None, f"exit code {process.returncode}"
        assert time.monotonic() < deadline, f"not within {LIMIT_S} s"
        time.sleep(0.05)
    return result


def at_once(do: Callable[[], T]) -> T:
    """Do a piece of work that takes either far less than a second, or hours."""

    def too_long(*_: object) -> None:
        raise AssertionError(f"not done within {LIMIT_S} s")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(LIMIT_S)
    try:
        return do()
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
