"""Processor time of a whole build against a bare MediaPipe loop over the same frames in memory.

``python -m bench.loop`` compares on simulated recordings; ``--raw FOLDER`` on those of a folder,
and ``--table FILE`` on those of a table. Both sides are measured alternately in one run. The loop
only calls MediaPipe in IMAGE mode with the same outputs; the build decodes, finds landmarks, spots,
crops, encodes and packs, with one worker process.
"""

import argparse
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import mediapipe as mp
import numpy as np

from bench.page import text
from fmdata.pipeline.build import build
from fmdata.pipeline.landmarks.mediapipe import MediaPipeLandmarker
from fmdata.pipeline.reading.decode import decode
from fmdata.pipeline.reading.discover import discover
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.synth.simulator.simulate import SimulateSettings, simulate

MAX_FRAMES = 2000  # of the loop, which holds them in memory
ROUNDS = 3


def main(arguments: Sequence[str]) -> None:
    """Measure, and print a table."""
    options = _options().parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        raw = options.raw or folder / "raw"
        if options.raw is None:
            simulate(raw, SimulateSettings(subjects=2, actions=4, takes=2))
        recordings = discover(raw, table=options.table).recordings
        every = (
            np.ascontiguousarray(frame.rgb)
            for recording in recordings
            for frame in decode(recording)
        )
        frames = list(islice(every, MAX_FRAMES))
        n_frames = sum(1 for recording in recordings for _ in decode(recording))
        print(f"{len(recordings)} recordings, {n_frames} frames; {len(frames)} in the loop")
        _compare(raw, options, frames, n_frames, folder)


def _compare(
    raw: Path,
    options: argparse.Namespace,
    frames: list[np.ndarray],
    n_frames: int,
    folder: Path,
) -> None:
    """Measure the loop and the builds alternately, and print milliseconds per frame."""
    # Without the conversion of the results to numpy, which the backend adds.
    detect = MediaPipeLandmarker()._landmarker.detect
    images = [mp.Image(image_format=mp.ImageFormat.SRGB, data=rgb) for rgb in frames]
    costs: dict[str, list[float]] = {"bare loop": []}
    for _ in range(options.rounds):
        seconds = processor_s(lambda: [detect(image) for image in images])
        costs["bare loop"].append(1e3 * seconds / len(frames))
        for backend in options.landmarks.split(","):
            settings, out = BuildSettings(landmarks=backend), folder / "dataset"
            shutil.rmtree(out, ignore_errors=True)
            job = partial(build, raw, out, settings, RunSettings(workers=1), table=options.table)
            costs.setdefault(f"build, {backend}", []).append(1e3 * processor_s(job) / n_frames)
    rows = [["", "ms per frame", "ratio to the loop, each round"]]
    for name, each in costs.items():
        ratios = [f"{a / b:.2f}" for a, b in zip(costs["bare loop"], each, strict=True)]
        rows.append([name, f"{statistics.median(each):.2f}", " ".join(ratios)])
    print(text(rows))


def processor_s(job: Callable[[], object]) -> float:
    """Return the processor time of a call in seconds, with that of processes that it ends."""
    began = _used_s()
    job()
    return _used_s() - began


def _used_s() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench.loop", description=__doc__)
    parser.add_argument("--raw", type=Path, help="folder of recordings (default: simulated ones)")
    parser.add_argument("--table", type=Path, help="table of recordings in that folder")
    parser.add_argument("--landmarks", default="mediapipe,litert", help="backends of the builds")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
