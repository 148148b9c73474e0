"""A dataset as it was opened: each read checks that it has not been changed since.

A command that changes a dataset removes its card before it replaces the first file, and writes
another one last. Promise: what was read before the card is found unchanged belongs to that card.
The check costs two looks at a folder (stat), and reads nothing.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from fmdata.catalog.errors import DatasetError
from fmdata.catalog.given.labels import Label
from fmdata.catalog.storage.card import NAME, FileFacts, Shard


@dataclass(frozen=True)
class OpenedCard:
    """The card of a dataset, known by device, inode, size and the time of its last change.

    Attributes
    ----------
    path : Path
        The card.
    facts : tuple of int
        Facts by which it is known; empty where there is no card.
    """

    path: Path
    facts: tuple[int, ...]
    is_remote: ClassVar[bool] = False

    @property
    def todo(self) -> str:
        """Advice for a file that cannot be read."""
        return "run `fmdata verify`, which reports the damage and how to repair it"

    def held(self, path: Path, facts: FileFacts) -> AbstractContextManager[None]:
        """Have a file of the dataset at its path during a block; on a disk it lies there."""
        return nullcontext()

    @classmethod
    def of(cls, dataset: Path) -> "OpenedCard":
        """Look at the card of a dataset."""
        return cls(dataset / NAME, _facts(dataset / NAME))

    def require_unchanged(self) -> None:
        """Raise DatasetError when the dataset has another card now, or none."""
        if _facts(self.path) != self.facts:
            raise DatasetError(
                "the dataset was changed after it was opened",
                wanted="the dataset as it was when it was opened",
                where=str(self.path.parent),
                todo="open the dataset again, or run the command again, when no other command is "
                "writing to it",
            )


@contextmanager
def reading(path: Path, card: OpenedCard, facts: FileFacts) -> Iterator[None]:
    """Check a read of a dataset's file, and turn its errors into a DatasetError with advice.

    Parameters
    ----------
    path : Path
        The file that is read in the block.
    card : OpenedCard
        The card that names the file.
    facts : FileFacts
        Size and digest of the file, as the card has them.
    """
    try:
        with card.held(path, facts):
            yield
            card.require_unchanged()
            if (found := path.stat().st_size) != facts.bytes:
                raise ValueError(f"{found} bytes, and the card says {facts.bytes}")
    except (OSError, EOFError, LookupError, ValueError, pa.ArrowException) as error:
        card.require_unchanged()
        raise DatasetError(
            f"a file of the dataset cannot be read: {error}",
            wanted="the file that the dataset's card names, as it was written",
            where=str(path),
            todo=card.todo,
        ) from error


@dataclass(frozen=True)
class OpenedShard:
    """One shard of an opened dataset: its files, and the check of each read.

    Attributes
    ----------
    folder : Path
        Folder of the shards.
    shard : Shard
        Entry of the shard in the card.
    size : int
        Width and height of a crop, in pixels.
    card : OpenedCard
        The card.
    labels : tuple of Label
        The labels of the clips.
    """

    folder: Path
    shard: Shard
    size: int
    card: OpenedCard
    labels: tuple[Label, ...] = ()

    @property
    def tar(self) -> Path:
        """The tar of the shard."""
        return self.folder / f"{self.shard.name}.tar"

    @property
    def clips(self) -> Path:
        """The table of its clips."""
        return self.folder / f"{self.shard.name}.parquet"

    @property
    def frames(self) -> Path:
        """The table of its frames."""
        return self.folder / f"{self.shard.name}.frames.parquet"

    def n_bytes(self, path: Path) -> int:
        """Return the size of one of the shard's files, as the card has it."""
        return self.shard.files[path.name].bytes

    @contextmanager
    def reading(self, path: Path) -> Iterator[None]:
        """Check a read of one of the shard's files, as :func:`reading` does."""
        with reading(path, self.card, self.shard.files[path.name]):
            yield

    def fetch(self) -> None:
        """Have all files of a shard from a URL in the cache; of a dataset on a disk, do nothing."""
        for name, facts in self.shard.files.items():
            with self.card.held(self.folder / name, facts):
                continue


def _facts(card: Path) -> tuple[int, ...]:
    try:
        at = os.stat(card)  # noqa: PTH116 - half the time of Path.stat, for each read
    except FileNotFoundError:
        return ()
    return at.st_dev, at.st_ino, at.st_size, at.st_mtime_ns
