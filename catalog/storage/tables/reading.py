"""Reading of a dataset's files: errors with advice, and the rows of one clip's frames."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from fmdata.catalog.errors import DatasetError
from fmdata.catalog.storage.tables.frames import FramesReader


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn an error from reading a dataset's file into a DatasetError with advice."""
    try:
        yield
    except (OSError, EOFError, LookupError, ValueError, pa.ArrowException) as error:
        raise DatasetError(
            f"a file of the dataset cannot be read: {error}",
            wanted="the file that the dataset's card names, as it was written",
            where=str(path),
            todo="run `fmdata verify`, which reports the damage and how to repair it",
        ) from error


@dataclass(frozen=True)
class FramesOf(Iterable[pa.Table]):
    """Rows of one clip's frames, read block by block each time they are iterated over.

    Attributes
    ----------
    path : Path
        The table of frames of the clip's shard.
    start, stop : int
        The rows of the clip.
    columns : tuple of str
        Names of the columns to read.
    reader : FramesReader
        Reads the rows.
    """

    path: Path
    start: int
    stop: int
    columns: tuple[str, ...]
    reader: FramesReader

    def __iter__(self) -> Iterator[pa.Table]:
        with reading(self.path):
            yield from self.reader.blocks(self.path, self.start, self.stop, self.columns)
