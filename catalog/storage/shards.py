"""Shards: pairs of a tar (pixels, to be streamed) and a Parquet file (facts, to be queried).

Promise: the same samples give the same bytes; tar headers hold no time and no host name. Pixels are
copied from file to file. Memory holds one row group, whose last row may belong to a very long clip,
and the Parquet buffers for one row (six times its size).
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

# Small groups: one clip's landmarks are read without decoding a whole shard, and the rows of long
# clips do not fill the memory.
ROWS_PER_GROUP = 8
BYTES_PER_GROUP = 128 << 20


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
        One row with the columns of the schema, without positions.
    avi, lbp : bytes, Path or TarSlice
        Contents of the members; `lbp` is None in a dataset without LBP maps.
    """

    facts: pa.Table
    avi: Content
    lbp: Content | None

    @property
    def key(self) -> str:
        """Key of the sample."""
        key: str = self.facts["key"][0].as_py()
        return key


def shard_name(index: int) -> str:
    """Return the name of a shard without its suffix.

    >>> shard_name(3)
    'shard-00003'
    """
    return f"shard-{index:05d}"


def write_shard(folder: Path, name: str, samples: Iterable[Sample], facts: pa.Schema) -> None:
    """Write one shard, ``<name>.tar`` and ``<name>.parquet``; each appears only when complete."""
    schema = pa.schema([*facts, *POSITIONS])
    scalars = [field.name for field in facts if is_scalar(field)]
    with (
        atomic_file(folder / f"{name}.tar") as tar_file,
        # GNU format: names of any length, and no header with a time.
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
                rows.write_table(pa.concat_tables(group))  # one chunk per row
                group = []
        if group:
            rows.write_table(pa.concat_tables(group))


def _add(tar: tarfile.TarFile, name: str, content: Content) -> tuple[int, int]:
    """Append one member; return the offset of its content in the tar, and its size."""
    info = tarfile.TarInfo(name)  # mtime 0, uid 0, no owner names
    info.mode = 0o644
    with _opened(content) as (file, info.size):
        tar.addfile(info, file)
    padded = -(-info.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
    return tar.offset - padded, info.size


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
