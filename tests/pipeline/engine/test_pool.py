"""What a recording may do to the process that works on it, and that no other recording notices.

The processes import a landmark backend of ours: it finds the same face in every frame without
looking, and does what the grey level of a frame says. A frame of level 200 aborts, as a native
library's failed assertion does; 150 waits for ever; 100 takes all memory it can get and is killed
by the system; any other level is harmless.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
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
from fmdata.pipeline.engine import pool as apart
from fmdata.pipeline.settings import BuildSettings
from fmdata.pipeline.work.outcome import Outcome

FINE, ABORTS, HANGS, STARVED = 128, 200, 150, 100
BACKEND = """
import os, signal, threading, time
import numpy as np
import fmdata.pipeline.stages as chain
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
        if abs(level - 100) < 5:
            os.kill(os.getpid(), signal.SIGKILL)
        return [Face(self.mesh, np.zeros(3, np.float32), np.zeros(52, np.float32))]

landmarker = Landmarker()
chain._landmarker = lambda name, model: landmarker
"""


@pytest.fixture(autouse=True)
def backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every Python process that is started import the backend first."""
    folder = tmp_path / "startup"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(BACKEND)
    path = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path))


@pytest.fixture
def raw(tmp_path: Path, numbered_video: Callable) -> Callable[..., Path]:
    """Return a maker of recordings of 10 frames, named by take, of the given levels."""

    def make(**levels: int) -> Path:
        folder = tmp_path / "raw/s01/still"
        folder.mkdir(parents=True, exist_ok=True)
        for take, level in levels.items():
            picture = np.full((96, 160, 3), level, np.uint8)
            numbered_video(folder / f"{take}.mp4", 10, picture=picture)
        return tmp_path / "raw"

    return make


def reasons(dataset: Path) -> dict[str, tuple[str, str, int]]:
    rows = pq.read_table(dataset / "dropped.parquet").to_pylist()
    return {row["take"]: (row["stage"], row["reason"], row["attempts"]) for row in rows}


def test_one_that_kills_its_process_is_dropped_and_all_others_are_built(
    raw: Callable[..., Path], tmp_path: Path
) -> None:
    """Of 24 recordings one aborts, and one is killed as when memory runs out."""
    fine = {f"fine{n:02}": FINE for n in range(22)}
    folder = raw(aborts=ABORTS, starved=STARVED, **fine)
    result = build(folder, tmp_path / "dataset", BuildSettings(), workers=2)
    assert result.card.recordings == 24
    assert result.card.actions.samples == 22
    assert reasons(tmp_path / "dataset") == {
        "aborts": ("landmarks", "crashed", 3),
        "starved": ("landmarks", "crashed", 3),
    }
    details = {dropped.take: dropped.detail for dropped in result.dropped}
    assert "SIGABRT" in details["aborts"]
    assert "SIGKILL, as when memory runs out" in details["starved"]
    assert verify(tmp_path / "dataset") == []


