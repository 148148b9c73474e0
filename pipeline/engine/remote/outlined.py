"""Units and shards at a URL, of which this machine has the small files alone.

The process that builds needs rows, not pixels. The facts of a clip's frames are fetched where a
table or a review gives boundaries, and are not kept.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from fmdata.catalog.remote.store import Store, store_at
from fmdata.catalog.remote.transfer import fetch
from fmdata.catalog.remote.work import RECORD, UNITS, Record, fetch_recorded, read_record
from fmdata.catalog.storage.card import FileFacts
from fmdata.catalog.storage.files import atomic_folder
from fmdata.catalog.storage.shards import Sample
from fmdata.catalog.storage.tables.frames import FramesReader
from fmdata.catalog.storage.work import Unit
from fmdata.pipeline.work.site import Units

SMALL = ("row.arrow", "session.json", "dropped.parquet")
_PIXELS = ("clip.avi", "lbp.npy", "sound.wav")
_AT_A_TIME = 32  # requests


@dataclass(frozen=True)
class RemoteUnit(Unit):
    """A unit at a URL, and its small files here.

    Attributes
    ----------
    url : str
        URL of the dataset.
    """

    url: str = ""

    def is_whole(self) -> bool:
        """Return True: a unit with a record is whole."""
        return True

    @property
    def record(self) -> Record:
        """The record of all its files."""
        return Record.of((self.path / RECORD).read_bytes())

    @property
    def n_bytes(self) -> int:
        """Size of a clip's pixels, LBP maps and sound."""
        return sum(one.bytes for name, one in self.record.files.items() if name in _PIXELS)

    def sample(self) -> Sample:
        """Return the clip with the paths that its pixels would have here."""
        return Sample(self.read_row(), _Frames(self), self.avi, None)

    def read_frames(self) -> Iterator[pa.Table]:
        """Fetch and read the facts of a clip's frames but for the landmarks, a block at a time."""
        place = f"{UNITS}/{self.digest}"
        fetch_recorded(store_at(self.url), place, self.record, self.frame_facts)
        try:
            with pa.OSFile(str(self.frame_facts)) as file:
                reader = pa.ipc.open_file(file)
                for number in range(reader.num_record_batches):
                    yield pa.table(reader.get_batch(number))
        finally:
            self.frame_facts.unlink()


@dataclass(frozen=True)
class _Frames(Iterable[pa.Table]):
    """Facts of a unit's frames, fetched each time they are iterated over."""

    unit: RemoteUnit

    def __iter__(self) -> Iterator[pa.Table]:
        return self.unit.read_frames()


@dataclass(frozen=True)
class RemoteUnits(Units):
    """The units of a build whose dataset is at a URL.

    Attributes
    ----------
    sizes : dict of str to int
        The files of unfinished work that an earlier run has left.
    """

    sizes: dict[str, int] | None = None

    def recall(self, digests: Iterable[str]) -> None:
        """Fetch the small files of the finished units of some digests."""
        assert self.ends is not None
        assert self.ends.out is not None
        sizes, store = self.sizes or {}, store_at(self.ends.out)
        there = [one for one in digests if f"{UNITS}/{one}/{RECORD}" in sizes]
        with ThreadPoolExecutor(_AT_A_TIME) as threads:
            list(threads.map(lambda digest: self._recall(store, digest, sizes), there))

    def _recall(self, store: Store, digest: str, sizes: dict[str, int]) -> None:
        place = f"{UNITS}/{digest}"
        record = read_record(store, place, sizes)
        if record is None:
            return
        with atomic_folder(self.folder / digest) as folder:
            (folder / RECORD).write_bytes(record.to_bytes())
            for name in set(record.files).intersection(SMALL):
                fetch_recorded(store, place, record, folder / name)

    def unit(self, digest: str) -> Unit:
        """Return the unit of a digest."""
        assert self.ends is not None
        return RemoteUnit(self.folder / digest, self.ends.out or "")


class FetchingReader(FramesReader):
    """Reads tables of frames that are at a URL; the last one is kept here.

    Parameters
    ----------
    store : Store
        The dataset.
    folder : Path
        Its folder here.
    files : mapping of str to FileFacts
        The files of the dataset.
    """

    def __init__(self, store: Store, folder: Path, files: dict[str, FileFacts]) -> None:
        super().__init__()
        self._store, self._folder, self._files = store, folder, files
        self._last: Path | None = None

    def blocks(
        self, path: Path, start: int, stop: int, columns: Sequence[str] | None = None
    ) -> Iterator[pa.Table]:
        """Yield rows of a file, which is fetched where it is missing."""
        if not path.exists():
            if self._last:
                self._last.unlink(missing_ok=True)
            name = path.relative_to(self._folder).as_posix()
            fetch(self._store, name, path, self._files[name])
            self._last = path
        yield from super().blocks(path, start, stop, columns)
