"""A build on a terminal: the live bar, Ctrl-C, and resuming after it."""

import contextlib
import os
import pty
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from fmdata.catalog.storage.lock import WORK
from tests.helpers.command import FMDATA, TIMEOUT_S, fmdata
from tests.helpers.folders import assert_same_files
from tests.helpers.waiting import wait_until

pytestmark = pytest.mark.slow


def test_a_terminal_shows_a_live_bar(raw_path: Path, tmp_path: Path) -> None:
    """Of three recordings, rich knows a rate and the remaining time from the second on."""
    for take in ("01", "02", "03"):
        target = tmp_path / f"raw/s01/smile/{take}.mp4"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(raw_path / f"s01/smile/{take}.mp4", target)
    reader, terminal = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "200"}
    with subprocess.Popen(
        [*FMDATA, "build", "--workers", "1"], cwd=tmp_path, stdout=subprocess.DEVNULL,
        stderr=terminal, env=environment,
    ) as process:  # fmt: skip
        os.close(terminal)
        shown = b""
        # On Linux, reading a pseudo-terminal whose other side is closed is an error.
        with contextlib.suppress(OSError):
            while some := os.read(reader, 4096):
                shown += some
    os.close(reader)
    assert process.returncode == 0
    assert shown.count(b"\x1b[2K") > 2  # the line is redrawn again and again
    drawn = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())
    for done in (2, 3):
        bar = rf"build \S+ {done}/3 recordings +[\d.]+/s +\d+ frames/s +0 dropped \d:\d\d:\d\d"
        assert re.search(bar, drawn), drawn


def accept_sigint() -> None:
    """Undo the ignoring of SIGINT, which a shell's background jobs pass on to their children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_the_same_command_after_ctrl_c_resumes_the_build(
    raw_path: Path, dataset_path: Path, tmp_path: Path
) -> None:
    """A build of two workers, interrupted after its first unit, ends with the same files."""
    command = [*FMDATA, "build", "--subjects", str(raw_path), "--workers", "2"]
    with (
        (tmp_path / "stderr.txt").open("w+") as stderr,
        subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=stderr, start_new_session=True,
            preexec_fn=accept_sigint,
        ) as process,
    ):  # fmt: skip
        units = tmp_path / "dataset" / WORK
        # The names of finished units are bare digests.
        wait_until(lambda: any(len(unit.name) == 64 for unit in units.glob("*")), process)
        os.killpg(process.pid, signal.SIGINT)  # as from a terminal, to the whole process group
        assert process.wait(timeout=TIMEOUT_S) == 130
        stderr.seek(0)
        message = stderr.read()
    assert "the same command resumes from here" in message
    assert "Traceback" not in message
    assert not (tmp_path / "dataset/fmdata.json").exists()

    again = fmdata("build", "--subjects", raw_path, "--workers", 2, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert re.search(r"36 clips, 0 dropped, \d+ of them done before", again.stdout)
    assert_same_files(tmp_path / "dataset/actions", dataset_path / "actions")


def test_forget_asks_first_and_a_no_changes_nothing(tmp_path: Path) -> None:
    """The question comes before the dataset is opened, so none is needed."""
    person, terminal = pty.openpty()
    os.write(person, b"n\n")
    run = fmdata("forget", "ann", cwd=tmp_path, stdin=terminal)
    os.close(person)
    os.close(terminal)
    assert run.returncode == 1
    assert "remove ann from dataset for good? [y/N]" in run.stderr
    assert "no finished dataset" not in run.stderr
