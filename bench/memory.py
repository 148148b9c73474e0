"""Measure the peak memory of a process at work, on a short recording and on a long one.

Run as ``python bench/memory.py``, with ``--seconds 5 1200`` for the lengths. A backend that finds a
moving face without looking stands in for the network, whose own memory does not depend on the
length; everything else is the real thing: a video is decoded twice, and its face is followed,
spotted, aligned, mapped and encoded. Each length has a process of its own, which tells its highest
resident set (``ru_maxrss``).
"""

import argparse
import resource
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from fmdata.catalog.types import Recording
from fmdata.pipeline import chain
from fmdata.pipeline.identify import Identity
from fmdata.pipeline.landmarks import Face
from fmdata.pipeline.settings import BuildSettings

FPS, SIZE = 30, 160


class MovingFace:
    """A mesh whose upper points go up and down."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)
        self.mesh = self.rng.uniform(20, SIZE - 20, (478, 3))
        self.frames = 0

    def detect(self, rgb: np.ndarray) -> list[Face]:
        """Find it, wherever it is."""
        self.frames += 1
        mesh = self.mesh + self.rng.normal(0, 0.1, self.mesh.shape)
        mesh[:200, 1] += 5 * np.sin(self.frames / 10)
        return [Face(mesh.astype(np.float32), np.zeros(3, np.float32), np.zeros(52, np.float32))]


def write_video(path: Path, n_frames: int) -> None:
    """Write noise that repeats itself, coded in no time."""
    noise = np.random.default_rng(0).integers(0, 255, (SIZE, SIZE, 3), np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=FPS)
        stream.width = stream.height = SIZE
        stream.pix_fmt, stream.codec_context.color_range = "yuvj420p", 2
        for n in range(n_frames):
            frame = av.VideoFrame.from_ndarray(noise, "rgb24")
            frame.pts, frame.time_base = n, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def peak_mb(video: Path, work: Path) -> float:
    """Make a unit of a video; return this process's highest resident set in megabytes."""
    face = MovingFace()
    chain._landmarker = lambda name, model: face  # type: ignore[assignment]
    recording = Recording(video, video.name, "s01", "still", "01")
    outcome = chain.process(recording, Identity("content", "digest"), BuildSettings(), work)
    assert outcome.dropped is None, outcome
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure each length in a process of its own, and print the difference to the first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, nargs="+", default=[5, 1200])
    parser.add_argument("--one", type=Path, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(peak_mb(*options.one))
        return
    first = None
    for seconds in options.seconds:
        with tempfile.TemporaryDirectory() as folder:
            video = Path(folder, "a.avi")
            write_video(video, seconds * FPS)
            command = [sys.executable, __file__, "--one", str(video), str(Path(folder, "work"))]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
        peak = float(done.stdout)
        first = peak if first is None else first
        print(f"{seconds:6} s  {peak:7.0f} MB  {peak - first:+7.0f} MB")


if __name__ == "__main__":
    main()
