"""The command line, run as a user runs it, and the files it writes."""

import hashlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.page import Table

FMDATA = [sys.executable, "-c", "from fmdata.cli import main; main()"]
HANG_S = 600.0  # a command that takes longer counts as hung


@dataclass(frozen=True)
class Report:
    """Result of an experiment.

    Attributes
    ----------
    sentence : str
        Summary of the experiment.
    table : Table
        Figures, with a header row.
    failures : list of str
        Broken promises, with the seeds that reproduce them.
    """

    sentence: str
    table: Table
    failures: list[str]


def fmdata(*arguments: object, timeout_s: float = HANG_S) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    command = [*FMDATA, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s)


def started(arguments: list[str]) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own, with its output discarded."""
    quiet = subprocess.DEVNULL
    command = [*FMDATA, *arguments]
    return subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True)


def must(*arguments: object) -> None:
    """Run a command that prepares an experiment; raise RuntimeError if it fails."""
    run = fmdata(*arguments)
    if run.returncode:
        raise RuntimeError(f"{arguments} ended with {run.returncode}: {run.stderr}")


def contents(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below a folder; folders have an empty string."""
    return {
        str(path.relative_to(folder)): ""
        if path.is_dir()
        else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
    }


def differences(folder: Path, reference: dict[str, str]) -> str:
    """Return the paths that differ from the reference, separated by commas; empty if none does."""
    found = contents(folder)
    paths = sorted(found.keys() | reference.keys())
    return ", ".join(path for path in paths if found.get(path) != reference.get(path))


def last_line(text: str) -> str:
    """Return the last line that is not blank."""
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no message"
