"""Digests of files that have not changed since they were read, so that they are not read again.

A file is known by its path, size, inode, and the times of its last change in nanoseconds: of its
content, and of anything (which no program can set back). The index lies in the user's cache, since
a dataset holds no times; without it, everything is read. Promise: it reveals nothing about a file
that is gone, or that somebody may not read. It has one record a file, of two hashes: one of the
facts above to find it by, and the digest hidden behind another.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from fmdata.catalog.storage.card import ACTIONS, LEFT_OUT, Card, FileFacts
from fmdata.catalog.storage.files import user_cache, write_atomically

_NAME, _DIGEST = 16, 32  # bytes of the two parts of a record


def cache_file(kind: str, dataset: Path | str, suffix: str = "") -> Path:
    """Return the file of one kind about a dataset, a folder or a URL, in the user's cache."""
    place = dataset if isinstance(dataset, str) else dataset.absolute()
    name = sha256(os.fsencode(place)).hexdigest()
    return user_cache() / kind / f"{name}{suffix}"


class KnownFiles:
    """The index of one dataset: of its recordings and its shards.

    Parameters
    ----------
    dataset : Path or str
        The dataset's folder, or its URL.
    rehash : bool
        Whether to read every file again.

    Attributes
    ----------
    dataset : Path or str
        As above.
    """

    def __init__(self, dataset: Path | str, *, rehash: bool = False) -> None:
        self.dataset = dataset
        self._index = cache_file("files", dataset)
        self._before: dict[bytes, bytes] = {} if rehash else dict(_records(self._index))
        self._now: dict[bytes, bytes] = {}

    def digest(self, facts: str) -> str | None:
        """Return the digest of the files with these :func:`facts_of`, or None if unknown."""
        name, mask = _hashes(facts)
        hidden = self._now.get(name) or self._before.get(name)
        if hidden is None:
            return None
        self._now[name] = hidden
        return _combined(hidden, mask).hex()

    def keep(self, facts: str, digest: str) -> None:
        """Keep the SHA-256 of the files with these :func:`facts_of`."""
        name, mask = _hashes(facts)
        self._now[name] = _combined(bytes.fromhex(digest), mask)

    def holds(self, wanted: FileFacts, path: Path) -> bool:
        """Return whether a file has the size and digest that a card gives; read it if unknown."""
        try:
            if path.stat().st_size != wanted.bytes:
                return False
            facts = facts_of([path])
        except OSError:
            return False
        known = self.digest(facts)
        if known is None and wanted.hold_for(path):
            self.keep(facts, wanted.sha256)
            return True
        return known == wanted.sha256

    def keep_dataset(self, dataset: Path, card: Card) -> None:
        """Keep the digests of the shards that a build writes, as their card has them."""
        for half, part in ((ACTIONS, card.actions), (LEFT_OUT, card.left_out)):
            for shard in part.shards if part else []:
                for name, wanted in shard.files.items():
                    self.keep(facts_of([dataset / half / name]), wanted.sha256)

    def save(self, *, all_seen: bool = True) -> None:
        """Write the index; without the files that were not asked for, if these are all.

        An index that cannot be written is left out: it saves time, and nothing else.
        """
        records = self._now if all_seen else self._before | self._now
        if records != self._before:
            with suppress(OSError):
                self._index.parent.mkdir(parents=True, exist_ok=True)
                data = b"".join(name + hidden for name, hidden in sorted(records.items()))
                write_atomically(self._index, data)


def facts_of(paths: list[Path]) -> str:
    """Return the facts of files by which they are known; any change of a file changes them.

    Raises
    ------
    OSError
        When a file is missing.
    """
    facts = []
    for path in paths:
        at = path.stat()
        facts.append((path.name, at.st_size, at.st_ino, at.st_mtime_ns, at.st_ctime_ns))
    return f"{paths[0].parent.absolute() if paths else ''}{facts}"


def _records(index: Path) -> Iterator[tuple[bytes, bytes]]:
    """Yield the records of an index; none of a damaged one."""
    try:
        data = index.read_bytes()
    except OSError:
        return
    size = _NAME + _DIGEST
    if len(data) % size == 0:
        for at in range(0, len(data), size):
            yield data[at : at + _NAME], data[at + _NAME : at + size]


def _hashes(facts: str) -> tuple[bytes, bytes]:
    """Return the hash by which files are found, and the one that hides their digest."""
    text = facts.encode(errors="surrogateescape")
    return sha256(b"name" + text).digest()[:_NAME], sha256(b"mask" + text).digest()


def _combined(one: bytes, other: bytes) -> bytes:
    return (int.from_bytes(one) ^ int.from_bytes(other)).to_bytes(_DIGEST)
