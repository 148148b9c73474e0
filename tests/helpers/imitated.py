"""Datasets of very many clips, or of one very long clip, imitated.

:func:`imitate` writes tables and a card, without pixels: a clip has three frames, a subject ten
clips, a shard a thousand. :func:`imitate_whole` and :func:`imitate_long` write tars too, which
``verify`` finds in order.
"""

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fmdata.catalog.keys import action_key, fold
from fmdata.catalog.storage.avi import write_avi
from fmdata.catalog.storage.card import Card, FileFacts, Part, Shard
from fmdata.catalog.storage.npy import npy_writer
from fmdata.catalog.storage.schema import (
    ACTION_COLUMNS,
    DROPPED_COLUMNS,
    FRAME_NAMES,
    FRAME_POSITIONS,
    POSITIONS,
    one_row,
)
from fmdata.catalog.storage.shards import FILES, Sample, shard_name, write_shard
from fmdata.catalog.storage.tables.frames import FRAMES_PER_BLOCK
from fmdata.pipeline.settings import BuildSettings
from fmdata.pipeline.work.digest import Identity
from tests.helpers.datasets import SIZE, make_up_sample

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
    changed = {"key": keys, "subject": subjects, "take": takes, "recorded_take": takes,
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


def imitate_whole(
    folder: Path, n_subjects: int, identities: Mapping[str, Identity] | None = None
) -> Path:
    """Write the actions of a dataset with pixels of a few bytes, ten clips of 12 frames each.

    `identities` gives the digests of the recordings, by their source; otherwise they are made up.
    """
    made, avi = make_up_sample("s", "smile", "01"), io.BytesIO()
    write_avi(avi, [b"\xff\xd8one\xff\xd9"] * made.n_frames, fps=25, size=SIZE)
    made = replace(made, avi=avi.getvalue(), lbp=None)
    (folder / "actions").mkdir(parents=True)
    names = [f"s{number:06d}" for number in range(n_subjects)]
    shards = []
    for of_fold, pairs in groupby(sorted((fold(n, 0), n) for n in names), lambda pair: pair[0]):
        subjects = [name for _, name in pairs]
        stem = folder / "actions" / shard_name(len(shards))
        samples = _samples(made, of_fold, subjects, identities)
        files = write_shard(stem.parent, stem.name, samples, ACTION_COLUMNS)
        shards.append(Shard(stem.name, of_fold, subjects, TAKES * len(subjects), *files))
    return _seal(folder, shards)


def imitate_long(folder: Path, n_frames: int) -> Path:
    """Write the actions of a dataset of one clip of so many frames, each a real JPEG.

    The frames before its motion are repeated; all pictures are the same.
    """
    made = make_up_sample("s", "smile", "01")
    picture = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    jpeg = cv2.imencode(".jpg", picture)[1].tobytes()
    stem = folder / "actions" / shard_name(0)
    stem.parent.mkdir(parents=True)
    avi, lbp = folder / "clip.avi", folder / "lbp.npy"
    write_avi(avi, [jpeg] * n_frames, fps=25, size=SIZE)
    with npy_writer(lbp, np.dtype(np.uint8), (n_frames, SIZE, SIZE)) as maps:
        for _ in range(n_frames):
            maps.write(bytes(SIZE**2))
    more = n_frames - made.n_frames
    (frames,) = made.frames
    long = frames.take(pa.array(np.maximum(np.arange(n_frames) - more, 0)))
    place, field = frames.column_names.index("change"), frames.field("change")
    long = long.set_column(place, field, pa.array(np.zeros(n_frames, np.float32)))
    row = made.facts.to_pylist()[0]
    later = {name: row[name] + more for name in ("onset", "apex", "offset", "lead")}
    spotted = {f"spotted_{name}": later[name] for name in ("onset", "apex", "offset")}
    changed = {**later, **spotted, "n_frames": n_frames, "motions": [row["motions"][0] | later],
               "fold": fold("s", 0)}  # fmt: skip
    sample = Sample(one_row(ACTION_COLUMNS.facts, row | changed), [long], avi, lbp)
    files = write_shard(stem.parent, stem.name, [sample], ACTION_COLUMNS)
    avi.unlink()
    lbp.unlink()
    return _seal(folder, [Shard(stem.name, fold("s", 0), ["s"], 1, *files)])


def _samples(
    made: Sample,
    of_fold: int,
    subjects: Iterable[str],
    identities: Mapping[str, Identity] | None,
) -> Iterator[Sample]:
    """Yield ten copies of a clip for each subject, with names of their own."""
    row = made.facts.to_pylist()[0]
    for subject in subjects:
        for number in range(TAKES):
            take = f"{number:02d}"
            source = f"{subject}/smile/{take}.mp4"
            made_up = Identity(f"{subject}{take}", f"{subject}{take}")
            identity = identities[source] if identities else made_up
            names = {"key": action_key(subject, "smile", take), "subject": subject, "take": take}
            others = {"fold": of_fold, "source": source, "recorded_take": take}
            digests = {"source_sha256": identity.source_sha256, "digest": identity.digest}
            facts = one_row(ACTION_COLUMNS.facts, row | names | others | digests)
            yield replace(made, facts=facts)


def _seal(folder: Path, shards: list[Shard]) -> Path:
    """Write the list of dropped recordings, empty, and the card; return the folder."""
    pq.write_table(DROPPED_COLUMNS.empty_table(), folder / "dropped.parquet")
    dropped = FileFacts.of(folder / "dropped.parquet")
    n_clips = sum(shard.samples for shard in shards)
    settings = replace(BuildSettings(), size=SIZE).to_json()
    Card("0", {}, 0, n_clips, 0, dropped, Part(settings, n_clips, shards)).write(folder)
    return folder
