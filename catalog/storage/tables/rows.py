"""Rows of a shard's clips in memory, and of one clip's frames, read when they are iterated over."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from fmdata.catalog.storage.schema import may_be_null
from fmdata.catalog.storage.tables.frames import FramesReader
from fmdata.catalog.storage.tables.opened import OpenedShard
from fmdata.catalog.types import Motion


class ClipRows:
    """Rows of one shard's clips, and the runs of rows ``[start, stop)`` of each subject."""

    def __init__(self, table: pa.Table) -> None:
        self.table, self.n_bytes = table, table.nbytes

    @cached_property
    def runs(self) -> dict[str, list[tuple[int, int]]]:
        """Runs of rows of each subject, by subject."""
        runs: dict[str, list[tuple[int, int]]] = defaultdict(list)
        found = pc.run_end_encode(self.table["subject"].combine_chunks())
        subjects, stops = found.values.to_pylist(), found.run_ends.to_pylist()
        start = 0
        for subject, stop in zip(subjects, stops, strict=True):
            runs[subject].append((start, stop))
            start = stop
        return runs


def motion_of(row: Mapping[str, Any]) -> Motion | None:
    """Return the motion of a row of the actions; None where no motion was found."""
    if row["onset"] is None:
        return None
    return Motion(
        onset=row["onset"],
        apex=row["apex"],
        offset=row["offset"],
        style=row["style"],
        amplitude_iod=row["amplitude"],
        snr=row["snr"],
        lead=row["lead"],
        style_margin=row["style_margin"],
        trail=row["trail"],
    )


def require_values(table: pa.Table) -> pa.Table:
    """Return a table of clips in which nothing is null but what may be.

    Raises
    ------
    ValueError
        When a value is missing.
    """
    for name, column in zip(table.column_names, table.columns, strict=True):
        if column.null_count and not may_be_null(name):
            raise ValueError(f"{column.null_count} clips without {name}")
    return table


@dataclass(frozen=True)
class FramesOf(Iterable[pa.Table]):
    """Rows of one clip's frames, read block by block each time they are iterated over.

    Attributes
    ----------
    shard : OpenedShard
        The clip's shard.
    start, stop : int
        The rows of the clip.
    columns : tuple of str
        Names of the columns to read.
    reader : FramesReader
        Reads the rows.
    """

    shard: OpenedShard
    start: int
    stop: int
    columns: tuple[str, ...]
    reader: FramesReader

    def __iter__(self) -> Iterator[pa.Table]:
        blocks = self.reader.blocks(self.shard.frames, self.start, self.stop, self.columns)
        yield from checked(blocks, self.shard)


def checked(blocks: Iterable[pa.Table], shard: OpenedShard) -> Iterator[pa.Table]:
    """Yield blocks of a shard's table of frames, each after the check of its read."""
    pieces = iter(blocks)
    while True:
        with shard.reading(shard.frames):
            piece = next(pieces, None)
        if piece is None:
            return
        yield piece
