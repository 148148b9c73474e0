"""A dataset at a URL, opened for reading: its card now, each file when it is first needed.

A file is fetched whole into the cache, and compared there with the card: whatever is read belongs
to that card. (A part of a file could not be compared, and an epoch needs all of it.) Promise: while
a push replaces the dataset, a reader gets the files that it has or an error, never a mixture; the
next one to open the URL finds the new dataset, and removes what the cache holds of the old one, so
that a subject who was removed there leaves this machine too.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, ClassVar

from fmdata.catalog.remote.cache import Cache, CacheSettings, require_locks
from fmdata.catalog.remote.contents import fetch_of_card, no_dataset, parsed
from fmdata.catalog.remote.store import Store, store_at
from fmdata.catalog.storage.card import MAX_BYTES, NAME, FileFacts
from fmdata.catalog.storage.files import atomic_file
from fmdata.catalog.storage.tables.opened import OpenedCard


@dataclass(frozen=True)
class CachedCard(OpenedCard):
    """The card of a dataset at a URL, in the cache; it never changes there.

    Attributes
    ----------
    url : str
        The URL, as it was given.
    cache : CacheSettings
        The cache.
    digest : str
        SHA-256 of the card.
    """

    url: str
    cache: CacheSettings
    digest: str
    is_remote: ClassVar[bool] = True

    @property
    def todo(self) -> str:
        """Advice for a file that cannot be read."""
        return "delete that folder, which is fetched again; if it happens again, check the disk"

    def require_unchanged(self) -> None:
        """Do nothing: each file was compared with this card when it was fetched."""

    def held(self, path: Path, facts: FileFacts) -> AbstractContextManager[None]:
        """Have a file of the dataset in the cache during a block."""
        name = path.relative_to(self.path.parent).as_posix()

        def copy(file: IO[bytes]) -> None:
            store = store_at(self.url)
            fetch_of_card(store, name, facts, file, lambda: _digest(store) == self.digest)

        return Cache(self.cache).held(path, facts.bytes, copy)


def open_url(url: str, cache: CacheSettings) -> CachedCard:
    """Open a dataset at a URL; its card is then in the cache.

    Raises
    ------
    UsageError
        When the URL has an unknown protocol, or one whose package is not installed.
    DatasetError
        When there is no finished dataset, its card is damaged, or it cannot be reached.
    """
    store = store_at(url)
    require_locks(store.url)
    content = store.read(NAME, MAX_BYTES)
    if content is None:
        raise no_dataset(store)
    parsed(content, store)
    digest = sha256(content).hexdigest()
    of_url = cache.place.absolute() / sha256(store.url.encode()).hexdigest()[:32]
    folder = of_url / digest[:32]
    folder.mkdir(parents=True, exist_ok=True)
    for old in of_url.iterdir():
        if old != folder:
            Cache(cache).remove(old)
    with atomic_file(folder / NAME, shared=True) as file:
        file.write(content)
    return CachedCard(folder / NAME, (), url, cache, digest)


def _digest(store: Store) -> str:
    return sha256(store.read(NAME, MAX_BYTES) or b"").hexdigest()
