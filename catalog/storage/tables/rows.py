"""Rows of one clip's frames, read when they are iterated over."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from fmdata.catalog.storage.tables.frames import FramesReader
from fmdata.catalog.storage.tables.opened import OpenedShard


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
