"""Search of every file in a dataset's folder for remnants of a forgotten subject.

Remnants are bytes of the subject's frames at any position, and the subject's name. Equal bytes
inside a frame of another subject are no remnant, unless the two frames are equal as a whole.
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
from fmdata.catalog.keys import composed
from fmdata.catalog.privacy.pseudonyms import is_distinctive, whole_word
from fmdata.catalog.privacy.traces import Traces
from fmdata.catalog.storage import card as card_file
from fmdata.catalog.storage.card import Card
from fmdata.catalog.storage.place import all_files
from fmdata.catalog.verify.finding import Finding

# Files larger than this are searched for frames only, not for the name.
_TEXT_BYTES = 64 << 20
_IF_OURS = "if fmdata wrote it, report this as a bug"


class _Frame(NamedTuple):
    """A JPEG or an LBP map in a tar: offset, size, and key of its clip."""

    begin: int
    size: int
    key: str


def remnants(path: Path, subject: str, traces: Traces) -> Iterator[Finding]:
    """Yield a finding for each file below `path` with frames of a subject, or with its name."""
    dataset = Dataset(path) if (path / card_file.NAME).exists() else None
    frames = _frames_by_tar(dataset) if dataset else {}
    for file in all_files(path):
        if file.is_file():
            try:
                yield from _pixels_left(file, traces, frames.get(file, list))
            except OSError as error:
                todo = "inspect it yourself, or delete it"
                yield Finding(str(file), f"cannot be searched: {error.strerror}", todo)
        if dataset and file == path / card_file.NAME:
            named = _in_card(dataset.card, subject)
        else:
            named = _is_named(file, subject)
        if named:
            todo = f"delete it, or remove the name from it; {_IF_OURS}"
            yield Finding(str(file), f"the name {subject} is in it", todo)


def _frames_by_tar(dataset: Dataset) -> dict[Path, Callable[[], list[_Frame]]]:
    """Return, for each tar of the dataset, a function that lists its frames by offset."""
    found: dict[Path, Callable[[], list[_Frame]]] = {}
    map_bytes = dataset.card.size**2
    for clips in dataset.halves:
        stop = 0
        for shard in clips.part.shards:
            start, stop = stop, stop + shard.samples
            tar = clips.folder / f"{shard.name}.tar"
            found[tar] = partial(_frames_between, clips, start, stop, map_bytes)
    return found


def _frames_between(clips: Clips[Any], start: int, stop: int, map_bytes: int) -> list[_Frame]:
    return sorted(f for i in range(start, stop) for f in _frames_of(clips[i], map_bytes))


def _frames_of(clip: Clip, map_bytes: int) -> Iterator[_Frame]:
    row = clip.row
    for begin, n_bytes in clip.jpeg_spans.tolist():
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
    is_equal: dict[_Frame, bool] = {}
    for position in found:
        frame = known[bisect_right(begins, position) - 1] if known else None
        if frame is None or not frame.begin <= position < frame.begin + frame.size:
            loose.append(position)
            continue
        if frame not in is_equal:
            is_equal[frame] = _digest(file, frame) in traces.frames
        if is_equal[frame]:
            whole.add(frame.key)
    if loose:
        problem = f"bytes of its frames in {len(loose)} places, the first at {min(loose)}"
        yield Finding(str(file), problem, f"delete this file; {_IF_OURS}")
    for key in sorted(whole):
        problem = f"{key} holds complete frames of it"
        yield Finding(str(file), problem, "forget that subject too, if it is the same person")


def _digest(file: Path, frame: _Frame) -> bytes:
    with file.open("rb") as data:
        data.seek(frame.begin)
        return hashlib.sha256(data.read(frame.size)).digest()


def _in_card(card: Card, subject: str) -> bool:
    in_notes = any(n.startswith(f"{subject}: ") for part in card.parts for n in part.notes)
    shards = [shard for part in card.parts for shard in part.shards]
    return in_notes or any(subject in shard.subjects for shard in shards)


def _is_named(path: Path, subject: str) -> bool:
    """Return whether a file's own name, its text, or a table's subjects contain a name."""
    if path.suffix == ".parquet" and path.is_file():
        with suppress(OSError, KeyError, ValueError, pa.ArrowException):
            return subject in pq.read_table(path, columns=["subject"])["subject"].to_pylist()
    if not is_distinctive(subject):
        return False  # a number has other meanings too
    word = whole_word(subject)
    if word.search(composed(path.name)):
        return True
    with suppress(OSError, UnicodeDecodeError):
        if path.is_file() and path.stat().st_size <= _TEXT_BYTES:
            data = path.read_bytes()
            return b"\0" not in data and word.search(composed(data.decode())) is not None
    return False
