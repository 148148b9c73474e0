"""Units of work: what a recording has come to, on disk until it is packed into a shard.

A unit is a folder named by the recording's digest that holds ``row.arrow``, ``landmarks.npy``,
``clip.avi`` and, if asked for, ``lbp.npy``; or, for a recording that is left out,
``dropped.parquet`` alone. It gets its name when it is whole, so a unit that is there is a unit that
is done. The landmarks stand apart because a long recording's are never in memory together.
"""

import struct
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fmdata.catalog.storage.avi import jpeg_spans
from fmdata.catalog.storage.files import atomic_folder
from fmdata.catalog.storage.schema import ACTION_FACTS, DROPPED, cell, one_row
from fmdata.catalog.storage.shards import Sample
from fmdata.catalog.types import Dropped
from fmdata.pipeline.work.outcome import TRIED_AGAIN, Outcome

ROW, LANDMARKS, AVI, LBP = "row.arrow", "landmarks.npy", "clip.avi", "lbp.npy"
LEFT_OUT = "dropped.parquet"
UNIT_FACTS = pa.schema([field for field in ACTION_FACTS if field.name != "landmarks"])
# What reading a damaged unit may raise: no table, or one with other columns or without its row.
_UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    pa.ArrowException,
    struct.error,
)


def write_row(folder: Path, row: pa.Table) -> None:
    """Write a clip's row, all but its landmarks."""
    with pa.OSFile(str(folder / ROW), "wb") as file, pa.ipc.new_file(file, row.schema) as writer:
        writer.write_table(row)


def _row(unit: Path) -> pa.Table:
    with pa.memory_map(str(unit / ROW)) as file:
        return pa.ipc.open_file(file).read_all()


def write_dropped(unit: Path, dropped: Dropped) -> None:
    """Make the unit of a recording that is left out."""
    with atomic_folder(unit) as folder:
        row = one_row(DROPPED, asdict(dropped) | {"digest": unit.name})
        pq.write_table(row, folder / LEFT_OUT)


def done_before(unit: Path, retry: bool = False) -> Outcome | None:
    """What became of a recording in an earlier run, unless it is worth another try.

    With `retry`, one that was left out is, whatever the reason. A unit that lacks its landmarks was
    begun by another version, and one that cannot be read was damaged: both are made again.
    """
    try:
        outcome = outcome_of(unit)
        if outcome.digest != unit.name or (outcome.dropped is None and not _is_whole(unit)):
            return None
    except _UNREADABLE:
        return None
    again = outcome.dropped and (retry or outcome.dropped.reason in TRIED_AGAIN)
    return None if again else outcome


def _is_whole(unit: Path) -> bool:
    """Whether a clip's files are all there, and of one length; pixels are not looked at."""
    row = _row(unit)
    row.validate(full=True)
    n = row["n_frames"][0].as_py()
    landmarks = np.load(unit / LANDMARKS, "r", allow_pickle=False)
    with (unit / AVI).open("rb") as avi:
        n_jpegs = len(jpeg_spans(avi, (unit / AVI).stat().st_size))
    maps = unit / LBP
    lengths = [len(landmarks), n_jpegs]
    if maps.exists():
        lengths.append(len(np.load(maps, "r", allow_pickle=False)))
    return row.schema.equals(UNIT_FACTS) and all(length == n for length in lengths)


def outcome_of(unit: Path) -> Outcome:
    """What became of a recording whose unit is done."""
    if (unit / LEFT_OUT).exists():
        values = pq.read_table(unit / LEFT_OUT).to_pylist()[0]
        digest = values.pop("digest")
        return Outcome(digest, 0, Dropped(**values))
    row = _row(unit).select(["digest", "n_frames", "pose_range"]).to_pylist()[0]
    return Outcome(row["digest"], row["n_frames"], pose_range=row["pose_range"])


def sample_of(unit: Path) -> Sample:
    """Return a finished unit's clip, ready for a shard."""
    place = ACTION_FACTS.get_field_index("landmarks")
    field, landmarks = ACTION_FACTS.field(place), np.load(unit / LANDMARKS, "r", allow_pickle=False)
    row = _row(unit).add_column(place, field, cell(field, landmarks))
    maps = unit / LBP
    return Sample(row, unit / AVI, maps if maps.exists() else None)


def unit_bytes(unit: Path) -> int:
    """Return the size of a finished unit's pixels and maps in bytes."""
    return sum((unit / name).stat().st_size for name in (AVI, LBP) if (unit / name).exists())
