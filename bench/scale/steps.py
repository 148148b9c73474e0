"""Commands that are measured one after the other, and whose costs are kept between runs."""

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

COSTS = "costs.json"


@dataclass(frozen=True)
class Cost:
    """Cost of one command, its worker processes included.

    Attributes
    ----------
    cpu_s : float
        Processor time, seconds.
    wall_s : float
        Time from start to end, seconds.
    peak_mb : float
        Resident memory of its largest process, MB.
    written_mb : float
        Size of what it left behind, MB.
    """

    cpu_s: float
    wall_s: float
    peak_mb: float
    written_mb: float


@dataclass(frozen=True)
class Step:
    """One command of the data set's way.

    Attributes
    ----------
    name : str
        Its name in the table.
    command : tuple of str
        What follows Python on the command line.
    left : str
        What it leaves behind, in the folder of the steps.
    """

    name: str
    command: tuple[str, ...]
    left: str


def run_steps(folder: Path, steps: list[Step]) -> dict[str, Cost]:
    """Run those steps that have no cost yet, in order; return the costs of all by name.

    Raises
    ------
    SystemExit
        When a command fails; the costs so far are kept, and the next run repeats it.
    """
    file = folder / COSTS
    costs = {name: Cost(**cost) for name, cost in json.loads(_text(file)).items()}
    for step in steps:
        if step.name not in costs:
            costs[step.name] = _run(folder, step)
            kept = {name: asdict(cost) for name, cost in costs.items()}
            file.write_text(json.dumps(kept, indent=1))
        print(f"{step.name}: {costs[step.name]}", file=sys.stderr, flush=True)
    return costs


def size_mb(path: Path) -> float:
    """Return the size of a file, or of all files in a folder, in MB; 0 where there is none."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files) / 1e6


def _text(file: Path) -> str:
    return file.read_text() if file.exists() else "{}"


def _run(folder: Path, step: Step) -> Cost:
    before, began = size_mb(folder / step.left), time.monotonic()
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])
    process = subprocess.Popen(
        [sys.executable, *step.command],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path},
        stdout=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{step.name}: {' '.join(step.command)} ended with {process.returncode}")
    return Cost(
        used.ru_utime + used.ru_stime,
        time.monotonic() - began,
        used.ru_maxrss / 1000,
        size_mb(folder / step.left) - before,
    )
