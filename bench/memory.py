"""Measures the peak memory of a worker and of packing, on a short recording and on a long one.

Run as ``python bench/memory.py``, with ``--seconds 5 1200`` for the durations. A backend that finds
three painted dots replaces the landmark network, because the memory of the network does not depend
on the duration; ``--network`` uses the network itself and takes an hour and a half. All other
stages are real: decode, track, spot, second pass (which the faint motion needs), align, LBP and
encode. Then the finished unit is packed into a shard.

Each duration, and packing, is measured in its own process. Printed are the highest resident set
(``ru_maxrss``), which includes pages of mapped files, and in brackets the highest anonymous part,
sampled twenty times a second, which the system cannot reclaim.
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

from fmdata.catalog.storage.schema import ACTION_COLUMNS
from fmdata.catalog.storage.shards import write_shard
from fmdata.catalog.storage.work import Unit
from fmdata.catalog.types import Recording
from fmdata.pipeline import stages
from fmdata.pipeline.landmarks.face import Face
from fmdata.pipeline.second_pass import respot
from fmdata.pipeline.second_pass.redetect import Refined
from fmdata.pipeline.settings import BuildSettings
from fmdata.pipeline.work.digest import Identity
from fmdata.pipeline.work.job import Job

FPS, SIZE = 30, 256
SAMPLING_S = 0.05
UNIT = "digest"
EYES = [33, 263]
MOTION = 0.0022  # amplitude as a share of the width: so faint that a second pass follows


class Dots:
    """A backend that places a mesh by a red and a green dot, the outer eye corners.

    The first 200 points move with a blue dot. Every point has a noise of a tenth of a pixel.
    """

    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)
        self.mesh = self.rng.uniform(-1, 1, (478, 3))  # in halves of the IOD
        self.mesh[EYES] = [[-1, 0, 0], [1, 0, 0]]

    def detect(self, rgb: np.ndarray) -> list[Face]:
        """Return one mesh; the blue dot rests in the middle between the eyes."""
        left, right, moving = (_centre(rgb[..., channel]) for channel in range(3))
        middle, (x, y) = (left + right) / 2, (right - left) / 2
        rotation = np.array([[x, y], [-y, x]])
        points = self.mesh * [1, 1, np.hypot(x, y)]
        points[:, :2] = points[:, :2] @ rotation + middle
        points[:200, :2] += moving - middle
        points += self.rng.normal(0, 0.1, points.shape)
        return [Face(points.astype(np.float32), np.zeros(3, np.float32), np.zeros(52, np.float32))]


def _centre(channel: np.ndarray) -> np.ndarray:
    """Return the centre of the bright pixels, x and y; the threshold removes JPEG noise."""
    moments = cv2.moments(cv2.threshold(channel, 40, 0, cv2.THRESH_TOZERO)[1])
    return np.array([moments["m10"], moments["m01"]]) / max(moments["m00"], 1.0)


def dots(size: int, n_frames: int) -> Iterator[np.ndarray]:
    """Paint a swaying face of three dots with one faint motion, uint8 [size, size, 3]."""
    y, x = np.indices((size, size))
    for n in range(n_frames):
        centre = size * np.array([0.5 + 0.03 * np.sin(n / 40), 0.45 + 0.015 * np.sin(n / 25)])
        rise = MOTION * size * np.clip(4 * np.sin(np.pi * n / n_frames) - 2.4, 0, 1)
        rgb = np.zeros((size, size, 3), np.uint8)
        for channel, shift in enumerate(([-size / 5, 0], [size / 5, 0], [0, -rise])):
            px, py = centre + shift
            rgb[..., channel] = 250 * np.exp(-((x - px) ** 2 + (y - py) ** 2) / (size / 20) ** 2)
        yield rgb


def portrait(size: int, n_frames: int) -> Iterator[np.ndarray]:
    """Paint a swaying photograph, uint8 [size, size, 3]."""
    still = cv2.resize(skimage.data.astronaut()[:300, 100:400], (size, size))
    for n in range(n_frames):
        sway = np.float32([[1, 0, 8 * np.sin(n / 40)], [0, 1, 4 * np.sin(n / 25)]])
        yield cv2.warpAffine(still, sway, (size, size), borderMode=cv2.BORDER_REFLECT)


def write_video(path: Path, frames: Iterable[np.ndarray]) -> None:
    """Write a Motion JPEG video, which is fast to encode."""
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
    """Run the stages of a recording, as a worker does."""
    if not network:
        backend = Dots()
        stages._landmarker = lambda *_: backend  # type: ignore[assignment]
    second_passes = record_second_passes()
    recording = Recording(video, video.name, "s01", "still", "01")
    job = Job(recording, Identity("content", UNIT))
    outcome = stages.process(job, BuildSettings(), work)
    assert outcome.dropped is None, outcome
    assert second_passes == [True], "no second pass took place, or it did not find the face"


def record_second_passes() -> list[bool]:
    """Return a list that receives, for each second pass, whether it found the face again."""
    found_again, refine = [], respot.refine

    def recorded(*arguments: object) -> Refined | None:
        refined = refine(*arguments)  # type: ignore[arg-type]
        found_again.append(refined is not None)
        return refined

    respot.refine = recorded  # type: ignore[assignment]
    return found_again


def pack_unit(work: Path) -> None:
    """Write a finished unit into a shard."""
    unit = Unit(work / UNIT)
    write_shard(work, "shard", (unit.sample() for _ in range(1)), ACTION_COLUMNS)


def peaks_mb(job: Callable[[], None]) -> tuple[float, float]:
    """Run a job; return this process's peak resident set and peak anonymous memory."""
    done, anonymous = threading.Event(), [0.0]

    def sample() -> None:
        while not done.wait(SAMPLING_S):
            status = Path("/proc/self/status").read_text()
            found = re.search(r"RssAnon:\s*(\d+)", status)
            anonymous[0] = max(anonymous[0], int(found[1]) / 1024 if found else 0.0)

    sampler = threading.Thread(target=sample)
    sampler.start()
    job()
    done.set()
    sampler.join()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, anonymous[0]


def peaks_in_process(*arguments: str) -> np.ndarray:
    """Measure a job in its own process."""
    command = [sys.executable, __file__, *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return np.array(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Measure each duration, and print the differences to the first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, nargs="+", default=[5, 1200])
    parser.add_argument("--network", action="store_true", help="use the landmark network")
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
                [
                    peaks_in_process("--work", str(video), work, *network),
                    peaks_in_process("--pack", work),
                ]
            )
        first = peaks if first is None else first
        cells = [
            f"{a:5.0f} ({b:4.0f}) MB {da:+5.0f} ({db:+5.0f})"
            for (a, b), (da, db) in zip(peaks, peaks - first, strict=True)
        ]
        print(f"{seconds:6} s  {cells[0]:>29}  {cells[1]:>29}", flush=True)


if __name__ == "__main__":
    main()
