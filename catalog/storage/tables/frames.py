"""The table of a shard's frames, ``shard-….frames.parquet``: one row a frame, in blocks.

A block is a row group. It holds whole clips as long as they fit; a longer clip has blocks of its
own. Promise: blocks depend on the lengths of the clips alone, so a clip packed anew, or copied from
another shard, gives the same bytes. Writing and reading hold one block.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fmdata.catalog.storage.tables.parquet import open_parquet

FRAMES_PER_BLOCK = 512  # 3 MB of 478-point meshes; Parquet needs six times that to write them
# Columns of equal runs, stored as a dictionary; and those by which readers leave blocks out.
_NAMES = ["key", "source"]
_STATISTICS = ["key", "index", "timestamp", "detected", "intensity", "source", "source_index"]


class FramesWriter:
    """Writes the table of frames, clip by clip.

    Parameters
    ----------
    file : binary file
        Open for writing.
    schema : pyarrow.Schema
        All columns of the table.
    """

    def __init__(self, file: RawIOBase, schema: pa.Schema) -> None:
        self._schema = schema
        self._parquet = pq.ParquetWriter(
            file,
            schema,
            compression="zstd",
            use_dictionary=[name for name in _NAMES if name in schema.names],
            write_statistics=[name for name in _STATISTICS if name in schema.names],
            write_page_index=True,
        )
        self._block: list[pa.Table] = []
        self._filled = 0
        self.n_rows = 0

    def __enter__(self) -> "FramesWriter":
        return self

    def __exit__(self, error: object, *_: object) -> None:
        try:
            if error is None:
                self._flush()
        finally:
            self._parquet.close()

    def write(self, tables: Iterable[pa.Table], n_frames: int) -> None:
        """Write the rows of one clip, given in pieces of any size that have the schema's columns.

        Raises
        ------
        ValueError
            When there are not `n_frames` rows.
        """
        is_long = n_frames > FRAMES_PER_BLOCK
        if is_long or self._filled + n_frames > FRAMES_PER_BLOCK:
            self._flush()
        before = self.n_rows
        for table in tables:
            self._add(table)
        if self.n_rows - before != n_frames:
            raise ValueError(f"{self.n_rows - before} rows of frames, wanted {n_frames}")
        if is_long:
            self._flush()

    def _add(self, table: pa.Table) -> None:
        self.n_rows += table.num_rows
        while table.num_rows:
            part = table.slice(0, FRAMES_PER_BLOCK - self._filled)
            table = table.slice(part.num_rows)
            self._block.append(part)
            self._filled += part.num_rows
            if self._filled == FRAMES_PER_BLOCK:
                self._flush()

    def _flush(self) -> None:
        if self._block:
            # In one chunk: the pages of a column depend on the chunks that it is written in.
            block = pa.concat_tables(self._block).combine_chunks()
            self._parquet.write_table(block)
        self._block, self._filled = [], 0


@dataclass(frozen=True)
class _File:
    """A file's identity, its metadata, and the number of rows before each block."""

    identity: tuple[Any, ...]
    metadata: pq.FileMetaData
    starts: list[int]

    @classmethod
    def of(cls, path: Path, identity: tuple[Any, ...]) -> "_File":
        with open_parquet(path) as parquet:
            metadata = parquet.metadata
        sizes = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
        return cls(identity, metadata, [0, *np.cumsum(sizes).tolist()])


class FramesReader:
    """Reads rows of tables of frames, and keeps the last block, which the next clip often shares.

    A pass over clips in order so decodes each block once. A pickled reader keeps nothing.
    """

    def __init__(self) -> None:
        self._file: _File | None = None
        self._block: tuple[tuple[Any, ...], int, dict[str, pa.ChunkedArray]] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ()

    def blocks(
        self, path: Path, start: int, stop: int, columns: Sequence[str] | None = None
    ) -> Iterator[pa.Table]:
        """Yield the rows ``[start, stop)`` of a file, one block or part of a block at a time.

        `columns` are names of columns, by default all.

        Raises
        ------
        IndexError
            When the file does not have these rows.
        """
        file = self._opened(path)
        names = file.metadata.schema.to_arrow_schema().names if columns is None else columns
        if not 0 <= start <= stop <= file.starts[-1]:
            raise IndexError(f"{file.starts[-1]} rows of frames, wanted rows {start} to {stop}")
        at = start
        while at < stop:
            number = bisect_right(file.starts, at) - 1
            first, end = file.starts[number], min(stop, file.starts[number + 1])
            block = self._decoded(path, file, number, names)
            yield block.slice(at - first, end - at)
            at = end

    def file(self, path: Path, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Yield all rows of a file, one block at a time."""
        yield from self.blocks(path, 0, self._opened(path).starts[-1], columns)

    def _opened(self, path: Path) -> _File:
        facts = path.stat()
        identity = str(path), facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns
        file = self._file
        if file is None or file.identity != identity:
            self._file = file = _File.of(path, identity)
        return file

    def _decoded(self, path: Path, file: _File, number: int, names: Sequence[str]) -> pa.Table:
        """Return some columns of a block, from memory where they were read last."""
        held = self._block
        known = held[2] if held and held[:2] == (file.identity, number) else {}
        missing = [name for name in names if name not in known]
        if missing:
            with pq.ParquetFile(path, metadata=file.metadata) as parquet:
                read = parquet.read_row_group(number, columns=missing)
            known = {**known, **dict(zip(read.column_names, read.columns, strict=True))}
            self._block = file.identity, number, known
        return pa.table({name: known[name] for name in names})
