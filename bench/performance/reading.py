"""Reading: clips against the decoder, virtual compounds against stored ones, and the loader."""

import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import webdataset
from skimage.feature import local_binary_pattern

from bench.performance.sides import Goal, Unit, compare
from fmdata.catalog import Dataset, prefetch
from fmdata.pipeline.cropping.lbp import lbp
from fmdata.synth.compounds import synth_compounds
from fmdata.synth.settings import CompoundSettings

US = 1e-6


def goals(actions: Path, folder: Path, rounds: int) -> Iterator[Goal]:
    """Measure on a dataset of actions; copies of it are made in `folder`."""
    stored, virtual = (Path(shutil.copytree(actions, folder / name)) for name in ("stored", "plan"))
    synth_compounds(stored, CompoundSettings())
    synth_compounds(virtual, CompoundSettings(virtual=True))
    yield _virtual(stored, virtual, rounds)
    yield from (_lbp(side, least, rounds) for side, least in ((112, 35.0), (224, 60.0)))
    yield from _frames(actions, rounds)
    yield _loader(stored, rounds)


def _read(path: Path) -> Callable[[], None]:
    def read() -> None:
        for clip in Dataset(path).compounds:
            clip.frames()

    return read


def _virtual(stored: Path, virtual: Path, rounds: int) -> Goal:
    n = sum(row["n_frames"] for row in Dataset(stored).compounds.rows(["n_frames"]))
    return compare(
        "virtual compounds, reading", "materialised ones", 0.8,
        _read(virtual), _read(stored), rounds, Unit(n * US, "µs a frame"),
    )  # fmt: skip


def _lbp(side: int, least: float, rounds: int) -> Goal:
    picture = np.random.default_rng(0).integers(0, 256, (side, side), np.uint8)
    ours, theirs = 2000, 60
    return compare(
        f"LBP, {side} × {side}", "scikit-image", least,
        _repeated(ours, lambda: lbp(picture)),
        _repeated(theirs, lambda: local_binary_pattern(picture, 8, 1)),
        rounds, Unit(ours * US, "µs a map"), share=ours / theirs,
    )  # fmt: skip


def _repeated(n: int, work: Callable[[], object]) -> Callable[[], None]:
    """Return a job that does some work many times, and keeps no result."""

    def job() -> None:
        for _ in range(n):
            work()

    return job


def _frames(actions: Path, rounds: int) -> Iterator[Goal]:
    """Compare whole clips with the decoder alone: frames in a list, and in one array."""
    clips = list(Dataset(actions).actions)
    jpegs = [clip.jpegs() for clip in clips]
    n = sum(map(len, jpegs))

    def bare() -> None:
        for of_clip in jpegs:
            _ = [_decoded(jpeg) for jpeg in of_clip]

    def in_one_array() -> None:
        for of_clip in jpegs:
            pixels = np.empty((len(of_clip), clips[0].size, clips[0].size, 3), np.uint8)
            for index, jpeg in enumerate(of_clip):
                pixels[index] = _decoded(jpeg)

    def whole() -> None:
        for clip in clips:
            clip.frames()

    for against, theirs in (("bare `cv2.imdecode` in memory", bare),
                            ("the same, into one array a clip", in_one_array)):  # fmt: skip
        yield compare(
            "`clip.frames()`", against, 0.95, whole, theirs, 2 * rounds,
            Unit(n * US, "µs a frame"),
        )  # fmt: skip


def _decoded(jpeg: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)


def _loader(stored: Path, rounds: int) -> Goal:
    dataset = Dataset(stored)
    tars = [str(dataset.path / "compounds" / f"{shard.name}.tar")
            for shard in dataset.card.compounds.shards]  # fmt: skip
    n = sum(row["n_frames"] for row in dataset.compounds.rows(["n_frames"]))

    def ours() -> None:
        assert sum(len(frames) for _, frames in prefetch(Dataset(stored).compounds)) == n

    def theirs() -> None:
        samples = webdataset.WebDataset(tars, shardshuffle=False).decode(_video)
        assert sum(len(sample["avi"]) for sample in samples) == n

    return compare(
        "`prefetch`, two threads", "webdataset and PyAV, one process", 5.0, ours, theirs,
        rounds, Unit(n * US, "µs a frame"), by_wall=True,
    )  # fmt: skip


def _video(name: str, data: bytes) -> Any:
    """Decode a video as webdataset's own handler does, which needs torchvision: by PyAV, to RGB."""
    if not name.endswith("avi"):
        return None
    with av.open(io.BytesIO(data)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
