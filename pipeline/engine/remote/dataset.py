"""A dataset at a URL as the process that changes it sees it: its small files in a folder.

The folder has the card, the dropped list, and the tables of clips; not their pixels, nor the tables
of frames. A file at the URL counts as intact where it has the size of the card: it was read back
when it was written. With `rehash`, all are read again.
"""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fmdata.catalog.clips import Clips
from fmdata.catalog.remote.contents import NEW, files_of, read_card
from fmdata.catalog.remote.lease import Lease
from fmdata.catalog.remote.store import store_at
from fmdata.catalog.remote.transfer import fetched, send
from fmdata.catalog.remote.work import complete, decide, require_no_push
from fmdata.catalog.storage.card import ACTIONS, DROPPED, LEFT_OUT, Card, FileFacts
from fmdata.catalog.storage.lock import WORK
from fmdata.pipeline.engine.remote.outlined import FetchingReader
from fmdata.pipeline.work.known.files import KnownFiles

_TABLE = ".parquet"
_FRAMES = ".frames.parquet"
_AT_A_TIME = 32  # requests


class RemoteDataset:
    """A dataset at a URL, whose lock this process holds.

    Parameters
    ----------
    url : str
        Its URL.
    folder : Path
        New folder for its small files.
    lease : Lease
        The lock.
    halves : iterable of str
        Halves of which the tables of clips are needed.

    Raises
    ------
    UsageError
        When something else is at the URL, or a push has begun.

    Attributes
    ----------
    sizes : dict of str to int
        All files below the URL, as they were when the lock was taken.
    """

    def __init__(
        self, url: str, folder: Path, lease: Lease, halves: Iterable[str] = (ACTIONS, LEFT_OUT)
    ) -> None:
        self.store, self.folder, self._lease = store_at(url), folder, lease
        # Again: a push leaves its mark before it looks at the lock, so one of the two sees it.
        require_no_push(self.store, self.store.sizes(NEW))
        complete(self.store, lease.require)
        self.sizes = self.store.sizes()
        (folder / WORK).mkdir(parents=True)
        self.outline(halves)

    def outline(self, halves: Iterable[str]) -> None:
        """Have the small files of the dataset in the folder, with the tables of some halves."""
        card = read_card(self.store)
        if card is None:
            return
        files = files_of(card)
        wanted = [name for name in files if name == DROPPED or _is_table_of(name, halves)]
        for half in halves:
            (self.folder / half).mkdir(exist_ok=True)
        with ThreadPoolExecutor(_AT_A_TIME) as threads:
            list(threads.map(self._provide, wanted, (files[name] for name in wanted)))
        card.write(self.folder)

    def _provide(self, name: str, facts: FileFacts) -> None:
        """Have a file in the folder; none where it is damaged, as an old one may be."""
        path = self.folder / name
        if not facts.hold_for(path):
            fetched(self.store, name, path, facts)

    def read_frames(self, halves: Iterable[Clips]) -> None:
        """Have the tables of frames of some clips fetched when they are read."""
        card = read_card(self.store)
        for half in halves:
            if card:
                half._reader = FetchingReader(self.store, self.folder, files_of(card))

    def commit(self, card: Card, moves: Mapping[str, str], dropped: Path | None = None) -> None:
        """Replace the dataset at the URL; `moves` are the new names of files that are there.

        Parameters
        ----------
        card : Card
            The card of the new dataset.
        moves : mapping of str to str
            New names by present ones.
        dropped : Path, optional
            A new dropped list, a file here.
        """
        moves = dict(moves)
        if dropped:
            send(self.store, dropped, f"{WORK}/{DROPPED}")
            moves[f"{WORK}/{DROPPED}"] = DROPPED
        decide(self.store, card, moves, self._lease.require)


class KnownRemote(KnownFiles):
    """The index of known recordings, and the check of the files of a dataset at a URL.

    Parameters
    ----------
    url : str
        URL of the dataset.
    dataset : RemoteDataset
        The dataset.
    rehash : bool
        Whether to read every file again.
    """

    def __init__(self, url: str, dataset: RemoteDataset, *, rehash: bool) -> None:
        super().__init__(url, rehash=rehash)
        self._there, self._rehash = dataset, rehash

    def holds(self, wanted: FileFacts, path: Path) -> bool:
        """Return whether the file that `path` stands for is as a card says."""
        there, name = self._there, path.relative_to(self._there.folder).as_posix()
        if there.sizes.get(name) != wanted.bytes or (_is_table(name) and not path.exists()):
            return False
        return not self._rehash or there.store.facts(name) == wanted


def _is_table(name: str) -> bool:
    return name.endswith(_TABLE) and not name.endswith(_FRAMES)


def _is_table_of(name: str, halves: Iterable[str]) -> bool:
    return _is_table(name) and name.partition("/")[0] in halves
