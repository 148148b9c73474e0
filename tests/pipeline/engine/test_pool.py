"""The worker pool: a recording may crash or hang its process, and no other recording is affected.

The processes import a landmark backend of these tests. It finds the same face in every frame
without looking, and acts on the frame's grey level: 200 aborts, as a native library's failed
assertion does; 150 waits forever; 50 does so in native code that holds Python, so that no thread
runs; 100 is killed, as by the OOM killer; others are harmless.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from distributed import LocalCluster

from fmdata.catalog import Dataset
from fmdata.catalog.errors import FmdataError, UsageError
from fmdata.catalog.storage.lock import WORK
from fmdata.catalog.verify.dataset import verify
from fmdata.pipeline.build import build
from fmdata.pipeline.engine import pool
from fmdata.pipeline.engine.run import digest_all, run
from fmdata.pipeline.reading.discover import discover
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.pipeline.work.site import Units
from tests.helpers.command import FMDATA, TIMEOUT_S
from tests.helpers.progress import BuildProgress
from tests.helpers.videos import make_distinct, write_numbered_video
from tests.helpers.waiting import wait_until

pytestmark = pytest.mark.slow

FINE, ABORTS, HANGS, KILLED, STUCK = 128, 200, 150, 100, 50
LIMIT_S = 6.0  # many times the work on a fine recording, so that a busy machine keeps it
BACKEND = """
import ctypes, os, signal, threading
import numpy as np
import fmdata.pipeline.stages as stages
from fmdata.pipeline.landmarks.face import Face

class Landmarker:
    def __init__(self):
        rng = np.random.default_rng(0)
        self.mesh = rng.uniform(20, 80, (478, 3)).astype(np.float32)

    def detect(self, rgb):
        level = int(np.median(rgb))
        if abs(level - 200) < 5:
            os.abort()
        if abs(level - 150) < 5:
            threading.Event().wait()
        if abs(level - 50) < 5:
            ctypes.PyDLL(None).sleep(100_000)
        if abs(level - 100) < 5:
            os.kill(os.getpid(), signal.SIGKILL)
        return [Face(self.mesh, np.zeros(3, np.float32), np.zeros(52, np.float32))]

landmarker = Landmarker()
stages._landmarker = lambda *_: landmarker
"""


@pytest.fixture(autouse=True)
def backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every Python process that is started import the backend first."""
    folder = tmp_path / "startup"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(BACKEND)
    path = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path))


def record(folder: Path, **levels: int) -> Path:
    """Write recordings of 10 frames of the given grey levels, named by take; return the folder."""
    action = folder / "s01/still"
    action.mkdir(parents=True, exist_ok=True)
    for take, level in levels.items():
        picture = np.full((96, 160, 3), level, np.uint8)
        path = write_numbered_video(action / f"{take}.mp4", 10, picture=picture).path
        make_distinct(path, take)
    return folder


def reasons(dataset: Path) -> dict[str, tuple[str, str, int]]:
    """Return stage, reason and attempts of the dropped recordings, by take."""
    rows = pq.read_table(dataset / "dropped.parquet").to_pylist()
    return {row["take"]: (row["stage"], row["reason"], row["attempts"]) for row in rows}


def test_a_recording_that_kills_its_process_is_dropped_and_all_others_are_built(
    tmp_path: Path,
) -> None:
    """Of 24 recordings one aborts, and one is killed as when memory runs out."""
    fine = {f"fine{n:02}": FINE for n in range(22)}
    raw = record(tmp_path / "raw", aborts=ABORTS, killed=KILLED, **fine)
    result = build(raw, tmp_path / "dataset", BuildSettings(), RunSettings(workers=2))
    assert result.card.recordings == 24
    assert result.card.actions.samples == 22
    assert reasons(tmp_path / "dataset") == {
        "aborts": ("landmarks", "crashed", 3),
        "killed": ("landmarks", "crashed", 3),
    }
    details = {dropped.take: dropped.detail for dropped in result.dropped}
    assert "SIGABRT" in details["aborts"]
    assert "SIGKILL, as when memory runs out" in details["killed"]
    assert verify(tmp_path / "dataset") == []


