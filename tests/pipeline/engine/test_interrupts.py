"""A Ctrl-C while processes start is answered when they have started, and never lost."""

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from fmdata.pipeline.engine.interrupts import ctrl_c_later


def press_ctrl_c() -> None:
    """Send SIGINT to this process, and give its handler the time to run."""
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.05)


@pytest.fixture(autouse=True)
def _interrupts() -> Iterator[None]:
    """Python's own answer to SIGINT, which a shell's background jobs do not have."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def _second_thread() -> Iterator[None]:
    """Run a thread that can take the signal, as those of Arrow can."""
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    yield
    end.set()
    thread.join()


@pytest.mark.usefixtures("_second_thread")
def test_a_signal_that_another_thread_takes_waits_too() -> None:
    steps: list[str] = []

    def start_processes() -> None:
        with ctrl_c_later():
            press_ctrl_c()
            steps.append("started")

    with pytest.raises(KeyboardInterrupt):
        start_processes()
    assert steps == ["started"]


def test_without_a_signal_nothing_is_raised_and_the_next_one_is_answered_at_once() -> None:
    with ctrl_c_later():
        pass
    with pytest.raises(KeyboardInterrupt):
        press_ctrl_c()
