"""Processes of a synthesis: results in any order, crashes retried, and no endless retrying."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from fmdata.catalog.errors import FmdataError
from fmdata.pipeline.engine.pool import MAX_CRASHES
from fmdata.synth.processes import Processes


def square(number: int) -> int:
    return number**2


def crash_once(marker: Path) -> str:
    """End this process by a signal, unless another has done so before."""
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return marker.name


def crash_always(log: Path) -> None:
    with log.open("a") as file:
        file.write("x")
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("workers", [0, 2])
def test_every_item_has_its_result(workers: int) -> None:
    with Processes(workers, "here") as processes:
        assert sorted(processes.each(square, range(20))) == [n**2 for n in range(20)]


def test_few_items_are_taken_before_results_are(tmp_path: Path) -> None:
    """A list of a million plans is not handed to the processes at once."""
    taken = []

    def items() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    with Processes(1, "here") as processes:
        next(iter(processes.each(square, items())))
        assert len(taken) <= 4


def test_work_of_a_crashed_process_is_done_by_another(tmp_path: Path) -> None:
    markers = [tmp_path / name for name in "abc"]
    with Processes(1, "here") as processes:
        assert sorted(processes.each(crash_once, markers)) == ["a", "b", "c"]


def test_work_that_always_crashes_its_process_ends_the_command(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with (
        Processes(1, "/data/set") as processes,
        pytest.raises(FmdataError, match="3 times in a row") as caught,
    ):
        list(processes.each(crash_always, [log]))
    assert log.read_text() == "x" * MAX_CRASHES
    assert "/data/set" in str(caught.value)