def test_one_that_hangs_is_ended_at_the_time_limit(
    raw: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wall clock runs backwards meanwhile, which changes nothing."""
    clock = iter(range(10**9, 0, -3600))
    monkeypatch.setattr(time, "time", lambda: float(next(clock)))
    folder = raw(hangs=HANGS, fine=FINE)
    began = time.monotonic()
    result = build(folder, tmp_path / "dataset", BuildSettings(), workers=1, time_limit_s=1.5)
    assert time.monotonic() - began < 30
    assert reasons(tmp_path / "dataset") == {"hangs": ("landmarks", "timed_out", 1)}
    assert result.dropped[0].detail == "more than 1.5 s for 100 frames (--time-limit)"
    assert len(Dataset(tmp_path / "dataset").actions) == 1


def test_what_was_dropped_is_tried_again_alone(raw: Callable[..., Path], tmp_path: Path) -> None:
    """The one that hung is left alone by a build, and tried again when that is asked for.

    Later its file is well again, another of the dropped is not, and a clip's recording is gone.
    """
    folder, path = raw(hangs=HANGS, fine=FINE, gone=FINE), tmp_path / "dataset"
    (folder / "s01/still/text.mp4").write_text("no video")
    for _ in range(2):
        build(folder, path, BuildSettings(), workers=2, time_limit_s=1.5)
        assert reasons(path) == {
            "hangs": ("landmarks", "timed_out", 1),
            "text": ("decode", "unreadable", 1),
        }
    shutil.copy(folder / "s01/still/fine.mp4", folder / "s01/still/hangs.mp4")
    (folder / "s01/still/gone.mp4").unlink()
    raw(new=FINE)
    result = build(folder, path, BuildSettings(), workers=1, retry_dropped=True)
    assert result.card.recordings == 4
    keys = [f"s01-still-{take}" for take in ("fine", "gone", "hangs")]
    assert sorted(Dataset(path).actions.keys) == keys
    assert reasons(path) == {"text": ("decode", "unreadable", 2)}
    assert verify(path) == []


def test_attempts_are_counted_on_over_builds(raw: Callable[..., Path], tmp_path: Path) -> None:
    """What crashed may have been the machine's fault, so every build tries it again."""
    folder, path = raw(aborts=ABORTS), tmp_path / "dataset"
    for build_number in (1, 2):
        build(folder, path, BuildSettings(), workers=1)
        assert reasons(path) == {"aborts": ("landmarks", "crashed", 3 * build_number)}


def test_trying_again_needs_a_whole_dataset(raw: Callable[..., Path], tmp_path: Path) -> None:
    folder, path = raw(fine=FINE), tmp_path / "dataset"
    with pytest.raises(UsageError, match="--retry-dropped without a dataset"):
        build(folder, path, BuildSettings(), workers=1, retry_dropped=True)
    build(folder, path, BuildSettings(), workers=1)
    other = BuildSettings(max_pose_range=10)
    with pytest.raises(UsageError, match="--retry-dropped with other settings"):
        build(folder, path, other, workers=1, retry_dropped=True)
    (path / "actions/shard-00000.tar").write_bytes(b"")
    with pytest.raises(UsageError, match="--retry-dropped on a dataset that is damaged"):
        build(folder, path, BuildSettings(), workers=1, retry_dropped=True)


def test_nothing_is_left_of_processes_that_died(raw: Callable[..., Path], tmp_path: Path) -> None:
    from fmdata.pipeline.engine.graph import identify_all, run
    from fmdata.pipeline.reading.discover import discover
    from fmdata.pipeline.settings import RunSettings

    recordings, work = discover(raw(aborts=ABORTS, hangs=HANGS)), tmp_path / "work"
    jobs = list(zip(recordings, identify_all(recordings, BuildSettings()), strict=True))
    how = RunSettings(workers=1, time_limit_s=1.5)
    run(jobs, BuildSettings(), work, how, lambda _: None)
    assert {path.name for path in work.iterdir()} == {who.digest for _, who in jobs}


def test_processes_end_with_the_one_that_started_them(
    raw: Callable[..., Path], tmp_path: Path
) -> None:
    """A build is killed while one of its processes hangs in a recording."""
    folder = raw(hangs=HANGS)
    command = [sys.executable, "-c", "from fmdata.cli import main; main()", "build"]
    with subprocess.Popen([*command, "--subjects", folder], cwd=tmp_path) as process:
        units = tmp_path / "dataset" / WORK
        while not (begun := list(units.glob("*.part"))):
            assert process.poll() is None
            time.sleep(0.05)
        worker = int(begun[0].name.split(".")[1])
        process.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while _runs(worker):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_an_interrupted_build_leaves_no_process_at_work_on_a_cluster(
    raw: Callable[..., Path], tmp_path: Path
) -> None:
    """Ctrl-C, told here by the progress of one recording, while another hangs beside it."""
    folder, units = raw(fine=FINE, hangs=HANGS), tmp_path / "dataset" / WORK
    at_work = []

    class CtrlC:
        def read(self, done: int, recordings: int) -> None:
            pass

        def started(self, recordings: int, done: int) -> None:
            pass

        def outcome(self, outcome: Outcome) -> None:
            deadline = time.monotonic() + 60
            while not (begun := list(units.glob("*.part"))):
                assert time.monotonic() < deadline
                time.sleep(0.05)
            at_work.append(int(begun[0].name.split(".")[1]))
            raise KeyboardInterrupt

    with LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address="127.0.0.1:0"
    ) as cluster:
        with pytest.raises(KeyboardInterrupt):
            build(folder, tmp_path / "dataset", BuildSettings(),
                  scheduler=cluster.scheduler_address, progress=CtrlC())  # fmt: skip
        assert not _runs(at_work[0])
        deadline = time.monotonic() + 20
        while list(units.glob("*.part")):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_a_process_that_does_not_start_is_said(
    raw: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apart, "_MODULE", "fmdata.pipeline.no_such_module")
    with pytest.raises(FmdataError, match=r"does not start \(exit code 1\)"):
        build(raw(fine=FINE), tmp_path / "dataset", BuildSettings(), workers=1)


def test_a_process_that_dies_at_its_start_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short of memory, say: the first two do not come to work, the third does."""
    absent = iter(["fmdata.no_such_module"] * 2)
    module, whole = apart._MODULE, apart.Worker.__init__
    started: list[apart.Worker] = []

    def start(self: apart.Worker) -> None:
        monkeypatch.setattr(apart, "_MODULE", next(absent, module))
        started.append(self)
        whole(self)

    monkeypatch.setattr(apart.Worker, "__init__", start)
    workers = apart.Workers()
    with workers.one() as worker:
        assert worker is started[-1]
    assert len(started) == 3
    workers.close_idle()


def test_a_machines_fault_ends_the_run_and_is_told(
    raw: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network's weights cannot be had in the process that works: told as it is here."""
    startup = tmp_path / "startup/sitecustomize.py"
    startup.write_text("")
    monkeypatch.setattr("fmdata.pipeline.build.find", lambda *_: None)
    with pytest.raises(FmdataError, match=r"nowhere\.task"):
        build(raw(fine=FINE), tmp_path / "dataset", BuildSettings(), workers=1,
              model=tmp_path / "nowhere.task")  # fmt: skip
