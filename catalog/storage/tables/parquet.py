"""Parquet files opened with limits: what a file claims is checked before memory is taken for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fmdata.catalog.storage.schema import DROPPED_COLUMNS
from fmdata.catalog.types import REASONS, STAGES

_MAGIC = b"PAR1"
_MAX_FOOTER = 16 << 20  # bytes; that of a large table of frames has less than a megabyte
_MAX_BYTES_PER_ROW = 32 << 10  # as decoded; a frame of 478 points has six kilobytes
MAX_GROUP = 1024  # rows; the groups of a shard have fewer


@contextmanager
def open_parquet(path: Path, max_group: int = MAX_GROUP) -> Iterator[pq.ParquetFile]:
    """Open a Parquet file with at most so many rows in a group.

    Raises
    ------
    ValueError
        When its footer claims more, or more memory than such rows take.
    """
    _require_footer(path)
    limits = {"thrift_string_size_limit": _MAX_FOOTER, "thrift_container_size_limit": _MAX_FOOTER}
    with pq.ParquetFile(path, **limits) as file:
        _require_small(file.metadata, max_group)
        yield file


def read_dropped(path: Path, n_rows: int) -> pa.Table:
    """Read a dropped list of so many recordings.

    Raises
    ------
    ValueError
        When it has other columns, or a stage or reason that does not exist.
    """
    with open_parquet(path, max(n_rows, MAX_GROUP)) as file:
        table = file.read(DROPPED_COLUMNS.names)
    table = table.select(DROPPED_COLUMNS.names).cast(DROPPED_COLUMNS)
    for name, known in (("stage", STAGES), ("reason", REASONS)):
        odd = set(pc.unique(table[name]).to_pylist()) - set(known)
        if odd:
            raise ValueError(f"a {name} that does not exist: {min(map(repr, odd)):.80}")
    return table


def _require_footer(path: Path) -> None:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 8))
        end = file.read()
    footer = int.from_bytes(end[:4], "little")
    if end[4:] != _MAGIC or footer + 8 > size:
        raise ValueError("not a complete Parquet file")
    if footer > _MAX_FOOTER:
        raise ValueError(f"a footer of {footer} bytes, at most {_MAX_FOOTER} are read")


def _require_small(metadata: pq.FileMetaData, max_group: int) -> None:
    rows = 0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        rows += group.num_rows
        if group.num_rows > max_group:
            raise ValueError(f"a group of {group.num_rows} rows, at most {max_group} are read")
        if group.total_byte_size > max_group * _MAX_BYTES_PER_ROW:
            raise ValueError(f"a group of {group.total_byte_size} bytes for {group.num_rows} rows")
    if rows != metadata.num_rows:
        raise ValueError(f"{metadata.num_rows} rows, but {rows} in its groups")
