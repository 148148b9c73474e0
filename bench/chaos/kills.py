"""Commands killed where it hurts, run again, and compared with undisturbed runs.

Each kill aims at one phase of a command, in turn: while shards are packed, while files get their
final names, and while recordings are worked on. The moment within the phase is random. A kill that
finds the command elsewhere is tried again and not counted. The signal goes to all processes or to
one; it is SIGKILL, SIGTERM or SIGINT.
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
POLL_S = 0.0005
MIN_PHASE_S = 0.0005  # of a phase that can be hit
SHORT_S = 0.1  # of a phase that may be over before the processes are listed
MAX_TRIES = 60  # to find a command in one phase
SIMULATED = ("--subjects", 2, "--actions", 2, "--takes", 2, "--size", 160, "--fps", 12)
# Signal and receivers, and their share of the kills. Ctrl-C in a terminal goes to the group.
HOW = {
    "SIGKILL to all": 0.5,
    "SIGKILL to one": 0.25,
    "SIGTERM to the group": 0.1,
    "SIGINT to the group": 0.15,
}
PHASES = ("packing", "committing", "at work")  # in the order of the kills


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
    seconds : float
        Duration of that run.
    phases : dict of str to float
        Duration of each of its `PHASES`, in seconds; without those shorter than `MIN_PHASE_S`.
    """

    name: str
    arguments: list[str]
    start: Path | None
    reference: dict[str, str]
    seconds: float
    phases: dict[str, float]


@dataclass(frozen=True)
class Kill:
    """One kill: the phase it fell in, its tries, and the broken promises after a second run."""

    scenario: str
    how: str
    phase: str
    tries: int
    failures: list[str] = field(default_factory=list)


def measure(folder: Path, n: int, seed: int, simulated: Sequence[object] = SIMULATED) -> Report:
    """Kill `n` times, and report."""
    # Processes that a shell starts in the background ignore SIGINT, and so do their children.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    rng = np.random.default_rng(seed)
    dataset = folder / "dataset"
    scenarios = list(islice(_scenarios(folder, dataset, simulated), n))
    kills = []
    for i in range(n):
        scenario, turn = scenarios[i % len(scenarios)], i // len(scenarios)
        phases = [phase for phase in PHASES if phase in scenario.phases]
        kills.append(_kill(scenario, dataset, phases[turn % len(phases)], rng))
        result = "; ".join(kills[-1].failures) or "the same bytes"
        print(f"{i}: {scenario.name}, {kills[-1].how}, {kills[-1].phase}: {result}", flush=True)
    tries = sum(kill.tries for kill in kills)
    return Report(
        f"{n} kills that fell into the phase they were aimed at, of {tries} (seed {seed}); each "
        "command was then run again, to its end.",
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


def _phase(dataset: Path) -> str:
    """Return the phase that a running or killed command is in; empty outside `PHASES`."""
    work = dataset / WORK
    if (work / "new" / CARD).exists():
        return "committing"
    if (work / "new").exists():
        return "packing"
    return "at work" if work.exists() else ""


def _undisturbed(name: str, arguments: list[str], start: Path | None, dataset: Path) -> Scenario:
    """Run a command to its end, and time its phases."""
    _begin(start, dataset)
    began = time.monotonic()
    phases: dict[str, float] = {}
    with started(arguments) as process:
        last = began
        while process.poll() is None:
            phase, now = _phase(dataset), time.monotonic()
            if phase:
                phases[phase] = phases.get(phase, 0.0) + now - last
            last = now
            time.sleep(0 if phase == "packing" else POLL_S)  # the shortest phase is the next one
        if process.returncode:
            raise RuntimeError(f"{name} ended with {process.returncode} undisturbed")
    long = {phase: seconds for phase, seconds in phases.items() if seconds >= MIN_PHASE_S}
    return Scenario(name, arguments, start, contents(dataset), time.monotonic() - began, long)


def _begin(start: Path | None, dataset: Path) -> None:
    shutil.rmtree(dataset, ignore_errors=True)
    if start is not None:
        shutil.copytree(start, dataset)


def _kill(scenario: Scenario, dataset: Path, phase: str, rng: np.random.Generator) -> Kill:
    """Kill a command in one phase, run it again, and compare; try until it was in that phase.

    Each try draws its signal: a command that may clean up after Ctrl-C is hardly ever found in it.
    """
    for tries in range(1, MAX_TRIES + 1):
        how = str(rng.choice(list(HOW), p=list(HOW.values())))
        _begin(scenario.start, dataset)
        with started(scenario.arguments) as process:
            hung = _killed(process, scenario, dataset, how, phase, rng)
        if process.returncode == 0 or _phase(dataset) != phase:
            continue
        failures = ["hung"] if hung else []
        again = fmdata(*scenario.arguments)
        if again.returncode:
            failures.append(f"second run ended with {again.returncode}: {last_line(again.stderr)}")
        if different := differences(dataset, scenario.reference):
            failures.append(f"files differ: {different}")
        if left := _members(process.pid):
            failures.append(f"{len(left)} processes still running")
            _send("SIGKILL to all", process.pid, left, rng)
        where = f"{scenario.name}, {how}, {phase}"
        failures = [f"{where}: {failure}" for failure in failures]
        return Kill(scenario.name, how, phase, tries, failures)
    raise RuntimeError(f"{scenario.name}: {MAX_TRIES} kills, none of them {phase}")


def _killed(
    process: subprocess.Popen[bytes],
    scenario: Scenario,
    dataset: Path,
    how: str,
    phase: str,
    rng: np.random.Generator,
) -> bool:
    """Kill a command at a random moment of a phase, and wait for its end; True if it hung."""
    members, before = [process.pid], ""
    while process.poll() is None and (now := _phase(dataset)) != phase:
        if now != before:
            members, before = _members(process.pid), now
        _pause(scenario.phases[phase])
    moment = time.monotonic() + rng.uniform() * scenario.phases[phase]
    while process.poll() is None and (left := moment - time.monotonic()) > 0:
        _pause(left)
    if process.poll() is None:
        is_short = scenario.phases[phase] < SHORT_S
        _send(how, process.pid, members if is_short else _members(process.pid), rng)
    try:
        process.wait(HANG_S)
    except subprocess.TimeoutExpired:
        _send("SIGKILL to all", process.pid, _members(process.pid), rng)
        process.wait()
        return True
    return False


def _pause(seconds: float) -> None:
    """Sleep for a part of the time; not at all where a sleep would last longer than that."""
    if seconds > 10 * POLL_S:
        time.sleep(min(seconds / 10, 0.05))


def _send(how: str, group: int, members: Sequence[int], rng: np.random.Generator) -> None:
    """Send a signal; `how` is a key of `HOW`."""
    name, receivers = how.split(" to ")
    number = signal.Signals[name]
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


def _table(scenarios: Sequence[Scenario], kills: Sequence[Kill]) -> list[list[str]]:
    table = [["command", "seconds", "kills", *PHASES, "tries", "the same bytes"]]
    for scenario in scenarios:
        own = [kill for kill in kills if kill.scenario == scenario.name]
        fell = Counter(kill.phase for kill in own)
        same = sum(not kill.failures for kill in own)
        cells = [len(own), *(fell[phase] for phase in PHASES), sum(kill.tries for kill in own)]
        seconds, same_of = f"{scenario.seconds:.1f}", f"{same} of {len(own)}"
        table.append([scenario.name, seconds, *map(str, cells), same_of])
    return table
