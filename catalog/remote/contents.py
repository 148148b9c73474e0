"""Files of a dataset at a URL: those that its card names, and those of an unfinished push."""

from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from fmdata.catalog.errors import DatasetError
from fmdata.catalog.remote.store import Store
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
    if content is None:
        return None
    with TemporaryDirectory() as folder:
        (Path(folder) / NAME).write_bytes(content)
        try:
            return Card.read(Path(folder))
        except DatasetError as error:
            where = f"{store.url}/{NAME}"
            raise DatasetError(
                error.got, wanted=error.wanted, where=where, todo=error.todo
            ) from error
