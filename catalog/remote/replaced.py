"""Replacement of a dataset at a URL by files that are there already, under other names.

Promise: a reader finds the old dataset, or none, or the new one. The old card is removed first, and
the new one written last; in between, the files change their places. Each step may be repeated, so a
replacement that was interrupted is completed by doing it again.
"""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from fmdata.catalog.errors import UsageError
from fmdata.catalog.remote.store import Store
from fmdata.catalog.storage.card import NAME, FileFacts

_AT_A_TIME = 16  # requests


@dataclass(frozen=True)
class Replaced:
    """A dataset that takes the place of another one, or of none.

    Attributes
    ----------
    files : mapping of str to FileFacts
        All its files but the card, by name.
    text : bytes
        Its card.
    moves : mapping of str to str
        New names of the files that are to be moved, by their present ones.
    stale : iterable of str
        Files of the old dataset that are to be removed.
    """

    files: Mapping[str, FileFacts]
    text: bytes
    moves: Mapping[str, str]
    stale: Iterable[str] = field(default_factory=list)


def put_in_place(
    store: Store, new: Replaced, staged_card: str, require_own: Callable[[], None]
) -> None:
    """Replace the dataset at a URL.

    Parameters
    ----------
    staged_card : str
        Name under which the card is written before it is moved: on a disk, a write can be seen
        half done.
    require_own : callable
        Raises an error where the place belongs to another process.

    Raises
    ------
    UsageError
        When a file has another size at the end, since somebody else has changed it.
    """
    store.remove(NAME)
    with ThreadPoolExecutor(_AT_A_TIME) as threads:
        list(threads.map(store.move, new.moves, new.moves.values()))
        list(threads.map(store.remove, new.stale))
    require_own()
    sizes = store.sizes()
    if wrong := [name for name, facts in new.files.items() if sizes.get(name) != facts.bytes]:
        raise mixed(store, f"{wrong[0]} was changed at the same time")
    store.write(staged_card, new.text)
    store.move(staged_card, NAME)


def mixed(store: Store, got: str) -> UsageError:
    """Return the error for a place to which two commands write."""
    return UsageError(
        got,
        wanted="one command at a time that writes to a place",
        where=store.url,
        todo="wait until the other one has ended, then run the same command again",
    )