def test_a_recording_that_hangs_is_ended_at_the_time_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system clock runs backwards meanwhile, which changes nothing."""
    clock = iter(range(10**9, 0, -3600))
    monkeypatch.setattr(time, "time", lambda: float(next(clock)))
    raw = record(tmp_path / "raw", hangs=HANGS, fine=FINE)
    how = RunSettings(workers=1, time_limit_s=LIMIT_S)
    result = build(raw, tmp_path / "dataset", BuildSettings(), how)
    assert reasons(tmp_path / "dataset") == {"hangs": ("landmarks", "timed_out", 1)}
    assert result.dropped[0].detail == "more than 6 s for 100 frames (--time-limit)"
    assert len(Dataset(tmp_path / "dataset").actions) == 1
    # Neither the default limit of 600 s nor the clock that runs backwards was waited for.
    assert result.seconds < 300


def test_retry_dropped_processes_the_dropped_recordings_alone(tmp_path: Path) -> None:
    """The recording that hung is retried only when asked for.

    By then its file is fixed, another dropped one is not, and a clip's recording is missing.
    """
    raw, path = record(tmp_path / "raw", hangs=HANGS, fine=FINE, gone=FINE), tmp_path / "dataset"
    (raw / "s01/still/text.mp4").write_text("no video")
    for _ in range(2):
        build(raw, path, BuildSettings(), RunSettings(workers=2, time_limit_s=LIMIT_S))
        assert reasons(path) == {
            "hangs": ("landmarks", "timed_out", 1),
            "text": ("decode", "unreadable", 1),
        }
    shutil.copy(raw / "s01/still/fine.mp4", raw / "s01/still/hangs.mp4")
    make_distinct(raw / "s01/still/hangs.mp4", "hangs no more")
    (raw / "s01/still/gone.mp4").unlink()
    record(raw, new=FINE)
    result = build(raw, path, BuildSettings(), RunSettings(workers=1, retry_dropped=True))
    assert result.card.recordings == 4
    keys = [f"s01-still-{take}" for take in ("fine", "gone", "hangs")]
    assert sorted(Dataset(path).actions.keys) == keys
    assert reasons(path) == {"text": ("decode", "unreadable", 2)}
    assert verify(path) == []


def test_attempts_add_up_over_builds(tmp_path: Path) -> None:
    """A crash may be the machine's error, so every build retries it."""
    raw, path = record(tmp_path / "raw", aborts=ABORTS), tmp_path / "dataset"
    for build_number in (1, 2):
        build(raw, path, BuildSettings(), RunSettings(workers=1))
        assert reasons(path) == {"aborts": ("landmarks", "crashed", 3 * build_number)}


def test_retry_dropped_needs_a_whole_dataset(tmp_path: Path) -> None:
    raw, path = record(tmp_path / "raw", fine=FINE), tmp_path / "dataset"
    retry = RunSettings(workers=1, retry_dropped=True)
    with pytest.raises(UsageError, match="--retry-dropped without a dataset"):
        build(raw, path, BuildSettings(), retry)
    build(raw, path, BuildSettings(), RunSettings(workers=1))
    with pytest.raises(UsageError, match="--retry-dropped with other settings"):
        build(raw, path, BuildSettings(max_pose_range=10), retry)
    (path / "actions/shard-00000.tar").write_bytes(b"")
    with pytest.raises(UsageError, match="--retry-dropped on a dataset that is damaged"):
        build(raw, path, BuildSettings(), retry)


def test_processes_that_crash_or_hang_leave_no_temporary_folder(tmp_path: Path) -> None:
    raw, work = record(tmp_path / "raw", aborts=ABORTS, hangs=HANGS), tmp_path / "work"
    jobs = digest_all(discover(raw).recordings, BuildSettings())
    run(jobs, BuildSettings(), Units(work), RunSettings(workers=1, time_limit_s=LIMIT_S))
    assert {path.name for path in work.iterdir()} == {job.digest for job in jobs}


