"""Look through every file of a dataset's folder for what is left of a forgotten subject.

Bytes of its frames, wherever they stand, and its name. A run of bytes inside a whole frame of
somebody else is that person's, however alike; a whole frame that is the subject's is told.
"""

import hashlib
import re
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from fmdata.catalog import card as card_file
from fmdata.catalog.clip import Clip
from fmdata.catalog.dataset import Dataset
from fmdata.catalog.finding import Finding
from fmdata.catalog.traces import Traces

# Larger files of others are not read for the name; for bytes of frames every file is.
_TEXT_BYTES = 64 << 20


class _Frame(NamedTuple):
    """A JPEG or an LBP map in a tar: where it lies, and whose clip it is in."""

    begin: int
    size: int
    key: str


def remnants(path: Path, subject: str, traces: Traces) -> Iterator[Finding]:
    """Yield every place below `path` where frames of a subject are left, or its name."""
    dataset = Dataset(path) if (path / card_file.NAME).exists() else None
    frames = _frames(dataset) if dataset else {}
    for file in sorted(path.rglob("*")):
        if file.is_file():
            yield from _pixels_left(file, traces, frames.get(file, []))
        if _is_named(file, subject):
            mend = "it is not a file of fmdata: delete it, or take the name out of it"
            yield Finding(str(file), f"the name {subject} stands there", mend)


def _frames(dataset: Dataset) -> dict[Path, list[_Frame]]:
    """Return the frames of every tar of the dataset, in the order of their bytes."""
    card, found = dataset.card, {}
    size = card.actions.settings["size"]
    halves: list[Any] = [(card_file.ACTIONS, card.actions, dataset.actions)]
    if card.compounds:
        halves.append((card_file.COMPOUNDS, card.compounds, dataset.compounds))
    for name, part, clips in halves:
        left = iter(clips)
        for shard in part.shards:
            of_shard = [f for _ in range(shard.samples) for f in _frames_of(next(left), size**2)]
            found[dataset.path / name / f"{shard.name}.tar"] = sorted(of_shard)
    return found


def _frames_of(clip: Clip, map_bytes: int) -> Iterator[_Frame]:
    row = clip.row
    for begin, n_bytes in zip(row["frame_offset"], row["frame_size"], strict=True):
        yield _Frame(begin, n_bytes, clip.key)
    if clip.has_lbp:
        maps = row["lbp_offset"] + row["lbp_size"] - clip.n_frames * map_bytes
        for i in range(clip.n_frames):
            yield _Frame(maps + i * map_bytes, map_bytes, clip.key)


def _pixels_left(file: Path, traces: Traces, frames: list[_Frame]) -> Iterator[Finding]:
    begins = [frame.begin for frame in frames]
    loose, whole = [], set()
    judged: dict[_Frame, bool] = {}
    for position in traces.found_in(file):
        frame = frames[max(bisect_right(begins, position) - 1, 0)] if frames else None
        if frame is None or not frame.begin <= position < frame.begin + frame.size:
            loose.append(position)
            continue
        if frame not in judged:
            judged[frame] = _digest(file, frame) in traces.frames
        if judged[frame]:
            whole.add(frame.key)
    if loose:
        what = f"bytes of its frames in {len(loose)} places, the first at {min(loose)}"
        yield Finding(str(file), what, "delete this file, if it is not fmdata's; else report this")
    for key in sorted(whole):
        what = f"{key} holds frames of it, whole"
        yield Finding(str(file), what, "forget that subject too, if it is the same person")


def _digest(file: Path, frame: _Frame) -> bytes:
    with file.open("rb") as data:
        data.seek(frame.begin)
        return hashlib.sha256(data.read(frame.size)).digest()


def _is_named(path: Path, subject: str) -> bool:
    """Whether a name stands in a file's own name, in its text, or among a table's subjects."""
    word = re.compile(rf"(?<!\w){re.escape(subject)}(?!\w)")
    if word.search(path.name):
        return True
    if not path.is_file() or path.stat().st_size > _TEXT_BYTES:
        return False
    if path.suffix == ".parquet":
        with suppress(OSError, KeyError, ValueError, pa.ArrowException):
            return subject in pq.read_table(path, columns=["subject"])["subject"].to_pylist()
        return False
    data = path.read_bytes()
    if path.name == card_file.NAME:
        return f'"{subject}"' in data.decode() or f'"{subject}: ' in data.decode()
    with suppress(UnicodeDecodeError):
        return b"\0" not in data and word.search(data.decode()) is not None
    return False
