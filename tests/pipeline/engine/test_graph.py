"""The Dask graph: a user's own scheduler, lost Dask workers, order, and hashing."""

import re
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

import pytest
from distributed import KilledWorker, LocalCluster

from fmdata.catalog import Dataset
from fmdata.catalog.types import Recording
from fmdata.pipeline.build import build
from fmdata.pipeline.engine import graph
from fmdata.pipeline.engine.pool import StoppedError, WorkerPool
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.pipeline.work.digest import Identity
from fmdata.pipeline.work.job import Job
from fmdata.pipeline.work.outcome import Outcome
from tests.helpers.progress import RecordedProgress

pytestmark = pytest.mark.slow


def test_an_outcome_is_counted_once_and_not_again_with_every_other() -> None:
    """Of a hundred thousand recordings, counting them all at each one would take minutes."""

    class Unread(dict[int, Outcome]):
        def values(self) -> NoReturn:
            raise AssertionError("all outcomes are read again")

    progress = RecordedProgress()
    keep = graph._collector(Unread(), progress)
    for i in range(3):
        keep(i, Outcome(f"{i}", 10))
    assert re.fullmatch(r"\d+ frames/s  0 dropped", progress.notes[-1])


def test_a_running_scheduler_is_used(raw_path: Path, dataset_path: Path, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    (raw / "s01").mkdir(parents=True)
    shutil.copytree(raw_path / "s01/smile", raw / "s01/smile")
    with LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0"
    ) as cluster:
        before = cluster.scheduler.transition_counter
        how = RunSettings(scheduler=cluster.scheduler_address)
        build(raw, tmp_path / "dataset", BuildSettings(), how)
        assert cluster.scheduler.transition_counter > before
    one, other = Dataset(tmp_path / "dataset"), Dataset(dataset_path)
    assert len(one.actions) == 4
    for clip in one.actions:
        assert clip.facts().equals(other.actions[clip.key].facts())
        assert clip.frames_table().equals(other.actions[clip.key].frames_table())


def test_a_build_has_one_pool_on_a_dask_worker_which_stays_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Eight threads of the worker start the build's first recordings at the same time."""

    def slow(self: WorkerPool, whole: Callable[[WorkerPool], None] = WorkerPool.__init__) -> None:
        time.sleep(0.05)
        whole(self)

    monkeypatch.setattr(WorkerPool, "__init__", slow)
    with ThreadPoolExecutor(8) as threads:
        pools = set(threads.map(graph._on_cluster.of, ["this build"] * 8))
    assert len(pools) == 1
    assert graph._on_cluster.of("another build") not in pools
    graph._stop_on_cluster("this build")
    with pytest.raises(StoppedError), graph._on_cluster.of("this build").borrow():
        pass
    graph._on_cluster.of("another build").require_running()


def test_a_recording_whose_dask_workers_were_all_lost_is_dropped_as_crashed() -> None:
    class Lost:
        def result(self) -> None:
            raise KilledWorker("process-1f3a", None, 2)

    recording = Recording(Path("raw/a.mp4"), "a.mp4", "s01", "smile", "01")
    outcome = graph._result(Lost(), Job(recording, Identity("content", "digest")))
    assert outcome.dropped is not None
    assert (outcome.dropped.reason, outcome.dropped.attempts) == ("crashed", 3)
    # No name of a task or a worker of this run, so the same error always has the same bytes.
    assert outcome.dropped.detail == "the Dask workers that it was given to died"


def test_spans_of_one_file_are_hashed_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "long.mp4").write_bytes(b"long")
    (tmp_path / "short.mp4").write_bytes(b"short")
    hashed = []
    whole = graph.content_digest

    def counting(recording: Recording) -> str:
        hashed.append(recording.path)
        return whole(recording)

    monkeypatch.setattr(graph, "content_digest", counting)
    spans = [
        Recording(tmp_path / "long.mp4", "long.mp4", "s01", "smile", str(i), i, i + 1.0)
        for i in range(20)
    ]
    short = Recording(tmp_path / "short.mp4", "short.mp4", "s01", "smile", "short")
    progress = RecordedProgress()
    jobs = graph.digest_all([*spans, short], BuildSettings(), progress)
    assert progress.phases == [("build", 21, "recordings")]
    # A step for the first of the two files; after the last one, the processing starts at once.
    assert progress.done in (20, 1)
    assert sorted(hashed) == [tmp_path / "long.mp4", tmp_path / "short.mp4"]
    assert [job.recording for job in jobs] == [*spans, short]
    assert len({job.digest for job in jobs}) == 21
    assert len({job.identity.source_sha256 for job in jobs}) == 2


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_recordings_are_processed_in_their_order(scheduler: str) -> None:
    seen: list[tuple[int, int]] = []
    tasks = graph._tasks(lambda job: job, range(30))
    graph._compute_here(
        tasks, lambda i, outcome: seen.append((i, outcome)), scheduler=scheduler, num_workers=1
    )
    assert seen == [(n, n) for n in range(30)]