@pytest.mark.parametrize("level", [HANGS, STUCK])
def test_worker_processes_end_with_their_parent(tmp_path: Path, level: int) -> None:
    """A build is killed while one of its processes hangs in a recording."""
    raw, units = record(tmp_path / "raw", hangs=level), tmp_path / "dataset" / WORK
    command = [*FMDATA, "build", "--subjects", str(raw)]
    with subprocess.Popen(command, cwd=tmp_path) as process:
        worker = worker_at_work(units, process)
        process.send_signal(signal.SIGKILL)
    wait_until(lambda: not is_running(worker))


def test_a_worker_process_whose_parent_has_ended_before_it_starts_ends_at_once() -> None:
    """Its parent is process 1 by then; the number of another process stands for that here."""
    worker = subprocess.run(
        [sys.executable, "-m", pool._MODULE, "0", "0", "1"], timeout=TIMEOUT_S, check=False
    )
    assert worker.returncode == 0


def test_a_worker_process_outlives_the_thread_that_asked_for_it() -> None:
    """The threads of a scheduler come and go, and the system ends a process with its thread."""
    workers = pool.WorkerPool()

    def pid() -> int:
        with workers.borrow() as worker:
            return worker.pid

    found = []
    for _ in range(2):
        thread = threading.Thread(target=lambda: found.append(pid()))
        thread.start()
        thread.join()
    assert found[0] == found[1]
    assert is_running(found[0])
    workers.stop()


def worker_at_work(units: Path, process: subprocess.Popen[bytes] | None = None) -> int:
    """Wait until a unit is being filled, and return the id of the worker process."""
    filled = wait_until(lambda: list(units.glob("*.*.part")), process)
    return int(filled[0].name.split(".")[1])


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_an_interrupted_build_leaves_no_process_at_work_on_a_cluster(tmp_path: Path) -> None:
    """Ctrl-C after the first recording, while another hangs beside it."""
    raw, units = record(tmp_path / "raw", fine=FINE, hangs=HANGS), tmp_path / "dataset" / WORK
    workers = []

    class Interrupted(BuildProgress):
        def on_processed(self) -> None:
            workers.append(worker_at_work(units))
            raise KeyboardInterrupt

    with LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address="127.0.0.1:0"
    ) as cluster:
        how = RunSettings(scheduler=cluster.scheduler_address)
        with pytest.raises(KeyboardInterrupt):
            build(raw, tmp_path / "dataset", BuildSettings(), how, progress=Interrupted())
        assert not is_running(workers[0])
        wait_until(lambda: not list(units.glob("*.*.part")))


def test_a_worker_process_that_does_not_start_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_MODULE", "fmdata.pipeline.no_such_module")
    raw = record(tmp_path / "raw", fine=FINE)
    with pytest.raises(FmdataError, match=r"does not start \(exit code 1\)"):
        build(raw, tmp_path / "dataset", BuildSettings(), RunSettings(workers=1))


def test_a_worker_process_that_crashes_at_its_start_is_started_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """When memory is short, say: the first two do not start, the third does."""
    missing = iter(["fmdata.no_such_module"] * 2)
    module, whole = pool._MODULE, pool.Worker.__init__
    started: list[pool.Worker] = []

    def start(self: pool.Worker) -> None:
        monkeypatch.setattr(pool, "_MODULE", next(missing, module))
        started.append(self)
        whole(self)

    monkeypatch.setattr(pool.Worker, "__init__", start)
    workers = pool.WorkerPool()
    with workers.borrow() as worker:
        assert worker is started[-1]
    assert len(started) == 3
    workers.close_idle()


def test_missing_model_weights_end_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that a worker process raises is raised here as it is."""
    startup = tmp_path / "startup/sitecustomize.py"
    startup.write_text("")
    monkeypatch.setattr("fmdata.pipeline.build.prepare", lambda *_: None)
    raw = record(tmp_path / "raw", fine=FINE)
    how = RunSettings(workers=1, model=tmp_path / "nowhere.task")
    with pytest.raises(FmdataError, match=r"nowhere\.task"):
        build(raw, tmp_path / "dataset", BuildSettings(), how)
