"""A worker's memory hardly grows with a recording's length: 478 points, in a process apart.

Twenty minutes at 30 frames a second may cost 150 MB more than five seconds: 4.2 kB a frame. A
frame's landmarks alone are 5.7 kB, and spotting and alignment look at them in double precision.
"""

import gc
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from bench.memory import Dots, dots, watched_refine
from fmdata.catalog import Dataset
from fmdata.catalog.clip import Clip
from fmdata.catalog.types import Recording
from fmdata.pipeline import stages as chain
from fmdata.pipeline.geometry.blocks import NpyFile
from fmdata.pipeline.reading.decode import Frame, decode
from fmdata.pipeline.second_pass import redetect as refine
from fmdata.pipeline.settings import BuildSettings
from fmdata.pipeline.work.digest import Identity, content_digest
from fmdata.pipeline.work.previous import finished_work, planned_clips

FPS, SIZE = 30, 128
ROOT = Path(__file__).parents[2]
SHORT, LONG = 1200, 4200  # frames
BYTES_A_FRAME = 150e6 / (20 * 60 * FPS)


def main(n_frames: int) -> None:
    """Do a worker's work on frames made up, all but the pixels; print the peak in bytes."""
    backend = Dots()
    chain._landmarker = lambda name, model: backend
    chain.decode = lambda recording: (
        Frame(n, n / FPS, rgb) for n, rgb in enumerate(dots(SIZE, n_frames))
    )
    chain.nominal_rate = lambda recording: float(FPS)
    chain.encode = lambda *_, **__: np.zeros(n_frames, np.float32)
    refine.VIEWS, refine.MIN_VIEWS = refine.VIEWS[:1], 1  # each is the same to the memory
    looks = watched_refine()
    highest, done = [0], threading.Event()

    def look() -> None:
        while not done.wait(0.005):
            status = Path("/proc/self/status").read_text()
            highest[0] = max(highest[0], 1024 * int(re.search(r"RssAnon:\s*(\d+)", status)[1]))

    looking = threading.Thread(target=look)
    looking.start()
    with tempfile.TemporaryDirectory() as work:
        recording = Recording(Path("a"), "a", "s01", "still", "01")
        chain.process(recording, Identity("content", "digest"), BuildSettings(), Path(work))
    done.set()
    looking.join()
    assert looks == [True]
    sys.stdout.write(f"{highest[0]}\n")


def peak(n_frames: int) -> int:
    command = [sys.executable, __file__, str(n_frames)]
    surroundings = {**os.environ, "PYTHONPATH": str(ROOT)}
    told = subprocess.run(command, check=True, capture_output=True, text=True, env=surroundings)
    return int(told.stdout)


def test_a_frame_more_costs_little_memory() -> None:
    """Of a face whose faint motion is looked at more closely, so that no stage is left out."""
    assert peak(LONG) - peak(SHORT) < BYTES_A_FRAME * (LONG - SHORT)


def test_no_decoded_frame_waits_for_the_garbage_collector(tmp_path: Path) -> None:
    """Until it comes by, a thousand frames of a large video would fill the memory."""
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
    try:
        assert sum(1 for _ in frames) == 39
        assert gc.collect() < 39
    finally:
        gc.enable()


def test_an_earlier_dataset_is_not_held_clip_by_clip(dataset_path: Path) -> None:
    """A clip's row lists where each of its frames lies; only the clip in hand needs that."""

    def clips_held() -> int:
        gc.collect()
        return sum(isinstance(thing, Clip) for thing in gc.get_objects())

    before = clips_held()
    dataset = Dataset(dataset_path)
    loaders = {
        "finished_work": [
            found.load for found in finished_work(dataset, dataset.actions, None).values()
        ],
        "planned_clips": list(planned_clips(dataset.actions).values()),
    }
    assert clips_held() == before
    for of_all in loaders.values():
        assert [load().key for load in of_all] == dataset.actions.keys


def test_an_image_is_not_held_whole_to_be_hashed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may claim any size, and is hashed in the process that looks after all."""
    (tmp_path / "1.png").write_bytes(b"a" * (1 << 20))
    digest = hashlib.sha256(b"a" * (1 << 20)).hexdigest()
    monkeypatch.setattr(Path, "read_bytes", None)
    told = content_digest(Recording(tmp_path, "a", "s01", "still", "01"))
    assert told == hashlib.sha256(f"1.png\0{digest}\n".encode()).hexdigest()


def test_rows_of_a_file_are_those_of_the_array(tmp_path: Path) -> None:
    array = np.random.default_rng(0).random((7, 5, 3), np.float32)
    np.save(tmp_path / "a.npy", array)
    file = NpyFile(tmp_path / "a.npy")
    assert (file.shape, file.dtype) == (array.shape, array.dtype)
    for rows in (slice(None), slice(2, 5), slice(5, 99), slice(3, 3)):
        np.testing.assert_array_equal(file[rows], array[rows])


if __name__ == "__main__":
    main(int(sys.argv[1]))
