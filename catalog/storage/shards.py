"""Shards: pairs of a tar (pixels, streamed) and a Parquet file (facts, queried).

Promise: the same samples give the same bytes. Tar headers are fixed: no clock, no host name. What
lies in a file is copied from file to file. Of a shard, a group of rows is in memory, the last of
which may be that of a very long clip, and what Parquet needs to write one row: six times that row.
"""

import io
import json
import os
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from fmdata.catalog.storage.avi import jpeg_spans
from fmdata.catalog.storage.files import atomic_file
from fmdata.catalog.storage.schema import POSITIONS, is_scalar

# Few enough that one clip's landmarks come without unpacking a whole shard, and that the rows of
# long clips do not fill the memory.
ROWS_PER_GROUP = 8
BYTES_PER_GROUP = 128 << 20


@dataclass(frozen=True)
class Stretch:
    """A member's content where it lies in a tar: `size` bytes from `offset` on."""

    tar: Path
    offset: int
    size: int


Content = bytes | Path | Stretch


@dataclass(frozen=True)
class Sample:
    """One clip on its way into a shard.

    Attributes
    ----------
    facts : pyarrow.Table
        One row, the columns of the schema without the positions.
    avi, lbp : bytes, Path or Stretch
        The members' content, or where it is; `lbp` is None in a dataset without LBP maps.
    """

    facts: pa.Table
    avi: Content
    lbp: Content | None

    @property
    def key(self) -> str:
        """The sample's key."""
        key: str = self.facts["key"][0].as_py()
        return key


def shard_name(index: int) -> str:
    """Name of a shard without its suffix.

    >>> shard_name(3)
    'shard-00003'
    """
    return f"shard-{index:05d}"


def write_shard(folder: Path, name: str, samples: Iterable[Sample], facts: pa.Schema) -> None:
    """Write one shard, ``<name>.tar`` and ``<name>.parquet``, each appearing only when whole."""
    schema = pa.schema([*facts, *POSITIONS])
    scalars = [field.name for field in facts if is_scalar(field)]
    with (
        atomic_file(folder / f"{name}.tar") as tar_file,
        # GNU format: no limit on the length of a name, and no header that could carry a clock.
        tarfile.open(fileobj=tar_file, mode="w", format=tarfile.GNU_FORMAT) as tar,
        atomic_file(folder / f"{name}.parquet") as parquet_file,
        pq.ParquetWriter(parquet_file, schema, compression="zstd", use_dictionary=False) as rows,
    ):
        group: list[pa.Table] = []
        for sample in samples:
            document = {name: sample.facts[name][0].as_py() for name in scalars}
            text = json.dumps(document, ensure_ascii=False).encode()
            avi_offset, avi_size = _add(tar, f"{sample.key}.avi", sample.avi)
            lbp_offset, lbp_size = None, None
            if sample.lbp is not None:
                lbp_offset, lbp_size = _add(tar, f"{sample.key}.lbp.npy", sample.lbp)
            json_offset, json_size = _add(tar, f"{sample.key}.json", text)
            with _opened(sample.avi) as (avi, size):
                frames = jpeg_spans(avi, size)
            positions: list[Any] = [
                avi_offset, avi_size, lbp_offset, lbp_size, json_offset, json_size,
                [avi_offset + span.offset for span in frames], [span.size for span in frames],
            ]  # fmt: skip
            row = sample.facts
            for field, value in zip(POSITIONS, positions, strict=True):
                row = row.append_column(field, pa.array([value], field.type))
            group.append(row)
            full = sum(one.nbytes for one in group) >= BYTES_PER_GROUP
            if full or len(group) == ROWS_PER_GROUP:
                rows.write_table(pa.concat_tables(group))  # each row a chunk of its own
                group = []
        if group:
            rows.write_table(pa.concat_tables(group))


def _add(tar: tarfile.TarFile, name: str, content: Content) -> tuple[int, int]:
    """Append one member; return where its content begins in the tar, and its size."""
    info = tarfile.TarInfo(name)  # mtime 0, uid 0, no owner names
    info.mode = 0o644
    with _opened(content) as (file, info.size):
        tar.addfile(info, file)
    padded = -(-info.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
    return tar.offset - padded, info.size


@contextmanager
def _opened(content: Content) -> Iterator[tuple[IO[bytes], int]]:
    """Open a member's content for reading, and say how long it is."""
    if isinstance(content, Stretch):
        with content.tar.open("rb") as file:
            file.seek(content.offset)
            yield file, content.size
    elif isinstance(content, Path):
        with content.open("rb") as file:
            yield file, os.fstat(file.fileno()).st_size
    else:
        yield io.BytesIO(content), len(content)
