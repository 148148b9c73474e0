"""A file system of 64 MB that fills while a command writes to it, and is then given room again.

Needs the right to mount one; where that is missing, the experiment says so and is left out.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from bench.chaos.command import Found, contents, differences, fmdata, last_line, must, started
from fmdata.catalog.storage.card import NAME as CARD

DEFAULT_N = 12
MEGABYTES = 64
SIMULATED = ("--subjects", 2, "--actions", 2, "--takes", 2, "--size", 160)
FULL, READ_ONLY = "No space left on device", "Read-only file system"
# Of the most that an undisturbed run was seen to take; it may have taken more between two looks.
LARGEST_SHARE = 0.9


def measure(folder: Path, n: int, seed: int) -> Found:
    """Fill the disk at `n` points, a third of them in each of three commands, and report."""
    must("simulate", folder / "raw", *SIMULATED)
    small = folder / "small"
    small.mkdir()
    try:
        _mount("-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(small))
    except (OSError, subprocess.CalledProcessError) as fault:
        return Found(f"Left out: no file system may be mounted here ({fault}).", [["left out"]], [])
    try:
        return _measure(folder, small, n, seed)
    finally:
        subprocess.run(["umount", str(small)], check=True, capture_output=True)


def _measure(folder: Path, small: Path, n: int, seed: int) -> Found:
    dataset, built = small / "dataset", folder / "built"
    build = ["build", "--subjects", str(folder / "raw"), "--out", str(dataset)]
    must(*build)
    shutil.copytree(dataset, built)
    commands = {
        "build, 1 worker": ([*build, "--workers", "1"], None),
        "build, 2 workers": ([*build, "--workers", "2"], None),
        "synth-compound": (["synth-compound", "--dataset", str(dataset), "--k", "1"], built),
    }
    rng = np.random.default_rng(seed)
    tries = max(n // len(commands), 1)
    table = [["command", "takes, MB", "filled", "a clear message", "then the same bytes"]]
    faults: list[str] = []
    for name, (command, start) in commands.items():
        _begin(dataset, start)
        need = _need(command, small)
        reference = contents(dataset)
        clear = same = 0
        for i in range(tries):
            share = LARGEST_SHARE * (i + rng.uniform()) / tries
            where = f"seed {seed}, {name}, {share:.0%} of the room it takes"
            _begin(dataset, start)
            with _filled(small, int(share * need)):
                wrong = _unclear(fmdata(*command), FULL)
            if (dataset / CARD).exists() != (start is not None):
                wrong += " a card appeared, or went"
            again = fmdata(*command)
            said = last_line(again.stderr) if again.returncode else ""
            other = said or differences(dataset, reference)
            faults += [f"{where}: {fault}" for fault in (wrong, other) if fault]
            clear, same = clear + (not wrong), same + (not other)
        figures = [f"{need / 1e6:.1f}", f"{tries} times", f"{clear} of {tries}"]
        table.append([name, *figures, f"{same} of {tries}"])
    shutil.rmtree(dataset)
    _mount("-o", "remount,ro", str(small))
    if wrong := _unclear(fmdata(*build), READ_ONLY):
        faults.append(f"read-only: {wrong}")
    return Found(
        f"A file system of {MEGABYTES} MB, filled so that between none and "
        f"{LARGEST_SHARE:.0%} of the room that a command takes is left (seed {seed}); then one "
        f"that is read-only, which is {'not ' if wrong else ''}told of clearly.",
        table,
        faults,
    )


def _begin(dataset: Path, start: Path | None) -> None:
    shutil.rmtree(dataset, ignore_errors=True)
    if start is not None:
        shutil.copytree(start, dataset)


def _need(command: list[str], small: Path) -> int:
    """Run a command undisturbed; return the most bytes that it was seen to take."""
    before = most = _used(small)
    with started(command) as process:
        while process.poll() is None:
            most = max(most, _used(small))
            time.sleep(0.01)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode} undisturbed")
    return most - before


def _used(small: Path) -> int:
    state = os.statvfs(small)
    return (state.f_blocks - state.f_bfree) * state.f_frsize


@contextmanager
def _filled(small: Path, room: int) -> Iterator[None]:
    """Leave no more than `room` bytes free."""
    state = os.statvfs(small)
    fill = small / "fill"
    with fill.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, state.f_bfree * state.f_frsize - room)
    try:
        yield
    finally:
        fill.unlink()


def _unclear(run: subprocess.CompletedProcess[str], wanted: str) -> str:
    """Return what is wrong with the end of a command that was to fail with a message."""
    clear = wanted in run.stderr and "to do:" in run.stderr and "Traceback" not in run.stderr
    if run.returncode == 1 and clear:
        return ""
    return f"ended with {run.returncode}: {last_line(run.stderr)}"


def _mount(*options: str) -> None:
    subprocess.run(["mount", *options], check=True, capture_output=True)
