"""Shards: a tar (pixels, to be streamed) and two Parquet files (facts, to be queried).

``shard-00000.parquet`` has one row a clip, ``shard-00000.frames.parquet`` one row a frame. Promise:
the same samples give the same bytes; tar headers hold no time and no host name. Pixels are copied
from file to file. Memory holds one block of frames and one group of rows, however long a clip is.
"""

import io
import json
import os
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fmdata.catalog.storage.avi import jpeg_spans
from fmdata.catalog.storage.files import atomic_file
from fmdata.catalog.storage.schema import (
    FRAME_NAMES,
    FRAME_POSITIONS,
    POSITIONS,
    Columns,
    is_scalar,
)
from fmdata.catalog.storage.tables.frames import FramesWriter

CLIPS_PER_GROUP = 256  # rows of clips written at a time, of about 600 bytes
FILES = (".tar", ".parquet", ".frames.parquet")


@dataclass(frozen=True)
class TarSlice:
    """Content of a member of an existing tar: `size` bytes from `offset`."""

    tar: Path
    offset: int
    size: int


Content = bytes | Path | TarSlice


@dataclass(frozen=True)
class Sample:
    """One clip to be written to a shard.

    Attributes
    ----------
    facts : pyarrow.Table
        One row with the facts of the clip.
    frames : iterable of pyarrow.Table
        The facts of its frames, one row a frame, in pieces of any size.
    avi, lbp : bytes, Path or TarSlice
        Contents of the members; `lbp` is None in a dataset without LBP maps.
    """

    facts: pa.Table
    frames: Iterable[pa.Table]
    avi: Content
    lbp: Content | None

    @property
    def key(self) -> str:
        """Key of the sample."""
        key: str = self.facts["key"][0].as_py()
        return key

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return int(self.facts["n_frames"][0].as_py())


def shard_name(index: int) -> str:
    """Return the name of a shard without its suffix.

    >>> shard_name(3)
    'shard-00003'
    """
    return f"shard-{index:05d}"


def write_shard(folder: Path, name: str, samples: Iterable[Sample], columns: Columns) -> None:
    """Write one shard, the three :data:`FILES` of a name; each appears only when complete."""
    scalars = [field.name for field in columns.facts if is_scalar(field)]
    with (
        atomic_file(folder / f"{name}.tar") as tar_file,
        # GNU format: names of any length, and no header with a time.
        tarfile.open(fileobj=tar_file, mode="w", format=tarfile.GNU_FORMAT) as tar,
        atomic_file(folder / f"{name}.parquet") as clips_file,
        pq.ParquetWriter(
            clips_file, columns.clips, compression="zstd", use_dictionary=False
        ) as clips,
        atomic_file(folder / f"{name}.frames.parquet") as frames_file,
        FramesWriter(frames_file, columns.frames) as frames,
    ):
        group: list[pa.Table] = []
        for sample in samples:
            positions = _add_members(tar, sample, scalars)
            group.append(_with(sample.facts, POSITIONS, [*positions, frames.n_rows]))
            frames.write(_rows_of_frames(sample, positions[0]), sample.n_frames)
            if len(group) == CLIPS_PER_GROUP:
                clips.write_table(pa.concat_tables(group).combine_chunks())
                group = []
        if group:
            clips.write_table(pa.concat_tables(group).combine_chunks())


def _add_members(
    tar: tarfile.TarFile, sample: Sample, scalars: list[str]
) -> tuple[int, int, int | None, int | None, int, int]:
    """Append the members of a sample; return offset and size of each, None for missing maps."""
    document = {name: sample.facts[name][0].as_py() for name in scalars}
    text = json.dumps(document, ensure_ascii=False).encode()
    avi = _add(tar, f"{sample.key}.avi", sample.avi)
    lbp: tuple[int, int] | tuple[None, None] = None, None
    if sample.lbp is not None:
        lbp = _add(tar, f"{sample.key}.lbp.npy", sample.lbp)
    return *avi, *lbp, *_add(tar, f"{sample.key}.json", text)


def _rows_of_frames(sample: Sample, avi_offset: int) -> Iterator[pa.Table]:
    """Yield the rows of a sample's frames with key, index, and position in the tar."""
    spans, at = _spans(sample), 0
    for table in sample.frames:
        stop = at + table.num_rows
        if stop > len(spans):
            raise ValueError(f"{len(spans)} JPEGs in the AVI of {sample.key}, for {stop} frames")
        names = [pa.array([sample.key]).take(pa.array(np.zeros(stop - at, np.int32))),
                 np.arange(at, stop, dtype=np.int32)]  # fmt: skip
        places = [spans[at:stop, 0] + avi_offset, spans[at:stop, 1]]
        whole = table
        for field, values in zip([*FRAME_NAMES, *FRAME_POSITIONS], [*names, *places], strict=True):
            whole = whole.append_column(field, pa.array(values, field.type))
        yield whole
        at = stop
    if at != len(spans):
        raise ValueError(f"{len(spans)} JPEGs in the AVI of {sample.key}, for {at} frames")


def _spans(sample: Sample) -> np.ndarray:
    """Return offset and size of each JPEG in a sample's AVI, int64 [T, 2]."""
    with _opened(sample.avi) as (avi, size):
        flat = (number for span in jpeg_spans(avi, size) for number in span)
        return np.fromiter(flat, np.int64).reshape(-1, 2)


def _with(row: pa.Table, fields: Iterable[pa.Field], values: Iterable[object]) -> pa.Table:
    """Return a table of one row with further columns."""
    for field, value in zip(fields, values, strict=True):
        row = row.append_column(field, pa.array([value], field.type))
    return row


def _add(tar: tarfile.TarFile, name: str, content: Content) -> tuple[int, int]:
    """Append one member; return the offset of its content in the tar, and its size."""
    with _opened(content) as (file, size):
        info = _info(name, size)
        tar.addfile(info, file)
    padded = -(-info.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
    return tar.offset - padded, info.size


def tar_header(name: str, size: int) -> bytes:
    """Return the bytes before a member of `size` bytes in a shard's tar."""
    return _info(name, size).tobuf(tarfile.GNU_FORMAT)


def _info(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)  # mtime 0, uid 0, no owner names
    info.mode, info.size = 0o644, size
    return info


@contextmanager
def _opened(content: Content) -> Iterator[tuple[IO[bytes], int]]:
    """Open a member's content for reading; yield the file and its size."""
    if isinstance(content, TarSlice):
        with content.tar.open("rb") as file:
            file.seek(content.offset)
            yield file, content.size
    elif isinstance(content, Path):
        with content.open("rb") as file:
            yield file, os.fstat(file.fileno()).st_size
    else:
        yield io.BytesIO(content), len(content)
