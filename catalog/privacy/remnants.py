"""Look through every file of a dataset's folder for what is left of a forgotten subject.

Bytes of its frames, wherever they stand, and its name. A run of bytes inside a whole frame of
somebody else is that person's, however alike; a whole frame that is the subject's is told.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from fmdata.catalog.clip import Clip
from fmdata.catalog.dataset import Clips, Dataset
from fmdata.catalog.privacy.pseudonyms import is_telling, whole_word
from fmdata.catalog.privacy.traces import Traces
from fmdata.catalog.storage import card as card_file
from fmdata.catalog.storage.card import Card
from fmdata.catalog.verify.finding import Finding

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
    frames = _frames_by_tar(dataset) if dataset else {}
    for file in sorted(path.rglob("*")):
        if file.is_file():
            try:
                yield from _pixels_left(file, traces, frames.get(file, list))
            except OSError as fault:
                mend = "look into it yourself, or delete it"
                yield Finding(str(file), f"cannot be looked through: {fault.strerror}", mend)
        if dataset and file == path / card_file.NAME:
            named = _in_card(dataset.card, subject)
        else:
            named = _is_named(file, subject)
        if named:
            mend = "delete it, or take the name out of it, if it is not fmdata's; else report this"
            yield Finding(str(file), f"the name {subject} stands there", mend)


def _frames_by_tar(dataset: Dataset) -> dict[Path, Callable[[], list[_Frame]]]:
    """Return, for every tar of the dataset, what gives its frames in the order of their bytes."""
    found: dict[Path, Callable[[], list[_Frame]]] = {}
    map_bytes = dataset.card.actions.settings["size"] ** 2
    halves: list[Any] = [(card_file.ACTIONS, dataset.card.actions, dataset.actions)]
    if dataset.card.compounds:
        halves.append((card_file.COMPOUNDS, dataset.card.compounds, dataset.compounds))
    for name, part, clips in halves:
        stop = 0
        for shard in part.shards:
            start, stop = stop, stop + shard.samples
            tar = dataset.path / name / f"{shard.name}.tar"
            found[tar] = partial(_frames_between, clips, start, stop, map_bytes)
    return found


def _frames_between(clips: Clips[Any], start: int, stop: int, map_bytes: int) -> list[_Frame]:
    return sorted(f for i in range(start, stop) for f in _frames_of(clips[i], map_bytes))


def _frames_of(clip: Clip, map_bytes: int) -> Iterator[_Frame]:
    row = clip.row
    for begin, n_bytes in zip(row["frame_offset"], row["frame_size"], strict=True):
        yield _Frame(begin, n_bytes, clip.key)
    if clip.has_lbp:
        maps = row["lbp_offset"] + row["lbp_size"] - clip.n_frames * map_bytes
        for i in range(clip.n_frames):
            yield _Frame(maps + i * map_bytes, map_bytes, clip.key)


def _pixels_left(
    file: Path, traces: Traces, frames: Callable[[], list[_Frame]]
) -> Iterator[Finding]:
    found = list(traces.found_in(file))
    if not found:
        return
    known = frames()
    begins = [frame.begin for frame in known]
    loose, whole = [], set()
    judged: dict[_Frame, bool] = {}
    for position in found:
        frame = known[bisect_right(begins, position) - 1] if known else None
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


def _in_card(card: Card, subject: str) -> bool:
    parts = [card.actions, *([card.compounds] if card.compounds else [])]
    in_notes = any(n.startswith(f"{subject}: ") for part in parts for n in part.notes)
    return in_notes or any(subject in shard.subjects for part in parts for shard in part.shards)


def _is_named(path: Path, subject: str) -> bool:
    """Whether a name stands in a file's own name, in its text, or among a table's subjects."""
    if path.suffix == ".parquet" and path.is_file():
        with suppress(OSError, KeyError, ValueError, pa.ArrowException):
            return subject in pq.read_table(path, columns=["subject"])["subject"].to_pylist()
    if not is_telling(subject):
        return False  # a number may as well be something else
    word = whole_word(subject)
    if word.search(path.name):
        return True
    with suppress(OSError, UnicodeDecodeError):
        if path.is_file() and path.stat().st_size <= _TEXT_BYTES:
            data = path.read_bytes()
            return b"\0" not in data and word.search(data.decode()) is not None
    return False
