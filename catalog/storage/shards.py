"""Shards: a tar (pixels, to be streamed) and two Parquet files (facts, to be queried).

``shard-00000.parquet`` has one row a clip, ``shard-00000.frames.parquet`` one row a frame. Promise:
the same samples give the same bytes. Pixels are copied from file to file, and hashed on the way.
Memory holds one block of frames and one group of rows, however long a clip is.
"""

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fmdata.catalog.storage.avi import jpeg_spans
from fmdata.catalog.storage.card import FileFacts
from fmdata.catalog.storage.made_by.processor import processors_of
from fmdata.catalog.storage.schema import POSITIONS, Columns, is_scalar
from fmdata.catalog.storage.tables.frames import FramesWriter
from fmdata.catalog.storage.tars.content import Content, Joined, TarSlice, size_of
from fmdata.catalog.storage.tars.writer import HashedFile, TarWriter, hashed_file

SAMPLES_TOGETHER = 32  # samples whose members are copied before their rows are made
CLIPS_PER_GROUP = 256  # rows of clips written at a time, of about 600 bytes
FILES = (".tar", ".parquet", ".frames.parquet")
# Members of a sample, in the order of their positions in the row.
SUFFIXES = {"avi": ".avi", "lbp": ".lbp.npy", "wav": ".wav", "json": ".json"}
Positions = tuple[int | None, ...]  # as schema.POSITIONS


@dataclass(frozen=True)
class Sample:
    """One clip to be written to a shard.

    Attributes
    ----------
    facts : pyarrow.Table
        One row with the facts of the clip.
    frames : iterable of pyarrow.Table
        The facts of its frames, one row a frame, in pieces of any size.
    avi, lbp, wav : bytes, Path, TarSlice or Joined
        Contents of the members; `lbp` is None in a dataset without LBP maps, `wav` in one without
        sound and of a compound.
    jpeg_spans : int64 [T, 2], optional
        Offset and size of each JPEG in the AVI; by default they are searched for.
    """

    facts: pa.Table
    frames: Iterable[pa.Table]
    avi: Content
    lbp: Content | None
    jpeg_spans: np.ndarray | None = None
    wav: Content | None = None

    @cached_property
    def key(self) -> str:
        """Key of the sample."""
        key: str = self.facts["key"][0].as_py()
        return key

    @cached_property
    def n_frames(self) -> int:
        """Number of frames."""
        return int(self.facts["n_frames"][0].as_py())


class Written(NamedTuple):
    """Size and digest of each file of a shard, and the processors that made its clips."""

    tar: FileFacts
    parquet: FileFacts
    frames: FileFacts
    processors: list[str]


def shard_name(index: int) -> str:
    """Return the name of a shard without its suffix.

    >>> shard_name(3)
    'shard-00003'
    """
    return f"shard-{index:05d}"


def write_shard(folder: Path, name: str, samples: Iterable[Sample], columns: Columns) -> Written:
    """Write one shard, the three :data:`FILES` of a name; each appears only when complete."""
    scalars = [field.name for field in columns.facts if is_scalar(field)]
    with (
        hashed_file(folder / f"{name}.tar") as tar_file,
        closing(TarWriter(tar_file)) as tar,
        hashed_file(folder / f"{name}.parquet") as clips_file,
        _ClipsWriter(clips_file, columns.clips) as clips,
        hashed_file(folder / f"{name}.frames.parquet") as frames_file,
        FramesWriter(frames_file, columns.frames) as frames,
    ):
        # Copying empties the caches, so members are copied one after another, and rows made so too.
        for some in _together(samples):
            texts = _documents(some, scalars)
            positions = [_add_members(tar, *one) for one in zip(some, texts, strict=True)]
            for sample, places in zip(some, positions, strict=True):
                clips.add(sample.facts, (*places, frames.n_rows))
                assert places[0] is not None
                frames.write(_rows_of_frames(sample, places[0], columns), sample.n_frames)
    facts = (tar_file.facts, clips_file.facts, frames_file.facts)
    return Written(*facts, sorted(clips.processors))


