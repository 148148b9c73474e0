"""Search of every file in a dataset's folder for remnants of a forgotten subject.

Remnants are bytes of the subject's frames or sound at any position, and the subject's name, also in
the rows of others. Equal bytes inside a frame of another subject are no remnant, unless the two
frames are equal as a whole; so it is with seconds of sound. Memory holds the places of one shard's
frames.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from fmdata.catalog.clip import Clip
from fmdata.catalog.clips import Clips
from fmdata.catalog.dataset import Dataset
from fmdata.catalog.privacy.names import Name
from fmdata.catalog.privacy.traces import Traces
from fmdata.catalog.progress import SILENT, Progress
from fmdata.catalog.storage import card as card_file
from fmdata.catalog.storage.place import all_files
from fmdata.catalog.storage.tars.wav import wav_blocks
from fmdata.catalog.verify.finding import Finding

_IF_OURS = "if fmdata wrote it, report this as a bug"


class _Frames:
    """Places of JPEGs, LBP maps and sound in a tar, in order, each with the key of its clip."""

    def __init__(self, clips: Iterator[Clip]) -> None:
        keys, spans = [], [np.zeros((0, 3), np.int64)]
        for clip in clips:
            keys.append(clip.key)
            places = frame_spans(clip)
            number = np.full((len(places), 1), len(keys) - 1)
            spans.append(np.concatenate([places, number], axis=1))
        self._keys = keys
        self._spans = np.concatenate(spans)
        self._spans = self._spans[np.argsort(self._spans[:, 0], kind="stable")]

    def at(self, position: int) -> tuple[int, int, str] | None:
        """Return begin, size and key of the frame at a position, or None."""
        row = int(np.searchsorted(self._spans[:, 0], position, side="right")) - 1
        if row < 0:
            return None
        begin, size, number = map(int, self._spans[row])
        return (begin, size, self._keys[number]) if position < begin + size else None


def remnants(
    path: Path, subject: str, traces: Traces, progress: Progress = SILENT
) -> Iterator[Finding]:
    """Yield a finding for each file below `path` with frames of a subject, or with its name."""
    dataset = Dataset(path) if (path / card_file.NAME).exists() else None
    frames = _frames_by_tar(dataset) if dataset else {}
    name = Name(subject)
    files = list(all_files(path))
    progress.start("forget: search", len(files), "files")
    for file in files:
        progress.step()
        try:
            if file.is_file():
                yield from _pixels_left(file, traces, frames.get(file, partial(_Frames, iter(()))))
            if dataset and file == path / card_file.NAME:
                where = "a note, a shard, --keep or a statement"
                places = [where] if name.in_card(dataset.card) else []
            else:
                places = list(name.places_in(file))
        except (OSError, ValueError, pa.ArrowException) as error:
            reason = getattr(error, "strerror", None) or error
            yield Finding(str(file), f"cannot be searched: {reason}", "inspect it, or delete it")
            continue
        for place in places:
            todo = "rename that action or take in the raw folder and build again"
            if dataset and file == path / card_file.NAME:
                todo = "state it anew (`fmdata card`), or build with another --keep or review"
            elif not (dataset and file.suffix in (".parquet", ".arrow")):
                todo = f"delete it, or remove the name from it; {_IF_OURS}"
            yield Finding(str(file), f"the name {subject} is in {place}", todo)


def frame_spans(clip: Clip) -> np.ndarray:
    """Return the places in its tar of a clip's JPEGs, LBP maps and seconds of sound.

    They are int64 [N, 2]: offset, size.
    """
    size, row, spans = clip.size**2, clip.row, [clip.jpeg_spans]
    if clip.has_lbp:
        starts = row["lbp_offset"] + row["lbp_size"] - np.arange(clip.n_frames, 0, -1) * size
        spans.append(np.stack([starts, np.full(clip.n_frames, size)], axis=1))
    if clip.has_sound:
        spans.append(wav_blocks(row["wav_offset"], row["wav_size"]))
    return np.concatenate(spans)


def _frames_by_tar(dataset: Dataset) -> dict[Path, Callable[[], _Frames]]:
    """Return, for each tar of the dataset, a function that lists its frames."""
    found: dict[Path, Callable[[], _Frames]] = {}
    for clips in (half for half in dataset.halves if not half.part.virtual):
        stop = 0
        for shard in clips.part.shards:
            start, stop = stop, stop + shard.samples
            found[clips.opened(shard).tar] = partial(_frames_between, clips, start, stop)
    return found


def _frames_between(clips: Clips[Any], start: int, stop: int) -> _Frames:
    return _Frames(clips[i] for i in range(start, stop))


def _pixels_left(file: Path, traces: Traces, frames: Callable[[], _Frames]) -> Iterator[Finding]:
    known: _Frames | None = None
    loose, first, is_equal = 0, 0, False
    whole: set[str] = set()
    last: tuple[int, int, str] | None = None
    for position in traces.found_in(file):
        known = known or frames()
        frame = known.at(position)
        if frame is None:
            first = first if loose else position
            loose += 1
        elif frame != last:
            last, is_equal = frame, traces.has_frame(_bytes(file, *frame[:2]))
            whole |= {frame[2]} if is_equal else set()
    if loose:
        problem = f"bytes of its frames or sound in {loose} places, the first at {first}"
        yield Finding(str(file), problem, f"delete this file; {_IF_OURS}")
    for key in sorted(whole):
        problem = f"{key} holds complete frames or seconds of sound of it"
        yield Finding(str(file), problem, "forget that subject too, if it is the same person")


def _bytes(file: Path, begin: int, size: int) -> bytes:
    with file.open("rb") as data:
        data.seek(begin)
        return data.read(size)
