"""Files of a dataset at a URL: those that its card names, and those of an unfinished push."""

from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import IO

from fmdata.catalog.errors import DatasetError, UsageError
from fmdata.catalog.remote.store import TRIES, Store
from fmdata.catalog.remote.transfer import received
from fmdata.catalog.storage.card import DROPPED, MAX_BYTES, NAME, Card, FileFacts
from fmdata.catalog.storage.place import HALVES, is_shard_file

NEW = ".new"  # at the far end: files of a push before they replace those of the old card
MARK = f"{NEW}/fmdata.txt"  # a push has begun here, and which one
MAX_MARK = 1024  # bytes


def files_of(card: Card) -> dict[str, FileFacts]:
    """Return the facts of all files that a card names, by path with forward slashes."""
    named = {
        f"{folder}/{name}": facts
        for folder, part in card.halves.items()
        for shard in (part.shards if part else [])
        for name, facts in shard.files.items()
    }
    return {DROPPED: card.dropped_file, **named}


def is_ours(name: str) -> bool:
    """Return whether a file below a URL has the place of a file of a dataset, or of a push."""
    path = PurePosixPath(name)
    if path.parts[:1] == (NEW,):
        return name == MARK or is_ours(name.removeprefix(f"{NEW}/"))
    if len(path.parts) == 1:
        return name in (NAME, DROPPED)
    return len(path.parts) == 2 and path.parts[0] in HALVES and is_shard_file(path.name)


def read_card(store: Store) -> Card | None:
    """Read the card at a URL; None where there is none.

    Raises
    ------
    DatasetError
        When the card is damaged, or of another format, or cannot be reached.
    """
    content = store.read(NAME, MAX_BYTES)
    return None if content is None else parsed(content, store)


def parsed(content: bytes, store: Store) -> Card:
    """Return the card of a content that was read at a URL; raises as :func:`read_card` does."""
    with TemporaryDirectory() as folder:
        (Path(folder) / NAME).write_bytes(content)
        try:
            return Card.read(Path(folder))
        except DatasetError as error:
            where = f"{store.url}/{NAME}"
            raise DatasetError(
                error.got, wanted=error.wanted, where=where, todo=error.todo
            ) from error


def fetch_of_card(
    store: Store, name: str, facts: FileFacts, file: IO[bytes], is_same: Callable[[], bool]
) -> None:
    """Copy a file of a dataset at a URL over an open file, until it has the right digest.

    `is_same` returns whether the card at the URL is still the one that names the file.

    Raises
    ------
    DatasetError
        When the dataset was changed, the file is not as its card says, or cannot be reached.
    """
    for _ in range(TRIES):
        file.seek(0)  # not truncated: the cache has taken room by the file's size
        if received(store, name, file, facts.bytes) == facts:
            return
        if not is_same():
            raise DatasetError(
                "the dataset was changed while it was fetched",
                wanted="a dataset that nobody pushes to",
                where=store.url,
                todo="run the same command again when the push has ended",
            )
    raise DatasetError(
        f"{name} is not as its card says",
        wanted="an intact dataset",
        where=store.url,
        todo="push the dataset there again: that replaces damaged files",
    )


def foreign(store: Store, there: Iterable[str]) -> UsageError:
    """Return the error for a URL below which are other files than those of a dataset."""
    few = ", ".join([name or "a file" for name in there][:3])
    return UsageError(
        f"something that is not a dataset of fmdata: {few}",
        wanted="a new or empty place, or one with a dataset",
        where=store.url,
        todo="name a folder of its own, such as the same URL with /lab; nothing was changed",
    )


def no_dataset(store: Store) -> DatasetError:
    """Return the error for a URL without a card."""
    is_begun = store.read(MARK, MAX_MARK) is not None
    return DatasetError(
        "no finished dataset: " + ("a push is not finished" if is_begun else f"{NAME} is missing"),
        wanted="a dataset that `fmdata push` has written",
        where=store.url,
        todo="let the push finish, or run it again" if is_begun else "correct the URL",
    )
