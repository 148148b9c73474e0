"""The `fmdata` command, run in a process of its own, as a user runs it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

FMDATA = [sys.executable, "-c", "from fmdata.cli import main; main()"]
TIMEOUT_S = 600  # against a hang; generous, as a loaded machine is slow


def fmdata(*arguments: object, cwd: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command line to its end; `options` are those of `subprocess.run`."""
    command = [*FMDATA, *map(str, arguments)]
    if "stdout" not in options and "stderr" not in options:
        options["capture_output"] = True
    return subprocess.run(command, cwd=cwd, text=True, timeout=TIMEOUT_S, **options)


def assert_refused(run: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """Assert that a command ended with one error message in four parts, and no traceback."""
    assert run.returncode == code, run.stderr
    assert "Traceback" not in run.stderr, run.stderr
    assert run.stderr.count("fmdata:") == 1, run.stderr
    for word in (*words, "wanted:", "where:", "to do:"):
        assert word in run.stderr, run.stderr
