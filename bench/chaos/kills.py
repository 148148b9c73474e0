"""Commands killed at random moments, run again, and compared with runs that nobody disturbed.

Moments are drawn evenly over a command's time: a third of them over all of it, a third from its
first work on, a third from the first shard on, where files get their final names. Who dies: every
process at once, or one of them alone; by SIGKILL, or by a polite signal.
"""

import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from bench.chaos.command import (
    HANG_S,
    Found,
    contents,
    differences,
    fmdata,
    last_line,
    must,
    started,
)
from fmdata.catalog.storage.card import NAME as CARD
from fmdata.catalog.storage.lock import WORK

DEFAULT_N = 50
PARTS = 3  # of a command's time: all of it, from its work on, from its shards on
SIMULATED = ("--subjects", 2, "--actions", 2, "--takes", 2, "--size", 160, "--fps", 12)
# What is sent, to whom, and how often. A terminal's Ctrl-C goes to the command's process group.
HOW = {
    "SIGKILL to all": 0.5,
    "SIGKILL to one": 0.25,
    "SIGTERM to the group": 0.1,
    "SIGINT to the group": 0.15,
}
STATES = ("not begun", "at work", "packing", "committing", "done", "survived")


@dataclass(frozen=True)
class Scenario:
    """A command, what it starts from, and what it must end with.

    Attributes
    ----------
    name : str
        For the table.
    arguments : list of str
        The command.
    start : Path or None
        The dataset that is there before; None for none.
    reference : dict of str to str
        Contents of the dataset after an undisturbed run.
    seconds : tuple of float
        Time of that run, and the parts of it that began with each of :func:`_signs`.
    """

    name: str
    arguments: list[str]
    start: Path | None
    reference: dict[str, str]
    seconds: tuple[float, ...]


@dataclass(frozen=True)
class Kill:
    """One kill: the state it left, and what was wrong after the command had been run again."""

    scenario: str
    how: str
    state: str
    faults: list[str] = field(default_factory=list)


