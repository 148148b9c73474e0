"""Frames per second of every stage, and synthesis compared with file copies and a script.

`make bench` runs it, on simulated recordings. Stages run in one process; the build also runs with
a worker per core.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2

from bench import copying
from bench.page import text
from fmdata.catalog.types import Recording
from fmdata.pipeline.build import build
from fmdata.pipeline.cropping.align import align, crop
from fmdata.pipeline.cropping.encode import encode_jpeg
from fmdata.pipeline.cropping.lbp import grey, lbp
from fmdata.pipeline.landmarks.backends import open_landmarker
from fmdata.pipeline.landmarks.track import follow
from fmdata.pipeline.reading.decode import decode
from fmdata.pipeline.reading.discover import discover
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.pipeline.spotting.spot import spot
from fmdata.synth.simulator.simulate import SimulateSettings, simulate

N_STAGED = 6  # recordings whose stages are timed one by one
REPEATS = 3
FPS = 25


def timed(job: Callable[[], object]) -> float:
    """Return the duration of a call, in seconds."""
    began = time.perf_counter()
    job()
    return time.perf_counter() - began


def main() -> None:
    """Measure, and print a table."""
    cv2.setNumThreads(1)
    settings = BuildSettings()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        raw, dataset = folder / "raw", folder / "dataset"
        truths = simulate(raw, SimulateSettings(subjects=2, actions=3, takes=4)).truths
        n_frames = sum(truth.n_frames for truth in truths)
        print(f"{len(truths)} recordings, {n_frames} frames, 320 x 320; crops 112 x 112\n")
        print(f"{'stage':34}{'frames/s':>10}")
        time_stages(discover(raw).recordings[:N_STAGED], settings, folder)
        for workers in dict.fromkeys((1, os.cpu_count() or 1)):
            shutil.rmtree(dataset, ignore_errors=True)
            run = RunSettings(workers=workers)
            seconds = timed(lambda run=run: build(raw, dataset, settings, run))
            print(f"{f'build, {workers} worker(s), all of it':34}{n_frames / seconds:10.0f}")
        print(f"\nsynthesis, {copying.ROUNDS} turns of all sides\n")
        print(text(copying.rows(dataset, folder / "copying")))


def time_stages(recordings: Sequence[Recording], settings: BuildSettings, folder: Path) -> None:
    """Time each stage on all frames of some recordings, and print its frames per second."""
    videos = [list(decode(recording)) for recording in recordings]
    frames = [frame for video in videos for frame in video]
    landmarker = open_landmarker(settings.landmarks)
    tracks = [
        follow(video, landmarker, settings.min_detected, folder / f"{i}.npy")
        for i, video in enumerate(videos)
    ]
    transforms = [matrix for track in tracks for matrix in align(track, FPS, settings.side)]

    def crops() -> list[cv2.typing.MatLike]:
        pairs = zip(frames, transforms, strict=True)
        return [crop(frame.rgb, matrix, settings.side) for frame, matrix in pairs]

    cropped = crops()
    stages: dict[str, Callable[[], object]] = {
        "decode": lambda: [list(decode(recording)) for recording in recordings],
        "landmarks (the network)": lambda: [landmarker.detect(frame.rgb) for frame in frames],
        "align": lambda: [align(track, FPS, settings.side) for track in tracks],
        "spot": lambda: [spot(track, FPS) for track in tracks],
        "crop": crops,
        "LBP": lambda: [lbp(grey(picture)) for picture in cropped],
        "JPEG": lambda: [encode_jpeg(picture, settings.jpeg_quality) for picture in cropped],
    }
    for name, stage in stages.items():
        seconds = min(timed(stage) for _ in range(REPEATS))
        print(f"{name:34}{len(frames) / seconds:10.0f}")


if __name__ == "__main__":
    main()
