"""Measure the peak memory of a process at work, on a short recording and on a long one.

Run as ``python bench/memory.py``, with ``--seconds 5 1200`` for the lengths. A backend that finds a
face by three dots stands in for the network, whose own memory does not depend on the length;
``--network`` shows a portrait to the network itself, in an hour and a half. Everything else is the
real thing: a video is decoded, its face is followed and spotted, looked at once more because its
motion is faint, aligned, mapped and encoded, and what has come of it is packed into a shard. Each
length, and packing, has a process of its own. Told are its highest resident set (``ru_maxrss``),
which counts the pages of files that are mapped, and in brackets the highest anonymous part of it,
looked at twenty times a second, which the system cannot take back.
"""

import argparse
import json
import re
import resource
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import skimage.data

from fmdata.catalog.storage.schema import ACTION_FACTS
from fmdata.catalog.storage.shards import write_shard
from fmdata.catalog.types import Recording
from fmdata.pipeline import stages as chain
from fmdata.pipeline.landmarks.face import Face
from fmdata.pipeline.second_pass.redetect import Closer
from fmdata.pipeline.settings import BuildSettings
from fmdata.pipeline.work.digest import Identity
from fmdata.pipeline.work.unit import sample_of

FPS, SIZE = 30, 256
LOOK_S = 0.05
UNIT = "digest"
EYES = [33, 263]
FAINT = 0.0022  # of the picture: so far goes the motion, and the first look leaves a doubt


class Dots:
    """A backend that finds a mesh by a red and a green dot, its outer eye corners.

    The upper part of the mesh moves with a blue one. Each point is a tenth of a pixel wrong.
    """

    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)
        self.mesh = self.rng.uniform(-1, 1, (478, 3))  # in halves of the distance between the eyes
        self.mesh[EYES] = [[-1, 0, 0], [1, 0, 0]]

    def detect(self, rgb: np.ndarray) -> list[Face]:
        """Find it where the dots are; the blue one rests in the middle between the eyes."""
        left, right, moving = (_centre(rgb[..., channel]) for channel in range(3))
        middle, (x, y) = (left + right) / 2, (right - left) / 2
        turn = np.array([[x, y], [-y, x]])
        points = self.mesh * [1, 1, np.hypot(x, y)]
        points[:, :2] = points[:, :2] @ turn + middle
        points[:200, :2] += moving - middle
        points += self.rng.normal(0, 0.1, points.shape)
        return [Face(points.astype(np.float32), np.zeros(3, np.float32), np.zeros(52, np.float32))]


def _centre(channel: np.ndarray) -> np.ndarray:
    """Centre of what is bright, x and y; dark noise, as JPEG leaves it, does not count."""
    moments = cv2.moments(cv2.threshold(channel, 40, 0, cv2.THRESH_TOZERO)[1])
    return np.array([moments["m10"], moments["m01"]]) / max(moments["m00"], 1.0)


def dots(size: int, n_frames: int) -> Iterator[np.ndarray]:
    """Paint a swaying face of three dots with one faint motion, uint8 [size, size, 3]."""
    y, x = np.indices((size, size))
    for n in range(n_frames):
        centre = size * np.array([0.5 + 0.03 * np.sin(n / 40), 0.45 + 0.015 * np.sin(n / 25)])
        away = FAINT * size * np.clip(4 * np.sin(np.pi * n / n_frames) - 2.4, 0, 1)
        rgb = np.zeros((size, size, 3), np.uint8)
        for channel, shift in enumerate(([-size / 5, 0], [size / 5, 0], [0, -away])):
            px, py = centre + shift
            rgb[..., channel] = 250 * np.exp(-((x - px) ** 2 + (y - py) ** 2) / (size / 20) ** 2)
        yield rgb