class _ClipsWriter:
    """Writes the table of clips, in groups of rows."""

    def __init__(self, file: HashedFile, schema: pa.Schema) -> None:
        self._schema = schema
        self._parquet = pq.ParquetWriter(file, schema, compression="zstd", use_dictionary=False)
        self._facts: list[pa.Table] = []
        self._positions: list[Positions] = []
        self.processors: set[str] = set()

    def __enter__(self) -> "_ClipsWriter":
        return self

    def __exit__(self, error: object, *_: object) -> None:
        try:
            if error is None and self._facts:
                self._flush()
        finally:
            self._parquet.close()

    def add(self, facts: pa.Table, positions: Positions) -> None:
        """Add one row."""
        self._facts.append(facts)
        self._positions.append(positions)
        if len(self._facts) == CLIPS_PER_GROUP:
            self._flush()

    def _flush(self) -> None:
        group = pa.concat_tables(self._facts).combine_chunks()
        for field, values in zip(POSITIONS, zip(*self._positions, strict=True), strict=True):
            group = group.append_column(field, pa.array(values, field.type))
        self.processors.update(processors_of(group))
        self._parquet.write_table(group)
        self._facts, self._positions = [], []


def _together(samples: Iterable[Sample]) -> Iterator[list[Sample]]:
    """Yield the samples in lists; one whose AVI is in memory comes alone."""
    some: list[Sample] = []
    for sample in samples:
        alone = isinstance(sample.avi, bytes)
        if some and (alone or len(some) == SAMPLES_TOGETHER):
            yield some
            some = []
        some.append(sample)
        if alone:
            yield some
            some = []
    if some:
        yield some


def _documents(samples: Sequence[Sample], scalars: list[str]) -> list[bytes]:
    """Return the JSON member of each sample."""
    facts = pa.concat_tables([sample.facts.select(scalars) for sample in samples])
    return [json.dumps(row, ensure_ascii=False).encode() for row in facts.to_pylist()]


def _add_members(tar: TarWriter, sample: Sample, text: bytes) -> Positions:
    """Append the members of a sample; return offset and size of each, None for a missing one."""
    contents = {"avi": sample.avi, "lbp": sample.lbp, "wav": sample.wav, "json": text}
    positions: list[int | None] = []
    for kind, suffix in SUFFIXES.items():
        content = contents[kind]
        positions += (None, None) if content is None else tar.add(sample.key + suffix, content)
    return tuple(positions)


def _rows_of_frames(sample: Sample, avi_offset: int, columns: Columns) -> Iterator[pa.Table]:
    """Yield the rows of a sample's frames with key, index, and position in the tar."""
    spans, at = _spans(sample), 0
    key, schema = pa.array([sample.key]), columns.frame_facts
    for table in sample.frames:
        stop = at + table.num_rows
        if stop > len(spans):
            raise ValueError(f"{len(spans)} JPEGs in the AVI of {sample.key}, for {stop} frames")
        if table.schema != schema:  # read from Parquet, which names the items of its lists
            table = table.select(schema.names).cast(schema)
        names = [key.take(pa.array(np.zeros(stop - at, np.int32))),
                 pa.array(np.arange(at, stop, dtype=np.int32))]  # fmt: skip
        places = [pa.array(spans[at:stop, 0] + avi_offset), pa.array(spans[at:stop, 1])]
        yield pa.Table.from_arrays([*names, *table.columns, *places], schema=columns.frames)
        at = stop
    if at != len(spans):
        raise ValueError(f"{len(spans)} JPEGs in the AVI of {sample.key}, for {at} frames")


def _spans(sample: Sample) -> np.ndarray:
    """Return offset and size of each JPEG in a sample's AVI, int64 [T, 2]."""
    if sample.jpeg_spans is not None:
        return sample.jpeg_spans
    with _opened(sample.avi) as (avi, size):
        flat = (number for span in jpeg_spans(avi, size) for number in span)
        return np.fromiter(flat, np.int64).reshape(-1, 2)


@contextmanager
def _opened(content: Content) -> Iterator[tuple[IO[bytes], int]]:
    """Open a member's content for reading; yield the file and its size."""
    if isinstance(content, bytes):
        yield io.BytesIO(content), len(content)
    elif isinstance(content, Joined):
        raise TypeError("the JPEGs of a joined AVI are known")
    else:
        with (content.tar if isinstance(content, TarSlice) else content).open("rb") as file:
            file.seek(content.offset if isinstance(content, TarSlice) else 0)
            yield file, size_of(content)
