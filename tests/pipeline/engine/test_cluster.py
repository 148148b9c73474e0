"""A cluster of separate processes in their own folders: `dask scheduler` and `dask worker`."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from distributed import Client, KilledWorker

from fmdata.catalog import Dataset
from fmdata.catalog.errors import DatasetError, FmdataError
from fmdata.catalog.storage.made_by.processor import processor_features
from fmdata.catalog.storage.work import Unit
from fmdata.catalog.types import Recording
from fmdata.catalog.verify.dataset import verify
from fmdata.pipeline.engine import cluster, shared
from fmdata.pipeline.engine.crew import Order
from fmdata.pipeline.engine.pool import StoppedError, WorkerPool
from fmdata.pipeline.engine.shared import meeting, require_seen
from fmdata.pipeline.settings import BuildSettings
from fmdata.pipeline.work.digest import Identity, file_state
from fmdata.pipeline.work.job import Job
from fmdata.pipeline.work.outcome import Outcome
from tests.helpers.command import FMDATA, TIMEOUT_S, assert_refused, fmdata
from tests.helpers.folders import assert_same_files
from tests.helpers.nodes import Nodes, files_in, hidden, kill, record, running_nodes
from tests.helpers.waiting import wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    with running_nodes(tmp_path) as made:
        yield made


@pytest.mark.long
def test_a_worker_is_killed_and_one_joins_and_the_bytes_are_those_of_a_local_build(
    nodes: Nodes, tmp_path: Path
) -> None:
    """Paths are relative; nothing is left in the folders of the workers."""
    record(tmp_path / "raw", 16)
    first = nodes.worker("first")
    nodes.worker("second")
    command = [*FMDATA, "build", "--size", "64", "--scheduler", nodes.address]
    done = tmp_path / "dataset/.work"
    with subprocess.Popen(command, cwd=tmp_path) as process:
        wait_until(lambda: len(units(done)) >= 2, process)
        kill(first)
        nodes.worker("third")
        assert process.wait(TIMEOUT_S) == 0
    local = fmdata("build", "--size", "64", "--out", "local", "--workers", "2", cwd=tmp_path)
    assert local.returncode == 0, local.stderr
    assert_same_files(tmp_path / "dataset", tmp_path / "local")
    assert [files_in(tmp_path / name) for name in ("first", "second", "third")] == [[], [], []]


@pytest.mark.long
def test_clips_of_two_kinds_of_workers_are_noted(nodes: Nodes, tmp_path: Path) -> None:
    """One worker lacks the last feature of this processor."""
    here = processor_features()
    record(tmp_path / "raw", 8)
    nodes.worker("first")
    nodes.worker("other", "env", f"OPENCV_CPU_DISABLE={here.split()[-1]}")
    with Client(nodes.address) as client:
        client.wait_for_workers(2, timeout=TIMEOUT_S)
    run = fmdata("build", "--size", "64", "--scheduler", nodes.address, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    made = {clip.row["processor"] for clip in Dataset(tmp_path / "dataset").actions}
    assert made == {here, " ".join(here.split()[:-1])}
    assert [finding.is_note for finding in verify(tmp_path / "dataset")] == [True]


def units(work: Path) -> list[Path]:
    return [path for path in work.glob("*") if len(path.name) == 64]


@pytest.mark.long
@pytest.mark.parametrize("place", ["raw", "dataset"])
def test_a_worker_that_does_not_see_the_disk_is_reported_before_any_work(
    nodes: Nodes, tmp_path: Path, place: str
) -> None:
    """One of two; and when it joins later, it gets no work."""
    record(tmp_path / "raw", 4)
    (tmp_path / "dataset").mkdir()
    within = hidden(tmp_path / place)
    blind = nodes.worker("blind", *within)
    nodes.worker("seeing")
    with Client(nodes.address) as client:
        client.wait_for_workers(2, timeout=TIMEOUT_S)
    options = ["--size", "64", "--scheduler", nodes.address]
    run = fmdata("build", *options, cwd=tmp_path)
    assert_refused(
        run, 2, "1 workers", "does not see", str(tmp_path / place), "on a disk that all share"
    )
    assert not list((tmp_path / "dataset").rglob("*"))
    assert files_in(tmp_path / "blind") == []
    kill(blind)
    run = fmdata("build", *options, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert "4 clips, 0 dropped" in run.stdout


@pytest.mark.long
def test_a_blind_worker_that_joins_in_mid_build_gets_no_work(nodes: Nodes, tmp_path: Path) -> None:
    """It is reported, nothing is left in its folder, and the other one does all the work."""
    record(tmp_path / "raw", 14)
    (tmp_path / "dataset").mkdir()
    within = hidden(tmp_path / "dataset")
    nodes.worker("seeing")
    command = [*FMDATA, "build", "--size", "64", "--scheduler", nodes.address]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        wait_until(lambda: len(units(tmp_path / "dataset/.work")) >= 2, process)
        nodes.worker("blind", *within)
        shown, _ = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0, shown
    assert "1 workers do not see the data, and get no work" in shown
    assert "14 clips, 0 dropped" in shown
    assert files_in(tmp_path / "blind") == []


@pytest.mark.long
def test_a_scheduler_that_ends_in_mid_build_is_reported_and_the_work_is_kept(
    nodes: Nodes, tmp_path: Path
) -> None:
    record(tmp_path / "raw", 8)
    nodes.worker("first")
    command = [*FMDATA, "build", "--size", "64", "--scheduler", nodes.address]
    done = tmp_path / "dataset/.work"
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        wait_until(lambda: len(units(done)) >= 2, process)
        nodes.stop()
        _, shown = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 1
    assert "the Dask scheduler is gone" in shown
    assert "Traceback" not in shown
    before = {unit: unit.stat().st_ino for unit in units(done)}
    assert len(before) >= 2
    run = fmdata("build", "--size", "64", "--workers", "1", cwd=tmp_path)
    assert "8 clips, 0 dropped" in run.stdout
    assert f"{len(before)} of them done before" in run.stdout


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "host", "other://127.0.0.1:1"])
def test_an_address_where_no_scheduler_answers_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "1s")
    record(tmp_path / "raw", 1)
    run = fmdata("build", "--scheduler", address, cwd=tmp_path)
    assert_refused(run, 2, "no Dask scheduler answers", address, "dask scheduler")


def a_job(path: Path) -> Job:
    recording = Recording(path, path.name, "s01", "smile", "01")
    return Job(recording, Identity("content", "d" * 64, file_state(path)))


def test_a_worker_shows_that_it_sees_token_recordings_and_tools(tmp_path: Path) -> None:
    video = tmp_path / "a.mp4"
    video.write_bytes(b"video")
    order = Order(BuildSettings(), tmp_path / "work")
    with meeting(order, [a_job(video)]) as place:
        assert place.problem_of(place.answer()) == ""
        assert "seen here" in place.problem_of("0123")  # written to a folder of the same name
        assert "ModuleNotFoundError" in place.problem_of(ModuleNotFoundError("fmdata"))
        (tmp_path / "work").rename(tmp_path / "elsewhere")
        assert "does not see" in place.problem_of(place.answer())
        assert not (tmp_path / "work").exists()
        assert not place.is_seen()
        (tmp_path / "work").write_bytes(b"a file")
        with pytest.raises(DatasetError):  # a failure to reach the place, which is counted
            place.is_seen()
        assert "does not see" in place.problem_of(place.answer())
        (tmp_path / "work").unlink()
        (tmp_path / "elsewhere").rename(tmp_path / "work")
        video.write_bytes(b"another")
        assert str(video) in place.problem_of(place.answer())
        place.versions["av"] = "0.1"
        video.write_bytes(b"video")
        os.utime(video, ns=(0, 0))
        place = replace(place, seen=())
        assert "it has av" in place.problem_of(place.answer())
    assert not list((tmp_path / "work").iterdir())


def test_a_unit_that_its_worker_reported_and_that_is_not_here_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "_VISIBLE_S", 0)
    with pytest.raises(FmdataError, match="files are not here"):
        require_seen(Unit(tmp_path / ("d" * 64)), Outcome("d" * 64, 10))


def test_a_build_has_one_pool_on_a_dask_worker_which_stays_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Eight threads of the worker start the build's first recordings at the same time."""

    def slow(self: WorkerPool, whole: Callable[[WorkerPool], None] = WorkerPool.__init__) -> None:
        time.sleep(0.05)
        whole(self)

    monkeypatch.setattr(WorkerPool, "__init__", slow)
    with ThreadPoolExecutor(8) as threads:
        pools = set(threads.map(cluster._on_cluster.of, ["this build"] * 8))
    assert len(pools) == 1
    assert cluster._on_cluster.of("another build") not in pools
    cluster._stop("this build")
    with pytest.raises(StoppedError), cluster._on_cluster.of("this build").borrow():
        pass
    cluster._on_cluster.of("another build").require_running()


def test_a_recording_whose_dask_workers_were_all_lost_is_dropped_as_crashed(
    tmp_path: Path,
) -> None:
    lost: Future[Outcome] = Future()
    lost.set_exception(KilledWorker("process-1f3a", None, 2))
    (tmp_path / "a.mp4").touch()
    crew = cluster.Cluster.__new__(cluster.Cluster)  # which needs no scheduler for this
    outcome = crew.result(a_job(tmp_path / "a.mp4"), lost)
    assert outcome.dropped is not None
    assert (outcome.dropped.reason, outcome.dropped.attempts) == ("crashed", 3)
    # No name of a task or a worker of this run, so the same error always has the same bytes.
    assert outcome.dropped.detail == "the Dask workers that it was given to died"
