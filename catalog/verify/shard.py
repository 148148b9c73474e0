"""Verification of one shard: rows, members and card agree, and each member is in its place."""

import json
import tarfile
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import islice
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fmdata.catalog.clip import ActionClip, Clip
from fmdata.catalog.keys import action_key, compound_key
from fmdata.catalog.storage.avi import Span, jpeg_spans
from fmdata.catalog.storage.made_by.processor import processors_of
from fmdata.catalog.storage.npy import npy_header
from fmdata.catalog.storage.schema import is_scalar, may_be_null, per_frame, with_labels
from fmdata.catalog.storage.shards import SUFFIXES
from fmdata.catalog.storage.tables.frames import FramesReader
from fmdata.catalog.storage.tables.opened import OpenedShard
from fmdata.catalog.storage.tables.parquet import open_parquet
from fmdata.catalog.storage.tars.writer import tar_header
from fmdata.catalog.types import N_POINTS
from fmdata.catalog.verify.finding import Finding
from fmdata.catalog.verify.rows import problem_of_motion
from fmdata.catalog.verify.sound import problem_of_sound
from fmdata.catalog.virtual.compound import CompoundClip

_CLIPS_AT_A_TIME = 64


class ShardCheck:
    """Checks one shard, clip by clip.

    Parameters
    ----------
    files : OpenedShard
        The shard and its entry in the card.
    clip : type
        Class of its clips.
    size : int
        Width and height of a crop, in pixels.
    todo : str
        The next step for the user, for all findings.
    """

    def __init__(self, files: OpenedShard, clip: type[Clip], size: int, todo: str) -> None:
        self._files, self._shard, self._clip = files, files.shard, clip
        self._size, self._todo = size, todo
        self._columns = with_labels(clip.COLUMNS, files.labels)
        self._reader = FramesReader()
        with open_parquet(self._files.clips) as file:
            self._rows = file.read()

    def problem_of_tables(self) -> str | None:
        """Return the problem that prevents reading the tables as rows of the format, or None."""
        columns = self._columns
        if not self._rows.schema.equals(columns.clips):
            return "other columns than the format's"
        if problem := problem_of_nulls(self._rows):
            return problem
        path = self._files.frames
        with open_parquet(path) as file:
            if not file.schema_arrow.equals(columns.frames):
                return "other columns of frames than the format's"
        for block in self._reader.file(path):
            if problem := problem_of_nulls(block) or _problem_of_landmarks(block):
                return problem
        return None

    @cached_property
    def is_whole(self) -> bool:
        """True where the tables have the card's number of clips, and a row per frame of them."""
        path = self._files.frames
        n_frames = pc.sum(self._rows["n_frames"]).as_py() or 0
        with open_parquet(path) as file:
            n_rows = file.metadata.num_rows
        return bool(self._rows.num_rows == self._shard.samples and n_rows == n_frames)

    def clips(self) -> Iterator[Clip]:
        """Yield the clips, a few rows at a time."""
        for batch in self._rows.to_batches(_CLIPS_AT_A_TIME):
            for row in batch.to_pylist():
                yield self._clip(row, self._files, self._reader)

    def findings(self) -> Iterator[Finding]:
        """Check tables without a problem, and content and position of each member of the tar."""
        parquet, tar = str(self._files.clips), str(self._files.tar)
        for problem in self._problems_of_rows():
            yield Finding(parquet, problem, self._todo)
        for problem in self._problems_of_tar():
            yield Finding(tar, problem, self._todo)

    def _problems_of_rows(self) -> Iterator[str]:
        rows, shard = self._rows, self._shard
        folds = sorted(pc.unique(rows["fold"]).to_pylist())
        if folds != [shard.fold]:
            yield f"folds {folds}, wanted {shard.fold} alone"
        if rows.num_rows != shard.samples:
            yield f"{rows.num_rows} samples, and the card says {shard.samples}"
        elif not self.is_whole:
            yield "it has not one row per frame of its clips"
        if pc.unique(rows["subject"]).to_pylist() != shard.subjects:
            yield "other subjects than the card says"
        if processors_of(rows) != shard.processors:
            yield "other processors than the card says"
        begin = 0
        for clip in self.clips():
            if problem := _problem_of_facts(clip, self._size):
                yield problem
            if clip.row["frames_row"] != begin:
                yield f"{clip.key}: its frames at row {clip.row['frames_row']}, wanted {begin}"
            begin += clip.n_frames
            if not self.is_whole or not isinstance(clip, ActionClip):
                continue
            if problem := problem_of_motion(clip):
                yield f"{clip.key}{problem}"

    def _problems_of_tar(self) -> Iterator[str]:
        path = self._files.tar
        facts = self._columns.facts
        scalars = [field.name for field in facts if is_scalar(field)]
        nulls = {kind: self._rows[f"{kind}_offset"].null_count for kind in SUFFIXES}
        for kind in (kind for kind, n in nulls.items() if n not in (0, self._rows.num_rows)):
            yield f"members {SUFFIXES[kind]} in some samples and not in others"
        end, n_bytes = 0, path.stat().st_size
        with path.open("rb") as file:
            for clip in self.clips():
                for kind, suffix in SUFFIXES.items():
                    if nulls[kind]:
                        continue
                    place = Span(clip.row[f"{kind}_offset"], clip.row[f"{kind}_size"])
                    if not _is_member(file, clip.key + suffix, place, end, n_bytes):
                        yield f"{clip.key}{suffix} is not where the Parquet file says"
                        return
                    end = place.offset + place.size + -place.size % tarfile.BLOCKSIZE
                problem = _problem_of_sample(file, clip, scalars, self._size)
                if self.is_whole and not problem:
                    problem = problem_of_sound(file, clip) or _problem_of_frames(file, clip)
                if problem:
                    yield f"{clip.key}: {problem}"
            file.seek(end)
            rest = file.read(2 * tarfile.RECORDSIZE)
            # A tar ends with two empty blocks, padded to a record.
            if len(rest) >= 2 * tarfile.BLOCKSIZE + tarfile.RECORDSIZE or rest.strip(b"\0"):
                yield "bytes after its last member"


