"""Copying of a dataset to a URL: resumable, every file read back and compared, the card last.

The order is that of a commit on a disk. While an old card is there, changed files are sent to
``.new`` beside the old ones, and compared. Then the old card is removed, the new files take their
places, files that the new card does not name are removed, and the new card is written. Promise: a
reader finds the old dataset, or none, or the new one. A push killed at any moment is completed by
the same command, which sends only what is missing.

An object store has no locks. Each push leaves a mark of its own, and stops where it finds another:
of two pushes to one URL at the same time, the one that began last goes on. This is best effort:
between the look at the mark and the next request the other may begin. A push to a place that a
build or a synthesis has locked (:mod:`fmdata.catalog.remote.lease`) is refused.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from dataclasses import replace as replace_fields
from pathlib import Path
from uuid import uuid4

from fmdata.catalog.errors import DatasetError, UsageError
from fmdata.catalog.progress import SILENT, Progress
from fmdata.catalog.remote.contents import MARK, MAX_MARK, NEW, files_of, foreign, is_ours
from fmdata.catalog.remote.copies import copies_of, remember, require_apart
from fmdata.catalog.remote.lease import LOCK, require_free
from fmdata.catalog.remote.replaced import Replaced, mixed, put_in_place
from fmdata.catalog.remote.store import Store
from fmdata.catalog.remote.transfer import not_kept, sent
from fmdata.catalog.remote.work import require_no_change
from fmdata.catalog.storage.card import MAX_BYTES, NAME, Card, FileFacts
from fmdata.catalog.storage.lock import reading
from fmdata.catalog.storage.place import HALVES

_MARKED = "Unfinished push of fmdata; the same command completes it.\n"


@dataclass(frozen=True)
class Pushed:
    """The result of a push; ``str()`` of it is the text for the user.

    Attributes
    ----------
    url : str
        Place of the copy, without secrets.
    files : int
        Files of the dataset beside its card; each was read back and has the right SHA-256.
    sent : list of str
        Files that were sent.
    sent_bytes : int
        Their size.
    removed : list of str
        Files of an older version that were removed.
    foreign : list of str
        Files there that are none of the dataset's. They were left as they are.
    is_remembered : bool
        False where the folder is read-only, so that `forget` will not know this copy.
    """

    url: str
    files: int
    sent: list[str] = field(default_factory=list)
    sent_bytes: int = 0
    removed: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    is_remembered: bool = True

    def __str__(self) -> str:
        lines = [
            f"dataset at {self.url}: {self.files} files, each read back with the right checksum",
            f"  {len(self.sent)} sent ({self.sent_bytes / 1e6:.1f} MB), "
            f"{self.files - len(self.sent)} were there; {len(self.removed)} old ones removed",
        ]
        if self.foreign:
            few = ", ".join(self.foreign[:3]) + (", …" if len(self.foreign) > 3 else "")
            lines.append(f"  {len(self.foreign)} other files were left as they are: {few}")
        if not self.is_remembered:
            lines.append("  this folder is read-only: `fmdata forget` will not know of the copy")
        return "\n".join(lines)


def push(dataset: Path, url: str, *, replace: bool = False, progress: Progress = SILENT) -> Pushed:
    """Copy a dataset to a URL, or bring a copy there up to date.

    Parameters
    ----------
    dataset : Path
        Folder of the dataset.
    url : str
        fsspec URL of the copy's own folder.
    replace : bool
        Replace a dataset there that was neither pushed from this folder nor pulled into it.
    progress : Progress
        Receives a step for each file.

    Raises
    ------
    UsageError
        When the place holds anything else than a dataset, or another one without `replace`.
    DatasetError
        When there is no dataset, a file of it is damaged, or the place cannot be reached.
    """
    store = Store(url)
    require_apart(dataset, store.url)
    with reading(dataset):
        card = Card.read(dataset)
        text = (dataset / NAME).read_bytes()
        there = store.sizes()
        _require_place(store, there)
        if not replace and NAME in there and store.url not in copies_of(dataset):
            _require_same(store, text)
        started = _Push(dataset, store, files_of(card), there)
        # Before the first file is sent: a killed push leaves faces there, too.
        is_remembered = remember(dataset, store.url)
        pushed = started.run(text, progress)
    return replace_fields(pushed, is_remembered=is_remembered)


class _Push:
    """One push of the files of a card to a store whose files were listed; it leaves its mark."""

    def __init__(
        self, dataset: Path, store: Store, files: dict[str, FileFacts], there: dict[str, int]
    ) -> None:
        self._dataset, self._store, self._files, self._there = dataset, store, files, there
        self._mark = f"{_MARKED}{uuid4().hex}\n".encode()
        self._sent: list[str] = []
        self._staged: list[str] = []
        store.write(MARK, self._mark)

    def run(self, text: bytes, progress: Progress) -> Pushed:
        """Send what is missing, then put it in place below a card with the content `text`."""
        self._require_free()
        progress.start("push", len(self._files), "files")
        for name, facts in self._files.items():
            self._require_own()
            self._provide(name, facts)
            progress.step()
        old = [name for name in self._there if is_ours(name) and not name.startswith(f"{NEW}/")]
        stale = [name for name in old if name != NAME and name not in self._files]
        if self._staged or stale or self._store.read(NAME, MAX_BYTES) != text:
            self._replace(stale, text)
        self._clear()
        return Pushed(
            self._store.url,
            len(self._files),
            self._sent,
            sum(self._files[name].bytes for name in self._sent),
            stale,
            [name for name in self._there if not is_ours(name)],
        )

    def _provide(self, name: str, facts: FileFacts) -> None:
        """Have a file at its place, or in ``.new`` where an old dataset must stay whole."""
        new = f"{NEW}/{name}"
        if self._holds(name, facts):
            return
        if not self._holds(new, facts):
            if NAME not in self._there:
                self._send(name, name, facts)
                return
            self._send(name, new, facts)
        self._staged.append(name)

    def _holds(self, name: str, facts: FileFacts) -> bool:
        return self._there.get(name) == facts.bytes and self._store.facts(name) == facts

    def _send(self, name: str, target: str, facts: FileFacts) -> None:
        """Upload a file until it reads back as it should."""
        path = self._dataset / name
        if path.is_file() and sent(self._store, path, target, facts):
            self._sent.append(name)
            return
        if not facts.hold_for(path):
            raise self._damaged(path)
        raise not_kept(self._store, name)

    def _damaged(self, path: Path) -> DatasetError:
        state = "unchanged" if NAME in self._there else "not finished"
        return DatasetError(
            f"{path.name} is not as its card says; the copy is {state}",
            wanted="an intact dataset",
            where=str(path),
            todo="run `fmdata verify` and do what it says, then push again",
        )

    def _replace(self, stale: Iterable[str], text: bytes) -> None:
        """Put new files in place below a new card."""
        self._require_own()
        moves = {f"{NEW}/{name}": name for name in self._staged}
        replaced = Replaced(self._files, text, moves, stale)
        put_in_place(self._store, replaced, f"{NEW}/{NAME}", self._require_own)

    def _clear(self) -> None:
        """Remove what this push, or killed ones before it, left in ``.new``; the mark last."""
        for name in self._store.sizes():
            if name.startswith(f"{NEW}/") and is_ours(name) and name != MARK:
                self._store.remove(name)
        self._store.remove(MARK)
        self._store.remove_empty_folders(*(f"{NEW}/{half}" for half in HALVES), NEW, *HALVES)

    def _require_free(self) -> None:
        """Look again: a build looks for the mark when it has the lock, so one sees the other."""
        try:
            require_free(self._store)
        except UsageError:
            if MARK not in self._there:
                self._store.remove(MARK)
                self._store.remove_empty_folders(NEW)
            raise

    def _require_own(self) -> None:
        if self._store.read(MARK, MAX_MARK) != self._mark:
            raise mixed(self._store, "another push to this place has begun")


def _require_place(store: Store, there: dict[str, int]) -> None:
    """Refuse a place with files of something else, or one that a build changes."""
    if LOCK in there:
        require_free(store)
    require_no_change(store, there)
    if there and NAME not in there and MARK not in there:
        raise foreign(store, there)


def _require_same(store: Store, text: bytes) -> None:
    """Refuse to replace a dataset that has nothing to do with this folder."""
    if store.read(NAME, MAX_BYTES) != text:
        raise UsageError(
            "another dataset is there, which was not pushed from this folder",
            wanted="a place for this dataset alone",
            where=store.url,
            todo="name another place, or give --replace if that one is to go; nothing was changed",
        )
