"""Running the chains: on a scheduler of the user's own, and when a process dies of a recording."""

import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from distributed import KilledWorker, LocalCluster

from fmdata.catalog import Dataset
from fmdata.catalog.types import Recording
from fmdata.pipeline.build import build
from fmdata.pipeline.engine import graph
from fmdata.pipeline.engine.pool import StoppedError, Workers
from fmdata.pipeline.settings import BuildSettings
from fmdata.pipeline.work.digest import Identity


def test_a_running_scheduler_is_used(raw_path: Path, dataset_path: Path, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    (raw / "s01").mkdir(parents=True)
    shutil.copytree(raw_path / "s01/smile", raw / "s01/smile")
    with LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0"
    ) as cluster:
        before = cluster.scheduler.transition_counter
        build(raw, tmp_path / "dataset", BuildSettings(), scheduler=cluster.scheduler_address)
        assert cluster.scheduler.transition_counter > before
    one, other = Dataset(tmp_path / "dataset"), Dataset(dataset_path)
    assert len(one.actions) == 4
    for clip in one.actions:
        assert clip.facts().equals(other.actions[clip.key].facts())


def test_a_builds_processes_on_a_dask_worker_are_one_lot_and_stay_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Eight threads of the worker take up the build's first recordings at once."""

    def slow(self: Workers, whole: Callable[[Workers], None] = Workers.__init__) -> None:
        time.sleep(0.05)
        whole(self)

    monkeypatch.setattr(Workers, "__init__", slow)
    with ThreadPoolExecutor(8) as threads:
        lots = set(threads.map(graph._on_cluster.of, ["this build"] * 8))
    assert len(lots) == 1
    assert graph._on_cluster.of("another build") not in lots
    graph._stop_on_cluster("this build")
    with pytest.raises(StoppedError), graph._on_cluster.of("this build").one():
        pass
    graph._on_cluster.of("another build").require_going()


def test_a_recording_whose_dask_workers_all_died_is_dropped_as_crashed() -> None:
    class Died:
        def result(self) -> None:
            raise KilledWorker("process-1f3a", None, 2)

    recording = Recording(Path("raw/a.mp4"), "a.mp4", "s01", "smile", "01")
    outcome = graph._result(Died(), recording, Identity("content", "digest"))
    assert outcome.dropped is not None
    assert (outcome.dropped.reason, outcome.dropped.attempts) == ("crashed", 3)
    # Nothing of this run in it: the same fault is told in the same bytes.
    assert outcome.dropped.detail == "the Dask workers that it was given to died"


def test_spans_of_one_file_are_hashed_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "long.mp4").write_bytes(b"long")
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
    told: list[tuple[int, int]] = []
    identities = graph.identify_all(spans, BuildSettings(), lambda *read: told.append(read))
    assert told == [(0, 20), (20, 20)]
    assert len(hashed) == 1
    assert len({who.digest for who in identities}) == 20
    assert len({who.source_sha256 for who in identities}) == 1


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_recordings_are_taken_up_in_their_order(scheduler: str) -> None:
    jobs, seen = [(n, None) for n in range(30)], []
    tasks = graph._tasks(lambda recording, _: recording, jobs)
    graph._compute_here(
        tasks, lambda i, outcome: seen.append((i, outcome)), scheduler=scheduler, num_workers=1
    )
    assert seen == [(n, n) for n in range(30)]
