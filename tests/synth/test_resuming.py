"""Syntheses in several processes, killed and resumed: always the bytes of an undisturbed one."""

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from fmdata.catalog import Dataset
from fmdata.catalog.storage.card import FileFacts
from fmdata.catalog.storage.place import INTRODUCTION
from fmdata.catalog.verify.dataset import verify
from fmdata.synth.compounds import synth_compounds
from fmdata.synth.settings import CompoundSettings
from fmdata.synth.shards import Synthesis
from tests.helpers.command import FMDATA
from tests.helpers.datasets import add_dropped, make_up
from tests.helpers.folders import assert_same_files
from tests.helpers.waiting import wait_until

pytestmark = pytest.mark.slow

SUBJECTS = [f"s{i:02d}" for i in range(6)]
SETTINGS = CompoundSettings(k=40, shard_mb=1)
STUCK = """
import ctypes, os, sys
from fmdata.synth.processes import Processes

def stick(path):
    with open(path, "w") as file:
        file.write(str(os.getpid()))
    ctypes.PyDLL(None).sleep(100_000)

if __name__ == "__main__":
    with Processes(1, "here") as processes:
        list(processes.each(stick, sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def actions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_up(tmp_path_factory.mktemp("actions") / "dataset", SUBJECTS, k=0)


@pytest.fixture(scope="module")
def reference(actions: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a dataset with compounds, undisturbed, in one process."""
    path = tmp_path_factory.mktemp("reference") / "dataset"
    shutil.copytree(actions, path)
    synth_compounds(path, SETTINGS)
    assert len(Dataset(path).card.compounds.shards) >= 10
    return path


def start(dataset: Path) -> subprocess.Popen[bytes]:
    """Start the command with two workers."""
    line = [*FMDATA, "synth-compound", "--dataset", str(dataset), "--workers", "2"]
    line += ["--k", str(SETTINGS.k), "--shard-mb", str(SETTINGS.shard_mb)]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def finished(dataset: Path) -> dict[Path, int]:
    """Return the finished shards of unfinished work, and the inode of each tar."""
    tars = (dataset / ".work").glob("compounds-*/shard-?????/*.tar")
    return {tar: tar.stat().st_ino for tar in tars}


def begun(actions: Path, path: Path) -> subprocess.Popen[bytes]:
    """Start a synthesis in a copy of the actions; return when three shards are finished."""
    shutil.copytree(actions, path)
    process = start(path)
    wait_until(lambda: len(finished(path)) >= 3, process)
    return process


def assert_kept(path: Path, done: dict[Path, int]) -> None:
    """Check that finished shards are the ones of the dataset, by their inodes."""
    inodes = {tar.stat().st_ino for tar in (path / "compounds").glob("*.tar")}
    assert set(done.values()) <= inodes


def children(pid: int) -> list[int]:
    return [int(i) for i in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_two_processes_write_the_bytes_of_one(
    actions: Path, reference: Path, tmp_path: Path
) -> None:
    path = tmp_path / "dataset"
    shutil.copytree(actions, path)
    process = start(path)
    output = process.communicate()[0].decode()
    assert process.returncode == 0, output
    assert_same_files(path, reference, but=INTRODUCTION)


def test_a_killed_synthesis_is_resumed_with_the_same_bytes(
    actions: Path, reference: Path, tmp_path: Path
) -> None:
    """The finished shards keep their inodes, so they were not written again."""
    path = tmp_path / "dataset"
    process = begun(actions, path)
    workers = children(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    output = process.communicate()[0].decode()
    assert process.returncode != 0
    assert "Traceback" not in output
    wait_until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))
    done = finished(path)
    again = synth_compounds(path, SETTINGS)
    assert 3 <= again.found == len(done) < len(again.card.compounds.shards)
    assert "by an interrupted run" in str(again)
    assert_kept(path, done)
    assert_same_files(path, reference)
    assert verify(path) == []


def test_a_killed_worker_costs_the_work_in_flight_and_no_more(
    actions: Path, reference: Path, tmp_path: Path
) -> None:
    """The command goes on with new processes, and keeps the shards that were finished."""
    path = tmp_path / "dataset"
    process = begun(actions, path)
    os.kill(children(process.pid)[-1], signal.SIGKILL)
    done = finished(path)
    output = process.communicate()[0].decode()
    assert process.returncode == 0, output
    assert_kept(path, done)
    assert_same_files(path, reference, but=INTRODUCTION)


def test_finished_shards_of_another_dropped_list_are_not_used(actions: Path) -> None:
    """The labels of compounds count the actions of which all recordings were dropped."""
    dataset = Dataset(actions)
    other = Dataset(actions)
    other.card = replace(other.card, dropped_file=FileFacts(1, "0" * 64))
    folders = {Synthesis.of(one, SETTINGS).folder for one in (dataset, other)}
    assert len(folders) == 2


def test_compounds_are_made_anew_when_an_action_is_dropped(actions: Path, tmp_path: Path) -> None:
    """As when all takes of a new action had no face: the labels count it, the actions do not."""
    before, scratch = tmp_path / "before", tmp_path / "scratch"
    shutil.copytree(actions, before)
    synth_compounds(before, SETTINGS)
    shutil.copytree(actions, scratch)
    for path in (before, scratch):
        add_dropped(path, SUBJECTS[0], "a_new_action")
        assert not synth_compounds(path, SETTINGS).reused
        assert synth_compounds(path, SETTINGS).reused
    assert_same_files(before, scratch)


def test_a_damaged_finished_shard_is_made_again(
    actions: Path, reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "dataset"
    shutil.copytree(actions, path)
    monkeypatch.setattr(
        "fmdata.synth.places.folder.stage", lambda *_: (_ for _ in ()).throw(OSError())
    )
    with pytest.raises(OSError):  # noqa: PT011
        synth_compounds(path, SETTINGS)
    monkeypatch.undo()
    damaged, *others = sorted(finished(path))
    damaged.write_bytes(b"\0" * damaged.stat().st_size)
    assert synth_compounds(path, SETTINGS).found == len(others)
    assert_same_files(path, reference)


def test_a_process_of_a_synthesis_ends_with_its_parent_also_in_native_code(tmp_path: Path) -> None:
    """The parent is killed while its process sleeps in a library that holds Python."""
    (tmp_path / "stuck.py").write_text(STUCK)
    at = tmp_path / "pid"
    with subprocess.Popen([sys.executable, str(tmp_path / "stuck.py"), str(at)]) as parent:
        wait_until(lambda: at.exists() and at.read_text(), parent)
        parent.kill()
    worker = Path("/proc") / at.read_text()
    wait_until(lambda: not worker.exists() or ") Z" in (worker / "stat").read_text())
