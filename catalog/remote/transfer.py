"""Transfer of whole files to and from a URL, each compared by its SHA-256 at the other end."""

import hashlib
from pathlib import Path
from typing import IO

from fmdata.catalog.errors import DatasetError
from fmdata.catalog.remote.store import TRIES, Store
from fmdata.catalog.storage.card import FileFacts


def sent(store: Store, path: Path, name: str, facts: FileFacts) -> bool:
    """Upload a local file until it reads back with some facts; return whether it does.

    Raises
    ------
    DatasetError
        When the place cannot be reached.
    """
    for _ in range(TRIES):
        store.upload(path, name)
        if store.facts(name) == facts:
            return True
    return False


def send(store: Store, path: Path, name: str) -> FileFacts:
    """Upload a local file, and read it back; return its facts.

    Raises
    ------
    DatasetError
        When the place cannot be reached, or does not keep the bytes that it gets.
    """
    facts = FileFacts.of(path)
    if not sent(store, path, name, facts):
        raise not_kept(store, name)
    return facts


def received(store: Store, name: str, file: IO[bytes], n_bytes: int | None = None) -> FileFacts:
    """Copy a file into an open local one, and return the facts of what came over.

    Nothing comes over of a missing file, or of one with another size than `n_bytes`.
    """
    digest, size = hashlib.sha256(), 0
    for block in store.blocks(name, n_bytes):
        digest.update(block)
        file.write(block)
        size += len(block)
    return FileFacts(size, digest.hexdigest())


def fetched(store: Store, name: str, path: Path, facts: FileFacts) -> bool:
    """Download a file until it has some facts; return whether it does."""
    for _ in range(TRIES):
        with path.open("wb") as file:
            if received(store, name, file, facts.bytes) == facts:
                return True
    path.unlink()
    return False


def fetch(store: Store, name: str, path: Path, facts: FileFacts) -> None:
    """Download a file of known facts.

    Raises
    ------
    DatasetError
        When it has other facts at each try, or the place cannot be reached.
    """
    if not fetched(store, name, path, facts):
        raise damaged(store, name)


def damaged(store: Store, name: str) -> DatasetError:
    """Return the error for a file that is not as it was written."""
    return DatasetError(
        f"{name} is missing, or has another checksum than it was written with",
        wanted="files that nobody else changes",
        where=store.url,
        todo="run `fmdata build` again, with --rehash: what is damaged is made again",
    )


def not_kept(store: Store, name: str) -> DatasetError:
    """Return the error for a place that does not keep the bytes that it gets."""
    return DatasetError(
        f"{name} was sent {TRIES} times, and each time another checksum was read back",
        wanted="a place that keeps the bytes it gets",
        where=store.url,
        todo="check the disk or the network there, then run the same command again",
    )