def problem_of_nulls(table: pa.Table) -> str | None:
    """Return the problem of a column that has nulls and must not, or None."""
    for name, column in zip(table.column_names, table.columns, strict=True):
        if column.null_count and not may_be_null(name):
            return f"{column.null_count} rows without {name}"
    return None


def _problem_of_landmarks(frames: pa.Table) -> str | None:
    if "landmarks" not in frames.column_names:
        return None
    lengths = pc.unique(pc.list_value_length(frames["landmarks"])).to_pylist()
    odd = [length for length in lengths if length not in [3 * n for n in N_POINTS]]
    return f"{odd[0]} numbers in the landmarks of a frame" if odd else None


def _problem_of_facts(clip: Clip, size: int) -> str | None:
    """Return the problem of a clip's key or size, or None."""
    row = clip.row
    if isinstance(clip, CompoundClip):
        key = compound_key(row["subject"], row["first"], row["second"], row["copy"])
    else:
        key = action_key(row["subject"], row["action"], row["take"])
    if row["key"] != key:
        return f"the key {row['key']}, wanted {key}"
    if isinstance(clip, ActionClip) and row["review"] is None and not _is_as_recorded(row):
        return f"{row['key']} has other names than its recording, without a review"
    if row.get("size", size) != size:
        return f"{row['key']} is {row['size']} pixels wide, wanted {size}"
    return None


def _is_as_recorded(row: Mapping[str, Any]) -> bool:
    return bool((row["recorded_action"], row["recorded_take"]) == (row["action"], row["take"]))


def _is_member(file: IO[bytes], name: str, place: Span, begin: int, n_bytes: int) -> bool:
    """Return whether a tar of `n_bytes` has a member at a place, its header from `begin` on.

    The header is compared with the one that was written, and never parsed.
    """
    if not 0 <= place.offset <= place.offset + place.size <= n_bytes:
        return False
    header = tar_header(name, place.size)
    file.seek(begin)
    return place.offset == begin + len(header) and file.read(len(header)) == header


def _problem_of_sample(file: IO[bytes], clip: Clip, scalars: list[str], size: int) -> str | None:
    """Return the problem of maps or JSON of a sample in an open tar, or None."""
    row = clip.row
    if clip.has_lbp:
        shape = clip.n_frames, size, size
        header = npy_header(np.dtype(np.uint8), shape)
        file.seek(row["lbp_offset"])
        if file.read(len(header)) != header:
            return f"LBP maps of another type or shape than uint8 {list(shape)}"
        n_bytes = row["lbp_size"] - len(header)
        if n_bytes != clip.n_frames * size**2:
            return f"{n_bytes} bytes of LBP maps"
    # Not parsed: the text is compared with the one that was written.
    text = json.dumps({name: row[name] for name in scalars}, ensure_ascii=False).encode()
    file.seek(row["json_offset"])
    if row["json_size"] != len(text) or file.read(len(text)) != text:
        return "its JSON differs from its row"
    return None


def _problem_of_frames(file: IO[bytes], clip: Clip) -> str | None:
    """Return the problem of the positions of a sample's frames in an open tar, or None."""
    begin = clip.row["avi_offset"]
    file.seek(begin)
    found = islice(jpeg_spans(file, clip.row["avi_size"]), clip.n_frames + 1)
    spans = [(begin + span.offset, span.size) for span in found]
    if len(spans) != clip.n_frames:
        return f"{len(spans)} frames or more, wanted {clip.n_frames}"
    at = 0
    for block in clip.frame_blocks(["key", "index", "jpeg_offset", "jpeg_size"]):
        stop = at + block.num_rows
        if pc.unique(block["key"]).to_pylist() != [clip.key]:
            return "rows of frames with another key"
        index, *places = (per_frame(column) for column in block.columns[1:])
        if not np.array_equal(index, np.arange(at, stop)):
            return "rows of frames that are not in order"
        if not np.array_equal(np.stack(places, axis=1), spans[at:stop]):
            return "its frames are at other positions"
        at = stop
    return None
