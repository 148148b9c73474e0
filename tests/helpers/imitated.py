"""Datasets of very many clips, imitated: tables and a card, without pixels.

A clip has three frames and a motion in the middle one; a subject has ten clips, a shard a thousand.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fmdata.catalog.keys import action_key
from fmdata.catalog.storage.card import Card, FileFacts, Part, Shard
from fmdata.catalog.storage.schema import ACTION_COLUMNS, FRAME_NAMES, FRAME_POSITIONS, POSITIONS
from fmdata.catalog.storage.shards import FILES, shard_name
from fmdata.catalog.storage.tables.frames import FRAMES_PER_BLOCK
from fmdata.pipeline.settings import BuildSettings
from tests.helpers.datasets import make_up_sample

CLIPS_PER_SHARD, TAKES, FRAMES = 1000, 10, 3


def imitate(folder: Path, n_clips: int) -> Path:
    """Write the actions of a dataset of so many clips; return its folder."""
    (folder / "actions").mkdir(parents=True)
    sample = make_up_sample("s", "smile", "01")
    (frames,) = sample.frames
    row = sample.facts.to_pylist()[0] | {f.name: 0 for f in POSITIONS} | {"n_frames": FRAMES}
    shards = [
        _write(folder / "actions" / shard_name(i), row, frames.slice(0, FRAMES), start,
               min(CLIPS_PER_SHARD, n_clips - start))
        for i, start in enumerate(range(0, n_clips, CLIPS_PER_SHARD))
    ]  # fmt: skip
    actions = Part(BuildSettings().to_json(), n_clips, shards)
    Card("0", {}, 0, n_clips, 0, FileFacts(0, ""), actions).write(folder)
    return folder


def _write(stem: Path, row: dict[str, Any], frames: pa.Table, start: int, n: int) -> Shard:
    subjects = [f"s{clip // TAKES:06d}" for clip in range(start, start + n)]
    takes = [f"{clip % TAKES:02d}" for clip in range(start, start + n)]
    keys = [action_key(s, "smile", t) for s, t in zip(subjects, takes, strict=True)]
    changed = {"key": keys, "subject": subjects, "take": takes,
               "digest": [f"{clip:064x}" for clip in range(start, start + n)],
               "source_sha256": [f"{clip:064d}" for clip in range(start, start + n)],
               "source": [f"{s}/smile/{t}.mp4" for s, t in zip(subjects, takes, strict=True)],
               "frames_row": np.arange(n) * FRAMES}  # fmt: skip
    columns = [
        pa.array(changed.get(f.name, [row[f.name]] * n), f.type) for f in ACTION_COLUMNS.clips
    ]
    clips = pa.table(columns, schema=ACTION_COLUMNS.clips)
    pq.write_table(clips, stem.with_suffix(".parquet"), compression="zstd", use_dictionary=False)
    places = np.arange(n * FRAMES)
    names = [pa.array(keys).take(pa.array(places // FRAMES)), pa.array(places % FRAMES, pa.int32())]
    zeros = [pa.array(0 * places)] * len(FRAME_POSITIONS)
    table = frames.take(pa.array(places % FRAMES))
    for field, values in zip([*FRAME_NAMES, *FRAME_POSITIONS], [*names, *zeros], strict=True):
        table = table.append_column(field, values)
    pq.write_table(
        table.select(ACTION_COLUMNS.frames.names),
        stem.with_suffix(".frames.parquet"),
        row_group_size=FRAMES_PER_BLOCK // FRAMES * FRAMES,
        compression="zstd",
    )
    stem.with_suffix(".tar").touch()
    facts = [FileFacts(stem.with_suffix(s).stat().st_size, "") for s in FILES]
    return Shard(stem.name, 0, list(dict.fromkeys(subjects)), n, *facts)
