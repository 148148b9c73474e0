"""Ctrl-C in a terminal reaches every process of a synthesis; the first one alone answers it."""

import os
import signal
import subprocess
from pathlib import Path

from tests.helpers.command import FMDATA, TIMEOUT_S
from tests.helpers.datasets import make_up
from tests.helpers.waiting import wait_until


def accept_sigint() -> None:
    """Undo the ignoring of SIGINT, which a shell's background jobs pass on to their children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_processes_that_just_start_say_nothing(tmp_path: Path) -> None:
    """The signal comes as soon as a process has begun, before any of its own code has run."""
    path = make_up(tmp_path / "dataset", ["s01", "s02"], k=0)
    command = [*FMDATA, "synth-compound", str(path), "--k", "3", "--workers", "2"]
    with (
        (tmp_path / "stderr.txt").open("w+") as stderr,
        subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=stderr, start_new_session=True,
            preexec_fn=accept_sigint,
        ) as process,
    ):  # fmt: skip
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        # The first child keeps count of shared resources; the others do the work.
        wait_until(lambda: len(children.read_text().split()) > 1, process)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(timeout=TIMEOUT_S) == 130
        stderr.seek(0)
        *_, last = lines = stderr.read().splitlines()
    assert last == "fmdata: stopped; the same command resumes from here"
    assert not any("Traceback" in line for line in lines)
