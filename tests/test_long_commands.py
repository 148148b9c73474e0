"""All long commands are alike: progress, ``--quiet``, no colour without a terminal, and Ctrl-C.

Each command runs in a process of its own, which gets the signal of Ctrl-C at its first step.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from fmdata.catalog.remote.push import push
from fmdata.cli import app
from tests.helpers.command import TIMEOUT_S, fmdata
from tests.helpers.datasets import make_up
from tests.helpers.drawn_faces import write_dataset

pytestmark = pytest.mark.slow
INTERRUPTED = """
import os, signal
from fmdata.terminal.meter import Meter
signal.signal(signal.SIGINT, signal.default_int_handler)
step = Meter.step
def interrupted(self, n=1):
    step(self, n)
    os.kill(os.getpid(), signal.SIGINT)
Meter.step, Meter.SECONDS_BETWEEN_LINES = interrupted, -1.0
from fmdata.cli import main
main()
"""
ONE_THREAD = {"OMP_NUM_THREADS": "1"}  # other tests run beside these
LINE = re.compile(r"[a-z: -]+: \d+/\d+ [a-z]+(  .*)?  (\d+ s left|in \d+ s)")
ON_DATASET = {
    "synth-compound": ["synth-compound", "--k", "1", "--workers", "0"],
    "verify": ["verify"],
    "report": ["report"],
    "show": ["show", "s01-smile-01", "--save", "a.gif", "--width", "200"],
    "forget": ["forget", "s01", "--yes"],
    "push": ["push", "copy"],
}
LONG = {*ON_DATASET, "pull", "simulate", "build", "spot", "train", "evaluate", "demo"}
SHORT = {"table"}  # with a summary alone
AFTER = {
    "build": "resumes from here",
    "spot": "resumes from here",
    "synth-compound": "resumes from here",
    "train": "resumes from the last checkpoint",
    "forget": "completes the removal",
    "push": "resumes from here",
    "pull": "resumes from here",
}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_up(tmp_path_factory.mktemp("long") / "dataset", ["s01", "s02"])


def interrupted(*arguments: str, cwd: Path) -> str:
    """Return the messages of a command that gets Ctrl-C at its first step."""
    run = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, *arguments], cwd=cwd, capture_output=True, text=True,
        timeout=TIMEOUT_S, env=os.environ | {"FORCE_COLOR": "1"} | ONE_THREAD,
    )  # fmt: skip
    assert run.returncode == 130, run.stderr
    assert run.stdout == ""
    return run.stderr


def assert_stops(name: str, arguments: list[str], cwd: Path) -> None:
    """Assert that a command shows its progress, can be stopped, and says how to go on."""
    *lines, last = interrupted(*arguments, cwd=cwd).splitlines()
    assert last.startswith(f"fmdata: stopped; the same command {AFTER.get(name, 'starts anew')}")
    assert lines
    assert [line for line in lines if not LINE.fullmatch(line)] == []


def assert_quiet(arguments: list[str], cwd: Path) -> None:
    """Assert that a command does its work and says nothing."""
    run = fmdata(*arguments, "--quiet", cwd=cwd, env=os.environ | ONE_THREAD)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def assert_alike(name: str, arguments: list[str], cwd: Path) -> None:
    """Assert that a command can be stopped, and that the same command then does its work."""
    assert_stops(name, arguments, cwd)
    assert_quiet(arguments, cwd)


def test_every_command_with_progress_can_be_quiet() -> None:
    commands = typer.main.get_command(app).commands.items()
    quiet = {name for name, one in commands if any(p.name == "quiet" for p in one.params)}
    assert quiet == LONG | SHORT


@pytest.mark.parametrize("name", ON_DATASET)
def test_commands_on_a_dataset(name: str, dataset: Path, tmp_path: Path) -> None:
    shutil.copytree(dataset, tmp_path / "dataset")
    assert_alike(name, ON_DATASET[name], tmp_path)


def test_a_dataset_is_pulled(dataset: Path, tmp_path: Path) -> None:
    push(dataset, str(tmp_path / "copy"))
    assert_alike("pull", ["pull", "copy"], tmp_path)


def test_recordings_are_made_and_built(tmp_path: Path) -> None:
    few = ["simulate", "made", "--subjects", "1", "--actions", "smile", "--takes", "2"]
    assert_alike("simulate", few, tmp_path)
    assert_alike("build", ["build", "--subjects", "made", "--workers", "1"], tmp_path)
    assert_alike("spot", ["spot", "made", "--workers", "1"], tmp_path)


@pytest.mark.long
def test_a_run_is_trained_and_evaluated(tmp_path: Path) -> None:
    write_dataset(tmp_path / "dataset", {"c": 1, "a": 4})
    tiny = [f"--set={setting}" for setting in ("epochs=1", "steps=2", "size=32", "width=0.125")]
    assert_stops("train", ["train", "landmarks", *tiny], tmp_path)
    assert_quiet(["train", "landmarks", *tiny, "--evaluate"], tmp_path)
    assert (tmp_path / "runs/landmarks/evaluation.json").exists()
    assert_stops("evaluate", ["evaluate", "runs/landmarks"], tmp_path)


def test_the_demo_ends_as_one_command(tmp_path: Path) -> None:
    *lines, last = interrupted("demo", cwd=tmp_path).splitlines()
    assert last == "fmdata: stopped; the same command simulates again and resumes the rest"
    assert len(lines) == 1


def test_errors_are_shown_quietly(tmp_path: Path, dataset: Path) -> None:
    shutil.copytree(dataset, tmp_path / "dataset")
    tar = tmp_path / "dataset/actions/shard-00000.tar"
    tar.write_bytes(tar.read_bytes()[:-1])
    run = fmdata("verify", "--quiet", cwd=tmp_path)
    assert run.returncode == 1
    assert "bytes, wanted" in run.stdout
    assert "1 findings" in run.stderr
