"""A build as a person sees it: the live bar of a terminal, Ctrl-C, and going on from there."""

import contextlib
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from fmdata.catalog.storage.lock import WORK

BUILD = [sys.executable, "-c", "from fmdata.cli import main; main()", "build"]


def test_a_terminal_shows_a_live_bar(raw_path: Path, tmp_path: Path) -> None:
    """Three recordings: rich knows a rate, and so the time that is left, from the second on."""
    for take in ("01", "02", "03"):
        target = tmp_path / f"raw/s01/smile/{take}.mp4"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(raw_path / f"s01/smile/{take}.mp4", target)
    reader, terminal = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "200"}
    with subprocess.Popen(
        [*BUILD, "--workers", "1"], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=terminal,
        env=environment,
    ) as process:  # fmt: skip
        os.close(terminal)
        shown = b""
        # Linux ends a pseudo-terminal whose other side is closed with an error.
        with contextlib.suppress(OSError):
            while some := os.read(reader, 4096):
                shown += some
    os.close(reader)
    assert process.returncode == 0
    assert shown.count(b"\x1b[2K") > 2  # a line drawn over itself, again and again
    drawn = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())
    for done in (2, 3):
        bar = rf"build \S+ {done}/3 recordings +\d+ frames/s +0 dropped \d:\d\d:\d\d"
        assert re.search(bar, drawn), drawn


def test_ctrl_c_and_the_same_command_again(
    raw_path: Path, dataset_path: Path, tmp_path: Path
) -> None:
    """Interrupted after its first unit, a build of two workers ends with the same files."""
    command = [*BUILD, "--subjects", str(raw_path), "--workers", "2"]
    with (
        (tmp_path / "stderr.txt").open("w+") as stderr,
        subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=stderr, start_new_session=True
        ) as process,
    ):
        units, deadline = tmp_path / "dataset" / WORK, time.monotonic() + 120
        # Finished units have bare digests for names.
        while not any(len(unit.name) == 64 for unit in units.glob("*")):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)  # a terminal's Ctrl-C reaches the workers too
        assert process.wait(timeout=60) == 130
        stderr.seek(0)
        said = stderr.read()
    assert "goes on from here" in said
    assert "Traceback" not in said
    assert not (tmp_path / "dataset/fmdata.json").exists()

    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert again.returncode == 0, again.stderr
    assert re.search(r"36 clips, 0 dropped, \d+ of them done before", again.stdout)
    built = {path.name: path.read_bytes() for path in (tmp_path / "dataset/actions").iterdir()}
    assert built == {p.name: p.read_bytes() for p in (dataset_path / "actions").iterdir()}


def test_forgetting_asks_first_and_a_no_is_a_no(tmp_path: Path) -> None:
    """The question comes before anything is looked at, so there need be no dataset."""
    person, terminal = pty.openpty()
    os.write(person, b"n\n")
    run = subprocess.run(
        [*BUILD[:-1], "forget", "ann"], cwd=tmp_path, stdin=terminal, capture_output=True,
        text=True, timeout=60,
    )  # fmt: skip
    os.close(person)
    os.close(terminal)
    assert run.returncode == 1
    assert "take ann out of dataset for good? [y/N]" in run.stderr
    assert "no finished dataset" not in run.stderr
