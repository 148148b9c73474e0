"""Commands killed at random moments, run again, and compared with undisturbed runs.

Moments are uniform over a command's time: a third of them over all of it, a third from its first
work on, a third from its first shard on, when files get their final names. The signal goes to all
processes or to one; it is SIGKILL, SIGTERM or SIGINT.
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
    Report,
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
PARTS = 3  # of a command's time: all of it, from the first work on, from the first shard on
SIMULATED = ("--subjects", 2, "--actions", 2, "--takes", 2, "--size", 160, "--fps", 12)
# Signal and receivers, and their share of the kills. Ctrl-C in a terminal goes to the group.
HOW = {
    "SIGKILL to all": 0.5,
    "SIGKILL to one": 0.25,
    "SIGTERM to the group": 0.1,
    "SIGINT to the group": 0.15,
}
STATES = ("not begun", "at work", "packing", "committing", "done", "survived")


@dataclass(frozen=True)
class Scenario:
    """A command, the dataset before it, and the dataset after an undisturbed run.

    Attributes
    ----------
    name : str
        Name in the table.
    arguments : list of str
        The command.
    start : Path or None
        Dataset that exists before the command; None for none.
    reference : dict of str to str
        Contents of the dataset after an undisturbed run.
    seconds : tuple of float
        Duration of that run, and its durations after the first of each of :func:`_signs`.
    """

    name: str
    arguments: list[str]
    start: Path | None
    reference: dict[str, str]
    seconds: tuple[float, ...]


@dataclass(frozen=True)
class Kill:
    """One kill: the state after it, and the broken promises after a second run."""

    scenario: str
    how: str
    state: str
    failures: list[str] = field(default_factory=list)


def measure(folder: Path, n: int, seed: int, simulated: Sequence[object] = SIMULATED) -> Report:
    """Kill `n` times, and report."""
    # Processes that a shell starts in the background ignore SIGINT, and so do their children.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    rng = np.random.default_rng(seed)
    dataset = folder / "dataset"
    scenarios = list(islice(_scenarios(folder, dataset, simulated), n))
    # The moments of each command are stratified over its parts.
    drawn = [(scenarios[i % len(scenarios)], i // len(scenarios)) for i in range(n)]
    rounds = -(-n // len(scenarios))
    kills = []
    for i, (scenario, turn) in enumerate(drawn):
        share = (turn + rng.uniform()) / rounds
        how = str(rng.choice(list(HOW), p=list(HOW.values())))
        kills.append(_kill(scenario, dataset, how, share, turn % PARTS, rng))
        result = "; ".join(kills[-1].failures) or "the same bytes"
        print(f"{i}: {scenario.name}, {how}, {kills[-1].state}: {result}", flush=True)
    return Report(
        f"{n} kills (seed {seed}); each command was then run again, to its end.",
        _table(scenarios, kills),
        [f"seed {seed}, kill {i}: {wrong}" for i, k in enumerate(kills) for wrong in k.failures],
    )


def _scenarios(folder: Path, dataset: Path, simulated: Sequence[object]) -> Iterator[Scenario]:
    """Yield the commands; each is prepared when it is requested."""
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
    """Return the paths that appear with a command's first work, and with its first shard."""
    return [dataset / WORK, dataset / WORK / "new"]


def _undisturbed(name: str, arguments: list[str], start: Path | None, dataset: Path) -> Scenario:
    """Run a command to its end, and time its parts."""
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
    """Kill a command, run it again, and compare; a kill that came too late is repeated earlier."""
    while True:
        _begin(scenario.start, dataset)
        with started(scenario.arguments) as process:
            _wait(process, scenario, dataset, share, part)
            if process.poll() is not None:
                share *= 0.8
                continue
            _send(how, process.pid, rng)
            failures = []
            try:
                process.wait(HANG_S)
            except subprocess.TimeoutExpired:
                failures.append("hung")
                _send("SIGKILL to all", process.pid, rng)
                process.wait()
        state = "survived" if process.returncode == 0 else _state(scenario, dataset)
        again = fmdata(*scenario.arguments)
        if again.returncode:
            failures.append(f"second run ended with {again.returncode}: {last_line(again.stderr)}")
        if different := differences(dataset, scenario.reference):
            failures.append(f"files differ: {different}")
        if left := _members(process.pid):
            failures.append(f"{len(left)} processes still running")
            _send("SIGKILL to all", process.pid, rng)
        where = f"{scenario.name}, {how}, {state}"
        return Kill(scenario.name, how, state, [f"{where}: {failure}" for failure in failures])


def _wait(
    process: subprocess.Popen[bytes], scenario: Scenario, dataset: Path, share: float, part: int
) -> None:
    """Sleep until the moment of the kill, or the end of the command."""
    signs = _signs(dataset)[:part][-1:]
    while process.poll() is None and not all(sign.exists() for sign in signs):
        time.sleep(0.002)
    moment = time.monotonic() + share * scenario.seconds[part]
    while process.poll() is None and (left := moment - time.monotonic()) > 0:
        time.sleep(min(left, 0.05))


def _send(how: str, group: int, rng: np.random.Generator) -> None:
    """Send a signal; `how` is a key of `HOW`."""
    name, receivers = how.split(" to ")
    number = signal.Signals[name]
    members = _members(group)
    if receivers == "the group":
        os.killpg(group, number)
        return
    for process in members if receivers == "all" else rng.permutation(members)[:1]:
        with suppress(ProcessLookupError):  # the process has just ended
            os.kill(int(process), number)


def _members(session: int) -> list[int]:
    """Return the running processes of a session; workers may have groups of their own."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, member_of = stat.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue  # the process has just ended
        if int(member_of) == session and state != "Z":
            found.append(int(stat.parent.name))
    return sorted(found)


def _state(scenario: Scenario, dataset: Path) -> str:
    """Return the state of a killed command, one of `STATES`, from its files."""
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
        same = sum(not kill.failures for kill in own)
        counts = [str(states[state]) for state in STATES]
        seconds = f"{scenario.seconds[0]:.1f}"
        table.append([scenario.name, seconds, str(len(own)), *counts, f"{same} of {len(own)}"])
    return table
