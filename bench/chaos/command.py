"""The command line, run as a user runs it, and what it leaves on the disk."""

import hashlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.page import Table

FMDATA = [sys.executable, "-c", "from fmdata.cli import main; main()"]
HANG_S = 600.0  # after which a command is taken to hang


@dataclass(frozen=True)
class Found:
    """What an experiment has found.

    Attributes
    ----------
    sentence : str
        What was done.
    table : Table
        The figures, with a head.
    faults : list of str
        What was not as promised, with the seeds that show it.
    """

    sentence: str
    table: Table
    faults: list[str]


def fmdata(*arguments: object, timeout_s: float = HANG_S) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    command = [*FMDATA, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s)


def started(arguments: list[str]) -> subprocess.Popen[bytes]:
    """Start a command, in a process group of its own, without an ear for what it says."""
    quiet = subprocess.DEVNULL
    command = [*FMDATA, *arguments]
    return subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True)


def must(*arguments: object) -> None:
    """Run a command on which the experiment rests."""
    run = fmdata(*arguments)
    if run.returncode:
        raise RuntimeError(f"{arguments} ended with {run.returncode}: {run.stderr}")


def contents(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below a folder, and an empty text for every folder."""
    return {
        str(path.relative_to(folder)): ""
        if path.is_dir()
        else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
    }


def differences(folder: Path, reference: dict[str, str]) -> str:
    """Name the paths that are not as in the reference; empty when all are."""
    found = contents(folder)
    paths = sorted(found.keys() | reference.keys())
    return ", ".join(path for path in paths if found.get(path) != reference.get(path))


def last_line(text: str) -> str:
    """Return the last line that says anything."""
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "nothing said"
