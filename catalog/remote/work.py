"""Unfinished work of a build at a URL, in ``.work`` beside the dataset.

``units/<digest>/`` has the files of a unit, ``shards/<digest>/`` those of a shard; each with a
record of sizes and digests that is written last, after every file was read back. Promise: what has
a record is whole. ``change.json`` is a decided change of the dataset: its card and the places of
its files. A command that finds one completes it first.
"""

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from fmdata.catalog.errors import DatasetError, UsageError
from fmdata.catalog.remote.contents import MARK, files_of, foreign, is_ours, parsed
from fmdata.catalog.remote.lease import LOCK
from fmdata.catalog.remote.replaced import Replaced, put_in_place
from fmdata.catalog.remote.store import Store
from fmdata.catalog.remote.transfer import damaged, fetched, send
from fmdata.catalog.storage.card import MAX_BYTES, NAME, Card, FileFacts
from fmdata.catalog.storage.lock import WORK

UNITS, SHARDS = f"{WORK}/units", f"{WORK}/shards"
RECORD = "record.json"
_CHANGE, _CARD, _DECIDED = f"{WORK}/change.json", f"{WORK}/{NAME}", f"{WORK}/change.new"
_MAX_CHANGE = 4 * MAX_BYTES
_MAX_RECORD = 1 << 16
_AT_A_TIME = 32  # requests


@dataclass(frozen=True)
class Record:
    """Facts of the files of a unit or of a shard, by name."""

    files: dict[str, FileFacts]

    def to_bytes(self) -> bytes:
        """Return the record as JSON."""
        return json.dumps({name: asdict(facts) for name, facts in self.files.items()}).encode()

    @classmethod
    def of(cls, data: bytes) -> "Record":
        """Read a record.

        Raises
        ------
        ValueError
            When it is damaged.
        """
        try:
            return cls({name: FileFacts(**facts) for name, facts in json.loads(data).items()})
        except (TypeError, AttributeError) as error:
            raise ValueError("no record") from error


def send_folder(store: Store, folder: Path, place: str) -> Record:
    """Upload the files of a folder, each read back, and then their record."""
    files = sorted(folder.iterdir())
    record = Record({path.name: send(store, path, f"{place}/{path.name}") for path in files})
    store.write(f"{place}/{RECORD}", record.to_bytes())
    return record


def fetch_folder(store: Store, place: str, record: Record, folder: Path) -> None:
    """Download the files of a record into a new folder, each compared with it."""
    folder.mkdir(parents=True)
    for name in record.files:
        fetch_recorded(store, place, record, folder / name)


def fetch_recorded(store: Store, place: str, record: Record, path: Path) -> None:
    """Download a file of a record; of a damaged one, remove the record at the URL.

    Raises
    ------
    DatasetError
        When it is damaged, so that the next run makes it again, or the place cannot be reached.
    """
    if not fetched(store, f"{place}/{path.name}", path, record.files[path.name]):
        store.remove(f"{place}/{RECORD}")
        raise damaged(store, f"{place}/{path.name}")


def read_record(store: Store, place: str, sizes: Mapping[str, int]) -> Record | None:
    """Read a record; None where it is missing, or a file has another size than in a listing."""
    data = store.read(f"{place}/{RECORD}", _MAX_RECORD)
    if data is None:
        return None
    with suppress(ValueError):
        record = Record.of(data)
        if all(sizes.get(f"{place}/{name}") == one.bytes for name, one in record.files.items()):
            return record
    return None


def require_no_push(store: Store, there: Mapping[str, object]) -> None:
    """Raise UsageError where a listing has the mark of a push."""
    if MARK in there:
        raise UsageError(
            "a push to this place is not finished",
            wanted="a dataset, or an empty place",
            where=store.url,
            todo="let the push finish, or run it again; nothing was changed",
        )


def require_place(store: Store, there: Mapping[str, object]) -> None:
    """Raise UsageError where files are at a URL that are neither a dataset nor work of a build."""
    require_no_push(store, there)
    begun = NAME in there or any(name.startswith(f"{WORK}/") for name in there)
    if there and not begun:
        raise foreign(store, there)


def decide(
    store: Store, card: Card, moves: Mapping[str, str], require_own: Callable[[], None]
) -> None:
    """Replace the dataset at a URL by one whose files are there already; `moves` are new names.

    Raises
    ------
    DatasetError
        When a file of the new dataset is missing or has another size; nothing was changed then.
    """
    with TemporaryDirectory() as folder:
        card.write(Path(folder))
        text = (Path(folder) / NAME).read_text("utf-8")
    _require_there(store, files_of(card), moves)
    change = json.dumps({"card": text, "moves": dict(moves)}).encode()
    require_own()
    store.write(_DECIDED, change)
    store.move(_DECIDED, _CHANGE)  # on a disk, a write can be seen half done
    complete(store, require_own)


def complete(store: Store, require_own: Callable[[], None]) -> None:
    """Complete the change that was decided, if there is one."""
    data = store.read(_CHANGE, _MAX_CHANGE)
    if data is None:
        return
    change = json.loads(data)
    text = change["card"].encode()
    files = files_of(parsed(text, store))
    there = store.sizes()
    moves = {old: new for old, new in change["moves"].items() if old in there}
    stale = [name for name in there if is_ours(name) and name != NAME and name not in files]
    put_in_place(store, Replaced(files, text, moves, stale), _CARD, require_own)
    store.remove(_CHANGE)


def require_no_change(store: Store, there: Mapping[str, object]) -> None:
    """Raise UsageError where a listing has a change that was decided and is not completed."""
    if _CHANGE in there:
        raise UsageError(
            "a build or a synthesis was stopped while it replaced this dataset",
            wanted="a dataset in which no change is unfinished",
            where=store.url,
            todo="run the build or the synthesis again, which completes it; nothing was changed",
        )


def _require_there(store: Store, files: Mapping[str, FileFacts], moves: Mapping[str, str]) -> None:
    """Raise DatasetError where a file of a new card is neither at its place nor to be moved."""
    there, sources = store.sizes(), {new: old for old, new in moves.items()}
    for name, facts in files.items():
        source = sources.get(name, name)
        if there.get(source) != facts.bytes:
            has = f"has {there[source]} bytes" if source in there else "is missing"
            raise DatasetError(
                f"{source} {has}; the dataset was not changed",
                wanted=f"a file of {facts.bytes} bytes",
                where=store.url,
                todo="of compounds/, run `fmdata synth-compound` there, else `fmdata build`: each "
                "makes again what is missing of its own; or push an intact copy there",
            )


def clear(store: Store, *, keep_units: bool = False) -> None:
    """Remove the unfinished work at a URL, but for the lock."""
    kept = (LOCK, f"{UNITS}/") if keep_units else (LOCK,)
    doomed = [name for name in store.sizes(WORK) if not name.startswith(kept)]
    # The record first: what it stands for is whole or not there.
    doomed.sort(key=lambda name: not name.endswith(RECORD))
    with ThreadPoolExecutor(_AT_A_TIME) as threads:
        list(threads.map(store.remove, doomed))
    folders = sorted({name.rpartition("/")[0] for name in doomed})
    store.remove_empty_folders(*folders, UNITS, SHARDS)
