"""Folders of a process's own are removed when it leaves them, ends, or is killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.waiting import wait_until

# A process that has a file in its folder and then ends, or waits to be killed.
PROGRAM = """
import sys, time
from pathlib import Path
from fmdata.pipeline.engine.remote.scratch import scratch, within
with within(sys.argv[1]):
    with scratch() as left:
        (left / "face.jpg").write_bytes(b"face")
    assert not left.exists()
    with scratch() as folder:
        (folder / "face.jpg").write_bytes(b"face")
        print("ready", flush=True)
        if sys.argv[2] == "error":
            raise SystemExit(3)
        time.sleep(600)
"""


@pytest.mark.parametrize("end", ["error", "SIGTERM", "SIGKILL"])
def test_nothing_is_left_however_a_process_ends(tmp_path: Path, end: str) -> None:
    """A signal goes to its group, as from a terminal or a job scheduler."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path), end], stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()
    if end != "error":
        assert list(tmp_path.rglob("face.jpg"))
        os.killpg(process.pid, getattr(signal, end))
    process.wait()
    wait_until(lambda: not list(tmp_path.iterdir()))