def measure(folder: Path, n: int, seed: int, simulated: Sequence[object] = SIMULATED) -> Found:
    """Kill `n` times, and report."""
    # A shell that runs this in the background has it, and all it starts, ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    rng = np.random.default_rng(seed)
    dataset = folder / "dataset"
    scenarios = list(islice(_scenarios(folder, dataset, simulated), n))
    # Each command's own moments, evenly over each of its parts.
    drawn = [(scenarios[i % len(scenarios)], i // len(scenarios)) for i in range(n)]
    rounds = -(-n // len(scenarios))
    kills = []
    for i, (scenario, turn) in enumerate(drawn):
        share = (turn + rng.uniform()) / rounds
        how = str(rng.choice(list(HOW), p=list(HOW.values())))
        kills.append(_kill(scenario, dataset, how, share, turn % PARTS, rng))
        faults = "; ".join(kills[-1].faults) or "the same bytes"
        print(f"{i}: {scenario.name}, {how}, {kills[-1].state}: {faults}", flush=True)
    return Found(
        f"{n} kills (seed {seed}); each command was then run again, to its end.",
        _table(scenarios, kills),
        [f"seed {seed}, kill {i}: {fault}" for i, k in enumerate(kills) for fault in k.faults],
    )


def _scenarios(folder: Path, dataset: Path, simulated: Sequence[object]) -> Iterator[Scenario]:
    """Yield the commands, each prepared only when it is asked for."""
    raw, fewer = folder / "raw", folder / "fewer"
    must("simulate", raw, *simulated)
    build = ["build", "--subjects", str(raw), "--out", str(dataset), "--size", "64"]
    build += ["--workers", "2"]
    synth = ["synth-compound", "--dataset", str(dataset), "--k", "2"]
    yield _undisturbed("build", build, None, dataset)
    compounds, earlier = folder / "compounds", folder / "earlier"
    must("synth-compound", "--dataset", dataset, "--k", 1)
    dataset.rename(compounds)
    yield _undisturbed("synth-compound, others there", synth, compounds, dataset)
    shutil.copytree(raw, fewer)
    min(fewer.glob("*/*/*.mp4")).unlink()
    must("build", "--subjects", fewer, "--out", earlier, "--size", 64)
    yield _undisturbed("build, one more recording", build, earlier, dataset)


def _signs(dataset: Path) -> list[Path]:
    """Return what appears when a command begins its work, and when it begins its first shard."""
    return [dataset / WORK, dataset / WORK / "new"]


def _undisturbed(name: str, arguments: list[str], start: Path | None, dataset: Path) -> Scenario:
    _begin(start, dataset)
    seen = {0: time.monotonic()}
    with started(arguments) as process:
        while process.poll() is None:
            for part, sign in enumerate(_signs(dataset), start=1):
                if part not in seen and sign.exists():
                    seen[part] = time.monotonic()
            time.sleep(0.005)
        if process.returncode:
            raise RuntimeError(f"{name} ended with {process.returncode} undisturbed")
    ended = time.monotonic()
    seconds = tuple(ended - seen.get(part, ended) for part in range(PARTS))
    return Scenario(name, arguments, start, contents(dataset), seconds)


def _begin(start: Path | None, dataset: Path) -> None:
    shutil.rmtree(dataset, ignore_errors=True)
    if start is not None:
        shutil.copytree(start, dataset)


def _kill(
    scenario: Scenario,
    dataset: Path,
    how: str,
    share: float,
    part: int,
    rng: np.random.Generator,
) -> Kill:
    """Kill a command, run it again, and compare; again and earlier when the kill came too late."""
    while True:
        _begin(scenario.start, dataset)
        with started(scenario.arguments) as process:
            _wait(process, scenario, dataset, share, part)
            if process.poll() is not None:
                share *= 0.8
                continue
            _send(how, process.pid, rng)
            faults = []
            try:
                process.wait(HANG_S)
            except subprocess.TimeoutExpired:
                faults.append(f"hung after {how}")
                _send("SIGKILL to all", process.pid, rng)
                process.wait()
        state = "survived" if process.returncode == 0 else _state(scenario, dataset)
        again = fmdata(*scenario.arguments)
        if again.returncode:
            said = last_line(again.stderr)
            faults.append(f"{scenario.name}, {how}, {state}: run again, {again.returncode}: {said}")
        if wrong := differences(dataset, scenario.reference):
            faults.append(f"{scenario.name}, {how}, {state}: not as it should be: {wrong}")
        if left := _members(process.pid):
            faults.append(f"{scenario.name}, {how}, {state}: {len(left)} processes still there")
            _send("SIGKILL to all", process.pid, rng)
        return Kill(scenario.name, how, state, faults)


def _wait(
    process: subprocess.Popen[bytes], scenario: Scenario, dataset: Path, share: float, part: int
) -> None:
    """Sleep until the moment has come, or the command has ended."""
    signs = _signs(dataset)[:part][-1:]
    while process.poll() is None and not all(sign.exists() for sign in signs):
        time.sleep(0.002)
    moment = time.monotonic() + share * scenario.seconds[part]
    while process.poll() is None and (left := moment - time.monotonic()) > 0:
        time.sleep(min(left, 0.05))


def _send(how: str, group: int, rng: np.random.Generator) -> None:
    name, whom = how.split(" to ")
    number = signal.Signals[name]
    members = _members(group)
    if whom == "the group":
        os.killpg(group, number)
        return
    for process in members if whom == "all" else rng.permutation(members)[:1]:
        with suppress(ProcessLookupError):  # it has just ended by itself
            os.kill(int(process), number)


def _members(session: int) -> list[int]:
    """Return the processes of a session that still run; workers may have groups of their own."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, member_of = stat.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue  # it has ended since
        if int(member_of) == session and state != "Z":
            found.append(int(stat.parent.name))
    return sorted(found)


def _state(scenario: Scenario, dataset: Path) -> str:
    """Tell from what a dead command has left how far it had come."""
    work = dataset / WORK
    if (work / "new" / CARD).exists():
        return "committing"
    if (work / "new").exists():
        return "packing"
    if work.exists():
        return "at work"
    done = dataset.exists() and not differences(dataset, scenario.reference)
    return "done" if done else "not begun"


def _table(scenarios: Sequence[Scenario], kills: Sequence[Kill]) -> list[list[str]]:
    table = [["command", "seconds", "kills", *STATES, "the same bytes"]]
    for scenario in scenarios:
        own = [kill for kill in kills if kill.scenario == scenario.name]
        states = Counter(kill.state for kill in own)
        same = sum(not kill.faults for kill in own)
        counts = [str(states[state]) for state in STATES]
        seconds = f"{scenario.seconds[0]:.1f}"
        table.append([scenario.name, seconds, str(len(own)), *counts, f"{same} of {len(own)}"])
    return table