def portrait(size: int, n_frames: int) -> Iterator[np.ndarray]:
    """Show a photograph that sways, uint8 [size, size, 3]."""
    still = cv2.resize(skimage.data.astronaut()[:300, 100:400], (size, size))
    for n in range(n_frames):
        sway = np.float32([[1, 0, 8 * np.sin(n / 40)], [0, 1, 4 * np.sin(n / 25)]])
        yield cv2.warpAffine(still, sway, (size, size), borderMode=cv2.BORDER_REFLECT)


def write_video(path: Path, frames: Iterable[np.ndarray]) -> None:
    """Write a video that is coded in no time."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=FPS)
        stream.width = stream.height = SIZE
        stream.pix_fmt, stream.codec_context.color_range = "yuvj420p", 2
        for n, rgb in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(rgb, "rgb24")
            frame.pts, frame.time_base = n, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def make_unit(video: Path, work: Path, network: bool) -> None:
    """Do what a worker does with a recording."""
    if not network:
        backend = Dots()
        chain._landmarker = lambda name, model: backend  # type: ignore[assignment]
    looks = watched_refine()
    recording = Recording(video, video.name, "s01", "still", "01")
    outcome = chain.process(recording, Identity("content", UNIT), BuildSettings(), work)
    assert outcome.dropped is None, outcome
    assert looks == [True], "no closer look was taken, or it failed"


def watched_refine() -> list[bool]:
    """Make the chain note each closer look: whether it found the face again."""
    looks, refine = [], chain.refine

    def noted(*arguments: object) -> Closer | None:
        closer = refine(*arguments)  # type: ignore[arg-type]
        looks.append(closer is not None)
        return closer

    chain.refine = noted  # type: ignore[assignment]
    return looks


def pack_unit(work: Path) -> None:
    """Put what a worker has made into a shard."""
    write_shard(work, "shard", (sample_of(work / UNIT) for _ in range(1)), ACTION_FACTS)


def peaks_mb(job: Callable[[], None]) -> tuple[float, float]:
    """Do a job; return this process's highest resident set and its highest anonymous part."""
    done, anonymous = threading.Event(), [0.0]

    def look() -> None:
        while not done.wait(LOOK_S):
            status = Path("/proc/self/status").read_text()
            found = re.search(r"RssAnon:\s*(\d+)", status)
            anonymous[0] = max(anonymous[0], int(found[1]) / 1024 if found else 0.0)

    looking = threading.Thread(target=look)
    looking.start()
    job()
    done.set()
    looking.join()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, anonymous[0]


def peaks_apart(*arguments: str) -> np.ndarray:
    """Measure a job in a process of its own."""
    command = [sys.executable, __file__, *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return np.array(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Measure each length, and print the differences to the first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, nargs="+", default=[5, 1200])
    parser.add_argument("--network", action="store_true", help="look with the landmark network")
    parser.add_argument("--work", type=Path, nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--pack", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        video, work = options.work
        print(json.dumps(peaks_mb(lambda: make_unit(video, work, options.network))))
        return
    if options.pack:
        print(json.dumps(peaks_mb(lambda: pack_unit(options.pack))))
        return
    first = None
    print(f"{'':8}  {'worker':>29}  {'packing':>29}")
    for seconds in options.seconds:
        with tempfile.TemporaryDirectory() as folder:
            video, work = Path(folder, "a.avi"), str(Path(folder, "work"))
            paint = portrait if options.network else dots
            write_video(video, paint(SIZE, seconds * FPS))
            network = ["--network"] * options.network
            peaks = np.stack(
                [peaks_apart("--work", str(video), work, *network), peaks_apart("--pack", work)]
            )
        first = peaks if first is None else first
        cells = [
            f"{a:5.0f} ({b:4.0f}) MB {da:+5.0f} ({db:+5.0f})"
            for (a, b), (da, db) in zip(peaks, peaks - first, strict=True)
        ]
        print(f"{seconds:6} s  {cells[0]:>29}  {cells[1]:>29}", flush=True)


if __name__ == "__main__":
    main()
