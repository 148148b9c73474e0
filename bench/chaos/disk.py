"""Commands on a file system of 64 MB that fills up, then run again with enough room.

Mounting a file system needs a privilege; without it the experiment is skipped.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.chaos.command import Report, contents, differences, fmdata, last_line, must, started
from fmdata.catalog.storage.card import NAME as CARD

DEFAULT_N = 15
MEGABYTES = 64
SIMULATED = ("--subjects", 2, "--actions", 2, "--takes", 2, "--size", 160)
FULL, READ_ONLY = "No space left on device", "Read-only file system"
# Share of the peak use of an undisturbed run. Use is sampled, so the true peak may be higher.
MAX_SHARE = 0.9


@dataclass(frozen=True)
class Scenario:
    """A command on the small file system.

    Attributes
    ----------
    name : str
        Name in the table.
    command : list of str
        The command.
    start : Path or None
        Dataset that exists before the command; None for none.
    writes : bool
        True if the command needs room; any other must succeed on a full disk.
    """

    name: str
    command: list[str]
    start: Path | None
    writes: bool = True


def measure(folder: Path, n: int, seed: int) -> Report:
    """Fill the disk at `n` points, as many of them in each command, and report."""
    must("simulate", folder / "raw", *SIMULATED)
    small = folder / "small"
    small.mkdir()
    try:
        _mount("-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(small))
    except (OSError, subprocess.CalledProcessError) as error:
        return Report(
            f"Left out: no file system may be mounted here ({error}).", [["left out"]], []
        )
    try:
        return _measure(folder, small, n, seed)
    finally:
        subprocess.run(["umount", str(small)], check=True, capture_output=True)


def _measure(folder: Path, small: Path, n: int, seed: int) -> Report:
    dataset, built = small / "dataset", folder / "built"
    build = ["build", "--subjects", str(folder / "raw"), "--out", str(dataset)]
    synth = ["synth-compound", "--dataset", str(dataset), "--k", "1"]
    must(*build)
    shutil.copytree(dataset, built)
    scenarios = (
        Scenario("build, 1 worker", [*build, "--workers", "1"], None),
        Scenario("build, 2 workers", [*build, "--workers", "2"], None),
        Scenario("synth-compound", synth, built),
        Scenario("forget", ["forget", "s01", "--dataset", str(dataset), "--yes"], built),
        Scenario("verify", ["verify", "--dataset", str(dataset), "--deep"], built, writes=False),
    )
    rng = np.random.default_rng(seed)
    tries = max(n // len(scenarios), 1)
    table = [["command", "takes, MB", "filled", "a clear message", "then the same bytes"]]
    failures: list[str] = []
    for scenario in scenarios:
        cells, wrong = _fill_repeatedly(scenario, small, dataset, tries, rng)
        table.append(cells)
        failures += [f"seed {seed}, {scenario.name}, {each}" for each in wrong]
    shutil.rmtree(dataset)
    _mount("-o", "remount,ro", str(small))
    if unclear := _unclear(fmdata(*build), READ_ONLY):
        failures.append(f"read-only: {unclear}")
    return Report(
        f"A file system of {MEGABYTES} MB, filled so that between none and {MAX_SHARE:.0%} of the "
        f"room that a command takes is left (seed {seed}); then a read-only one, which is "
        f"{'not ' if unclear else ''}reported clearly.",
        table,
        failures,
    )


def _fill_repeatedly(
    scenario: Scenario, small: Path, dataset: Path, tries: int, rng: np.random.Generator
) -> tuple[list[str], list[str]]:
    """Run a command on an ever less full disk; return its row of the table, and its failures."""
    _begin(dataset, scenario.start)
    need = _need(scenario.command, small)
    reference = contents(dataset)
    n_clear = n_same = 0
    failures = []
    for i in range(tries):
        share = MAX_SHARE * (i + rng.uniform()) / tries
        _begin(dataset, scenario.start)
        with _filled(small, int(share * need)):
            run = fmdata(*scenario.command)
        unclear = _unclear(run, FULL) if scenario.writes else _unsuccessful(run)
        if (dataset / CARD).exists() != (scenario.start is not None):
            unclear += " a card was written or removed"
        again = fmdata(*scenario.command)
        message = last_line(again.stderr) if again.returncode else ""
        other = message or differences(dataset, reference)
        where = f"{share:.0%} of the room it takes"
        failures += [f"{where}: {failure}" for failure in (unclear, other) if failure]
        n_clear, n_same = n_clear + (not unclear), n_same + (not other)
    cells = [f"{need / 1e6:.1f}", f"{tries} times", f"{n_clear} of {tries}", f"{n_same} of {tries}"]
    return [scenario.name, *cells], failures


def _begin(dataset: Path, start: Path | None) -> None:
    shutil.rmtree(dataset, ignore_errors=True)
    if start is not None:
        shutil.copytree(start, dataset)


def _need(command: list[str], small: Path) -> int:
    """Run a command undisturbed; return the highest number of bytes seen in use."""
    before = peak = _used(small)
    with started(command) as process:
        while process.poll() is None:
            peak = max(peak, _used(small))
            time.sleep(0.01)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode} undisturbed")
    return peak - before


def _used(small: Path) -> int:
    state = os.statvfs(small)
    return (state.f_blocks - state.f_bfree) * state.f_frsize


@contextmanager
def _filled(small: Path, room: int) -> Iterator[None]:
    """Leave at most `room` bytes free."""
    state = os.statvfs(small)
    fill = small / "fill"
    with fill.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, state.f_bfree * state.f_frsize - room)
    try:
        yield
    finally:
        fill.unlink()


def _unclear(run: subprocess.CompletedProcess[str], wanted: str) -> str:
    """Return an empty string if a command failed with the wanted message, else its last line."""
    clear = wanted in run.stderr and "to do:" in run.stderr and "Traceback" not in run.stderr
    if run.returncode == 1 and clear:
        return ""
    return f"ended with {run.returncode}: {last_line(run.stderr)}"


def _unsuccessful(run: subprocess.CompletedProcess[str]) -> str:
    """Return an empty string if a command succeeded, else its last line."""
    return "" if run.returncode == 0 else f"ended with {run.returncode}: {last_line(run.stderr)}"


def _mount(*options: str) -> None:
    subprocess.run(["mount", *options], check=True, capture_output=True)
