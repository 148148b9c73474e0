"""Memory of the pipeline: that of a worker process hardly grows with a recording's length.

Twenty minutes at 30 frames a second may cost 150 MB more than five seconds: 4.2 kB a frame. The
landmarks of a frame alone are 5.7 kB, and spotting and alignment use them in double precision.
"""

import gc
import hashlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import av
import numpy as np
import pytest

from bench.memory import Dots, dots, record_second_passes
from fmdata.catalog import Dataset
from fmdata.catalog.clip import Clip
from fmdata.catalog.storage.npy import NpyFile
from fmdata.catalog.types import Recording
from fmdata.pipeline import stages
from fmdata.pipeline.landmarks import film
from fmdata.pipeline.reading.decode import Frame, decode
from fmdata.pipeline.second_pass import redetect
from fmdata.pipeline.settings import BuildSettings
from fmdata.pipeline.work.digest import Identity, content_digest
from fmdata.pipeline.work.job import Job
from fmdata.pipeline.work.known.files import KnownFiles
from fmdata.pipeline.work.previous import Previous

pytestmark = pytest.mark.slow

FPS, SIZE = 30, 128
ROOT = Path(__file__).parents[2]
# Frames. The short recording too is larger than what is kept in memory here.
KEPT_BYTES = 1 << 26
WARM_UP, SHORT, LONG = 300, 1500, 4500
BYTES_PER_FRAME = 150e6 / (20 * 60 * FPS)
TRIES = 3


def main(n_frames: int) -> None:
    """Run the stages on made-up frames, all but the pixels; print the peak memory in bytes.

    The kernel's high-water mark of this process misses no peak, however busy the machine is. A
    short recording comes first, so that libraries are loaded and caches filled for any length.
    """
    film.KEPT_BYTES = KEPT_BYTES
    backend = Dots()
    stages._landmarker = lambda *_: backend
    stages.nominal_rate = lambda recording: float(FPS)
    stages.listed_frames = lambda recording: 0
    redetect.VIEWS, redetect.MIN_VIEWS = redetect.VIEWS[:1], 1  # every view needs the same memory
    second_passes = record_second_passes()
    for n in (WARM_UP, n_frames):
        stages.decode = lambda recording, on_frame, n=n: (
            Frame(i, i / FPS, rgb) for i, rgb in enumerate(dots(SIZE, n))
        )
        stages.encode = lambda *_, n=n, **__: np.zeros(n, np.float32)
        with tempfile.TemporaryDirectory() as work:
            recording = Recording(Path(__file__), "a", "s01", "still", "01")
            job = Job(recording, Identity("content", "digest"))
            outcome = stages.process(job, BuildSettings(), Path(work))
            assert outcome.dropped is None, outcome
    assert second_passes[-1] is True
    status = Path("/proc/self/status").read_text()
    high_water_kb = int(re.search(r"VmHWM:\s*(\d+)", status)[1])
    sys.stdout.write(f"{1024 * high_water_kb}\n")


def peak(n_frames: int) -> int:
    """Return the peak memory of a process that works on so many frames, in bytes."""
    command = [sys.executable, __file__, str(n_frames)]
    # One thread and one heap: how much several keep in reserve depends on how they are scheduled.
    alone = dict.fromkeys(["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MALLOC_ARENA_MAX"], "1")
    environment = {**os.environ, **alone, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return int(run.stdout)


@pytest.mark.long
def test_a_frame_more_costs_little_memory() -> None:
    """With a faint motion, which needs the second pass, so that every stage takes part.

    The smallest peaks of up to three tries count: a leak is in all of them.
    """
    short, long = [], []
    for _ in range(TRIES):
        short.append(peak(SHORT))
        long.append(peak(LONG))
        growth = min(long) - min(short)
        if growth < BYTES_PER_FRAME * (LONG - SHORT):
            return
    pytest.fail(f"{growth / (LONG - SHORT):.0f} bytes a frame, of at most {BYTES_PER_FRAME:.0f}")


def test_no_decoded_frame_waits_for_the_garbage_collector(tmp_path: Path) -> None:
    """Until the collector runs, a thousand frames of a large video would fill the memory."""
    video = tmp_path / "a.avi"
    with av.open(str(video), "w") as container:
        stream = container.add_stream("mjpeg", rate=FPS)
        stream.width = stream.height = SIZE
        stream.pix_fmt, stream.codec_context.color_range = "yuvj420p", 2
        for _ in range(40):
            frame = av.VideoFrame.from_ndarray(np.zeros((SIZE, SIZE, 3), np.uint8), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    frames: Iterator[Frame] = decode(Recording(video, "a", "s01", "still", "01"))
    next(frames)
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)  # garbage is listed, not freed
    try:
        assert sum(1 for _ in frames) == 39
        gc.collect()
        assert frames_in(gc.garbage) == 0
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


def frames_in(garbage: list[object]) -> int:
    """Count the decoded frames among some objects and the objects that they refer to.

    The garbage of other threads is in the list as well, and holds no frames.
    """
    things = {id(thing): thing for thing in chain(garbage, gc.get_referents(*garbage))}.values()
    return sum(
        isinstance(thing, av.VideoFrame | Frame)
        or (isinstance(thing, np.ndarray) and thing.shape == (SIZE, SIZE, 3))
        for thing in things
    )


def test_the_clips_of_the_last_build_are_not_held_in_memory(dataset_path: Path) -> None:
    """A clip lists the position of each of its frames, which only the clip at work needs."""

    def clips_held() -> int:
        gc.collect()
        return sum(isinstance(thing, Clip) for thing in gc.get_objects())

    before = clips_held()
    settings = BuildSettings.from_json(Dataset(dataset_path).card.actions.settings)
    known = KnownFiles(dataset_path)
    previous = Previous.read(dataset_path, settings, known)
    retried = Previous.read(dataset_path, settings, known, retry=True)
    kept, _ = retried.kept([])
    loaders = [
        [finished.load for finished in previous.done.values()],
        [clip.load for clip in kept.values()],
    ]
    assert clips_held() == before
    for of_all in loaders:
        assert [load().key for load in of_all] == Dataset(dataset_path).actions.keys


def test_an_image_is_hashed_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An image may have any size, and is hashed in the parent process."""
    (tmp_path / "1.png").write_bytes(b"a" * (1 << 20))
    digest = hashlib.sha256(b"a" * (1 << 20)).hexdigest()
    monkeypatch.setattr(Path, "read_bytes", None)
    found = content_digest(Recording(tmp_path, "a", "s01", "still", "01"))
    assert found == hashlib.sha256(f"0\0{digest}\n".encode()).hexdigest()


def test_rows_of_an_npy_file_are_those_of_the_array(tmp_path: Path) -> None:
    array = np.random.default_rng(0).random((7, 5, 3), np.float32)
    np.save(tmp_path / "a.npy", array)
    file = NpyFile(tmp_path / "a.npy")
    assert (file.shape, file.dtype) == (array.shape, array.dtype)
    for rows in (slice(None), slice(2, 5), slice(5, 99), slice(3, 3)):
        np.testing.assert_array_equal(file[rows], array[rows])


if __name__ == "__main__":
    main(int(sys.argv[1]))
