"""Synthesis against what it replaces: `cp`, a copy that is hashed, and a script with OpenCV.

All sides work in turn, on the same warm files, in one run. Processor time counts a side's own
processes too. `rows` returns the table that `bench/throughput.py` prints.
"""

import hashlib
import resource
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from bench.page import Table
from fmdata.catalog import Dataset
from fmdata.catalog.virtual.compound import CompoundClip
from fmdata.synth.compounds import synth_compounds
from fmdata.synth.settings import CompoundSettings

ROUNDS = 5
SCRIPTED = 40  # compounds that the script makes; its time is scaled to all frames
SCRIPT = "OpenCV: decode, splice, encode again"
_BLOCK = 256 << 10


class Spent(NamedTuple):
    """Processor time and wall time, in seconds."""

    processor: float
    wall: float


def spend(job: Callable[[], object]) -> Spent:
    """Do a job, and return its times; those of its processes that have ended count."""
    before, began = _processor(), time.perf_counter()
    job()
    return Spent(_processor() - before, time.perf_counter() - began)


def rows(dataset: Path, folder: Path, k: int = 20, rounds: int = ROUNDS) -> Table:
    """Measure all sides in turn, and return a table with the ratio of each to the synthesis.

    Parameters
    ----------
    dataset : Path
        A dataset with actions; its compounds are replaced.
    folder : Path
        A folder on the same disk, for copies.
    k : int
        Copies of each compound.
    rounds : int
        Turns; the table has the medians.
    """
    folder.mkdir()
    _synthesise(dataset, k, 0)
    sources, made = _sources(dataset, folder / "sources"), Dataset(dataset).compounds
    compounds = list(islice(made, SCRIPTED))
    n_frames = sum(row["n_frames"] for row in made.rows(["n_frames"]))
    share = n_frames / sum(compound.n_frames for compound in compounds)
    half, copy = dataset / "compounds", folder / "copy"
    sides: dict[str, Callable[[], object]] = {
        "synth-compound, in one process": lambda: _synthesise(dataset, k, 0),
        "`cp -r` of its files": lambda: subprocess.run(["cp", "-r", half, copy], check=True),
        "the same, hashed (SHA-256) in the same pass": lambda: _hashed_copy(half, copy),
        SCRIPT: lambda: _script(compounds, sources, copy),
        "synth-compound --workers 1": lambda: _synthesise(dataset, k, 1),
        "synth-compound --workers 2": lambda: _synthesise(dataset, k, 2),
    }
    spent: dict[str, list[Spent]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            shutil.rmtree(copy, ignore_errors=True)
            one, scale = spend(side), share if name == SCRIPT else 1.0
            spent[name].append(Spent(one.processor * scale, one.wall * scale))
    return _table(spent)


def _table(spent: dict[str, list[Spent]]) -> Table:
    """Return medians, and the median of the ratios of each turn: how many times the synthesis."""
    first = next(iter(spent.values()))
    table = [["side", "processor, s", "wall, s", "÷ synthesis, processor", "÷ synthesis, wall"]]
    for name, ones in spent.items():
        pairs = list(zip(ones, first, strict=True))
        ratios = [Spent(one.processor / to.processor, one.wall / to.wall) for one, to in pairs]
        columns = [*zip(*ones, strict=True), *zip(*ratios, strict=True)]
        table.append([name, *(f"{statistics.median(column):.2f}" for column in columns)])
    return table


def _processor() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _synthesise(dataset: Path, k: int, workers: int) -> None:
    """Make the compounds, as if there were none."""
    Dataset(dataset).card.with_compounds(None).write(dataset)
    synth_compounds(dataset, CompoundSettings(k=k), workers=workers)


def _sources(dataset: Path, folder: Path) -> Path:
    """Write the AVI and the LBP maps of each action clip as files, which the script reads."""
    folder.mkdir()
    for clip in Dataset(dataset).actions:
        (folder / f"{clip.key}.avi").write_bytes(clip.avi())
        (folder / f"{clip.key}.npy").write_bytes(clip.lbp_npy())
    return folder


def _hashed_copy(source: Path, target: Path) -> None:
    target.mkdir()
    buffer = memoryview(bytearray(_BLOCK))
    for path in source.iterdir():
        digest = hashlib.sha256()
        with path.open("rb", 0) as file, (target / path.name).open("wb", 0) as copy:
            while n := file.readinto(buffer):
                digest.update(buffer[:n])
                copy.write(buffer[:n])


def _script(compounds: list[CompoundClip], sources: Path, target: Path) -> None:
    """Make compounds as a script of few lines does: each with all its frames encoded again."""
    target.mkdir()
    codec = cv2.VideoWriter.fourcc(*"MJPG")
    for compound in compounds:
        size = compound.size, compound.size
        writer = cv2.VideoWriter(str(target / f"{compound.key}.avi"), codec, compound.fps, size)
        maps = []
        for segment in compound.segments:
            for frame in _frames(sources / f"{segment.source}.avi", segment.start, segment.stop):
                writer.write(frame)
            maps.append(np.load(sources / f"{segment.source}.npy")[segment.start : segment.stop])
        writer.release()
        np.save(target / f"{compound.key}.npy", np.concatenate(maps))


def _frames(path: Path, start: int, stop: int) -> Iterator[np.ndarray]:
    """Yield the frames ``[start, stop)`` of a video."""
    video = cv2.VideoCapture(str(path))
    for index in range(stop):
        if index < start:
            video.grab()
        else:
            yield video.read()[1]
    video.release()
