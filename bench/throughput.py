"""How fast each stage is, in frames a second, and how near synthesis comes to a file copy.

Run by `make bench`; on simulated recordings, one process unless said otherwise.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2

from fmdata.catalog import Dataset
from fmdata.pipeline.build import build
from fmdata.pipeline.cropping.align import align, crop
from fmdata.pipeline.cropping.encode import encode_jpeg
from fmdata.pipeline.cropping.lbp import grey, lbp
from fmdata.pipeline.landmarks.backends import open_landmarker
from fmdata.pipeline.landmarks.track import follow
from fmdata.pipeline.reading.decode import decode
from fmdata.pipeline.reading.discover import discover
from fmdata.pipeline.settings import BuildSettings
from fmdata.pipeline.spotting.spot import spot
from fmdata.synth.compounds import synth_compounds
from fmdata.synth.settings import CompoundSettings
from fmdata.synth.simulator.simulate import SimulateSettings, simulate


def timed(what: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    began = time.perf_counter()
    what()
    return time.perf_counter() - began


def main() -> None:
    """Measure, and print a table."""
    cv2.setNumThreads(1)
    settings = BuildSettings()
    with tempfile.TemporaryDirectory() as folder:
        raw, dataset = Path(folder) / "raw", Path(folder) / "dataset"
        truths = simulate(raw, SimulateSettings(subjects=2, actions=3, takes=4))
        frames = sum(truth.n_frames for truth in truths)
        print(f"{len(truths)} recordings, {frames} frames, 320 x 320; crops 112 x 112\n")
        print(f"{'stage':34}{'frames/s':>10}")
        recordings = discover(raw)[:6]
        pictures = [list(decode(recording)) for recording in recordings]
        n = sum(map(len, pictures))
        landmarker = open_landmarker()
        tracks = [
            follow(p, landmarker, 0.9, Path(folder) / f"{i}.npy") for i, p in enumerate(pictures)
        ]
        transforms = [align(track, 25, settings.size) for track in tracks]
        crops = [
            crop(frame.rgb, matrix, settings.size)
            for some, matrices in zip(pictures, transforms, strict=True)
            for frame, matrix in zip(some, matrices, strict=True)
        ]
        every = [frame for some in pictures for frame in some]
        stages: dict[str, Callable[[], object]] = {
            "decode": lambda: [list(decode(r)) for r in recordings],
            "landmarks (the network)": lambda: [landmarker.detect(f.rgb) for f in every],
            "align": lambda: [align(t, 25, settings.size) for t in tracks],
            "spot": lambda: [spot(t, 25) for t in tracks],
            "crop": lambda: [
                crop(f.rgb, m, settings.size)
                for some, ms in zip(pictures, transforms, strict=True)
                for f, m in zip(some, ms, strict=True)
            ],
            "LBP": lambda: [lbp(grey(c)) for c in crops],
            "JPEG": lambda: [encode_jpeg(c, settings.jpeg_quality) for c in crops],
        }
        for name, stage in stages.items():
            print(f"{name:34}{n / min(timed(stage) for _ in range(3)):10.0f}")
        for workers in dict.fromkeys((1, os.cpu_count() or 1)):
            shutil.rmtree(dataset, ignore_errors=True)
            seconds = timed(lambda w=workers: build(raw, dataset, settings, workers=w))
            print(f"{f'build, {workers} worker(s), all of it':34}{frames / seconds:10.0f}")
        seconds = timed(lambda: synth_compounds(dataset, CompoundSettings(k=20)))
        card = Dataset(dataset).card
        size = sum(shard.tar.bytes for shard in card.compounds.shards)
        copied = timed(lambda: shutil.copytree(dataset / "compounds", Path(folder) / "copy"))
        print(
            f"\nsynth-compound: {card.compounds.samples} compounds, {size / 1e6:.0f} MB, "
            f"{size / 1e6 / seconds:.0f} MB/s; a plain copy of them {size / 1e6 / copied:.0f} MB/s"
        )


if __name__ == "__main__":
    main()
