"""Time and memory of planning ten million virtual compounds.

The actions are imitated: 200 subjects with 10 actions of 5 takes; a clip has 36 frames of 16 × 16
pixels, 12 of them at rest before the motion and 12 after. `goals` plans in a process of its own.
"""

import io
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.performance.sides import Goal, Ratio
from fmdata.catalog.keys import action_key, fold
from fmdata.catalog.storage.avi import write_avi
from fmdata.catalog.storage.card import Card, FileFacts, Part, Shard
from fmdata.catalog.storage.schema import (
    ACTION_COLUMNS,
    ACTION_FRAME_FACTS,
    DROPPED_COLUMNS,
    one_row,
)
from fmdata.catalog.storage.shards import Sample, shard_name, write_shard
from fmdata.pipeline.settings import BuildSettings
from fmdata.synth.compounds import synth_compounds
from fmdata.synth.settings import CompoundSettings
from tests.helpers.datasets import make_up_sample

SUBJECTS, ACTIONS, TAKES, FRAMES, REST, SIZE = 200, 10, 5, 36, 12, 16
COPIES = 540  # some of which are identical to others, and left out
LIMIT_S, LIMIT_MB = 60, 1000


def goals(folder: Path) -> Iterator[Goal]:
    """Plan once; the ratios are those of the limits to what was used."""
    found = measured(folder)
    spent = Ratio(LIMIT_S / found["processor_s"], LIMIT_S / found["wall_s"])
    peak = LIMIT_MB / found["peak_mb"]
    work = f"planning, `--virtual`, {found['compounds'] / 1e6:.2f} million compounds"
    disk = f"{found['disk_mb']:.0f} MB on disk"
    yield Goal(work, f"{LIMIT_S} s", 1.0, spent, f"{found['processor_s']:.0f} s", disk)
    yield Goal(work, f"{LIMIT_MB} MB", 1.0, Ratio(peak, peak), f"{found['peak_mb']:.0f} MB", disk)


def measured(folder: Path, subjects: int = SUBJECTS) -> dict[str, float]:
    """Plan in a process of its own; return its times, peak memory, and the size of the plan."""
    dataset = imitate(folder / "planning", subjects)
    command = [sys.executable, "-m", "bench.performance.planning", str(dataset)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    shutil.rmtree(dataset)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def imitate(folder: Path, subjects: int) -> Path:
    """Write a dataset of imitated actions; return its folder."""
    names = [f"s{number:04d}" for number in range(subjects)]
    (folder / "actions").mkdir(parents=True)
    made, shards = _sample(), []
    for of_fold, pairs in groupby(sorted((fold(n, 0), n) for n in names), lambda pair: pair[0]):
        of_shard = [name for _, name in pairs]
        name = shard_name(len(shards))
        files = write_shard(
            folder / "actions", name, _samples(made, of_fold, of_shard), ACTION_COLUMNS
        )
        n = len(of_shard) * ACTIONS * TAKES
        shards.append(Shard(name, of_fold, of_shard, n, *files))
    pq.write_table(DROPPED_COLUMNS.empty_table(), folder / "dropped.parquet")
    dropped = FileFacts.of(folder / "dropped.parquet")
    n_clips = sum(shard.samples for shard in shards)
    settings = replace(BuildSettings(), size=SIZE).to_json()
    Card("0", {}, 0, n_clips, 0, dropped, Part(settings, n_clips, shards)).write(folder)
    return folder


def _sample() -> Sample:
    """Return a clip of noise; its face is at rest, moves for 12 frames, and is at rest again."""
    made = make_up_sample("s", "smile", "01")
    draw = np.random.default_rng(0)
    pictures = draw.integers(0, 256, (FRAMES, SIZE, SIZE, 3), np.uint8)
    avi = io.BytesIO()
    jpegs = [cv2.imencode(".jpg", picture)[1].tobytes() for picture in pictures]
    write_avi(avi, jpegs, fps=25, size=SIZE)
    (frames,) = made.frames
    frames = frames.take(pa.array(np.arange(FRAMES) % frames.num_rows))
    moves = np.zeros(FRAMES, np.float32)
    moves[REST : FRAMES - REST] = 0.1
    changed = {
        "intensity": moves,
        "timestamp": np.arange(FRAMES, dtype=np.float32) / 25,
        # Meshes of one point: a plan does not read them.
        "landmarks": np.zeros((FRAMES, 3), np.float32).tolist(),
    }
    for name, values in changed.items():
        field = ACTION_FRAME_FACTS.field(name)
        at = frames.column_names.index(name)
        frames = frames.set_column(at, field, pa.array(values, field.type))
    motion = {"onset": REST, "apex": REST + 3, "offset": FRAMES - REST, "lead": REST,
              "trail": REST, "style": "return"}  # fmt: skip
    row = made.facts.to_pylist()[0]
    row |= {"n_frames": FRAMES, "size": SIZE, **motion, "motions": [row["motions"][0] | motion]}
    return Sample(one_row(ACTION_COLUMNS.facts, row), [frames], avi.getvalue(), None)


def _samples(made: Sample, of_fold: int, subjects: list[str]) -> Iterator[Sample]:
    """Yield the clips of some subjects, in order."""
    row = made.facts.to_pylist()[0]
    for subject in subjects:
        for action in (f"a{number}" for number in range(ACTIONS)):
            for take in (f"{number:02d}" for number in range(TAKES)):
                names = {"key": action_key(subject, action, take), "subject": subject,
                         "action": action, "take": take, "fold": of_fold}  # fmt: skip
                yield replace(made, facts=one_row(ACTION_COLUMNS.facts, row | names))


def _plan_here(dataset: Path) -> None:
    """Plan in this process, and print its cost as JSON."""
    began, cpu = time.monotonic(), time.process_time()
    made = synth_compounds(dataset, CompoundSettings(k=COPIES, virtual=True))
    spent = {"processor_s": time.process_time() - cpu, "wall_s": time.monotonic() - began}
    peak = re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())
    assert peak, "no VmHWM: this system has no /proc"
    part = made.card.compounds
    assert part is not None
    disk = sum(file.bytes for shard in part.shards for file in shard.files.values()) / 1e6
    found = {"compounds": part.samples, "peak_mb": int(peak[1]) / 1000, "disk_mb": disk}
    print(json.dumps(spent | found))


if __name__ == "__main__":
    _plan_here(Path(sys.argv[1]))
