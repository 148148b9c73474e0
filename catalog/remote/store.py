"""Files below an fsspec URL: list, read, hash, upload, move and remove, each with retries.

Alone knows fsspec. A request that fails is tried five times, with growing waits between; what
cannot succeed later, such as a missing file or permission, is not retried. Memory holds one block
of a file. Promise: no message holds a user name, password or token of the URL.
"""

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, TypeVar

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from fmdata.catalog.errors import DatasetError, UsageError
from fmdata.catalog.remote.copies import shown, without_secrets
from fmdata.catalog.storage.card import FileFacts

TRIES = 5
BACKOFF_S = 0.5  # before the second try; doubled before each further one
BLOCK = 8 << 20  # bytes of one request to read
_MAX_CREATED = 1 << 16  # bytes of a file that two commands may create
_LASTING = (PermissionError, IsADirectoryError, NotADirectoryError, TypeError, ValueError)

# Facts of a file that change with it, by which file systems know it.
_STATE = ("ETag", "etag", "md5Hash", "generation", "LastModified", "last_modified", "updated",
          "mtime", "created", "ino")  # fmt: skip

T = TypeVar("T")


class Listed(NamedTuple):
    """A file as a list of files shows it.

    Attributes
    ----------
    size : int
        Bytes.
    state : str
        Facts that change when the file changes; empty where the file system lists none.
    is_link : bool
        Whether it is a link, on a disk.
    """

    size: int
    state: str
    is_link: bool = False


class Store:
    """The files below a URL, by their names relative to it.

    Parameters
    ----------
    url : str
        fsspec URL (``s3://``, ``gs://``, ``memory://``, ``file://``, …), or a path.
    tries : int
        Times that a failing request is made.

    Raises
    ------
    UsageError
        When the URL has an unknown protocol, or one whose package is not installed.

    Attributes
    ----------
    url : str
        The URL without secrets, to be shown and stored.
    """

    def __init__(self, url: str, tries: int = TRIES) -> None:
        self.url, self._given, self._tries = shown(url), url, tries
        if "::" in url:
            raise self._refused("a chain of URLs", "one fsspec URL", "name the place itself")
        full = url if "://" in url else Path(url).resolve().as_uri()
        try:
            # A cached list of files would hide those of this very run.
            fs, root = url_to_fs(full, use_listings_cache=False, skip_instance_cache=True)
        except (ValueError, ImportError) as error:
            todo = "correct the URL, or install the package of its protocol: `pip install s3fs` "
            todo += "for s3://, gcsfs for gs://"
            wanted = "a URL such as s3://bucket/name"
            raise self._refused(self._words(error), wanted, todo) from error
        self._fs: Any = fs
        self._root = root.rstrip("/")
        if isinstance(fs, LocalFileSystem):
            fs.auto_mkdir = True

    def sizes(self, below: str = "") -> dict[str, int]:
        """Return the size of every file below the URL, or below a folder, by name; sorted."""
        return {name: one.size for name, one in self.listing(below).items()}

    def listing(self, below: str = "") -> dict[str, Listed]:
        """Return every file below the URL, or below a folder in it, by name; sorted."""
        try:
            found = self._call(self._fs.find, self._path(below), detail=True)
        except FileNotFoundError:
            return {}
        names = {path[len(self._root) :].lstrip("/"): facts for path, facts in found.items()}
        return {name: _listed(names[name]) for name in sorted(names)}

    def size(self, name: str) -> int | None:
        """Return the size of a file in bytes; None where it is missing."""
        try:
            return self._size(name)
        except FileNotFoundError:
            return None

    def read(self, name: str, limit: int) -> bytes | None:
        """Return the content of a small file; None where it is missing.

        Raises
        ------
        DatasetError
            When it has more than `limit` bytes.
        """
        try:
            size = self._size(name)
            if size > limit:
                raise self._wrong(name, f"{size} bytes", f"at most {limit} bytes")
            return b"".join(self._blocks(name, size))
        except FileNotFoundError:
            return None

    def blocks(self, name: str, n_bytes: int | None = None) -> Iterator[bytes]:
        """Yield the content of a file in blocks; each is one request, retried alone.

        Of a missing file, or one of another size than `n_bytes`, nothing is read.
        """
        try:
            size = self._size(name)
            if n_bytes in (None, size):
                yield from self._blocks(name, size)
        except FileNotFoundError:
            return

    def head(self, name: str, n_bytes: int) -> bytes:
        """Return the first bytes of a file; none of a missing one."""
        size = min(self.size(name) or 0, n_bytes)
        return b"".join(self._blocks(name, size))

    def facts(self, name: str) -> FileFacts:
        """Return the size and SHA-256 of a file, computed from its bytes read back."""
        digest, size = hashlib.sha256(), 0
        for block in self.blocks(name):
            digest.update(block)
            size += len(block)
        return FileFacts(size, digest.hexdigest())

    def write(self, name: str, data: bytes) -> None:
        """Write a small file."""
        self._change(self._fs.pipe_file, self._path(name), data)

    def create(self, name: str, data: bytes) -> bool:
        """Write a small file that is not there yet; return False where another one is.

        Where the file system knows no such request, the last of two writers wins.
        """
        try:
            if isinstance(self._fs, LocalFileSystem):  # its mode "create" is not exclusive
                self._call(_create, Path(self._path(name)), data)
            else:
                self._change(self._fs.pipe_file, self._path(name), data, mode="create")
        except FileExistsError:  # perhaps by a try whose answer was lost
            return self.read(name, _MAX_CREATED) == data
        except DatasetError:
            self.write(name, data)
        return True

    def upload(self, path: Path, name: str) -> None:
        """Copy a local file to `name`, as the file system likes it best (S3: in parallel parts)."""
        self._change(self._fs.put_file, str(path), self._path(name))

    def move(self, old: str, new: str) -> None:
        """Give a file another name, at the far end; it appears there whole.

        On a disk it is a rename, in an object store a copy and a removal.
        """
        if isinstance(self._fs, LocalFileSystem):
            self._change(self._fs.mv, self._path(old), self._path(new))
            return
        self.copy(old, new)
        self.remove(old)

    def copy(self, old: str, new: str) -> None:
        """Copy a file at the far end."""
        self._change(self._fs.cp_file, self._path(old), self._path(new))

    def remove(self, name: str) -> None:
        """Remove a file, if it exists."""
        try:
            self._call(self._fs.rm_file, self._path(name))
        except FileNotFoundError:
            return

    def remove_empty_folders(self, *names: str) -> None:
        """Remove folders without files; an object store has none."""
        if isinstance(self._fs, LocalFileSystem):
            for name in names:
                folder = Path(self._path(name))
                if folder.is_dir() and not any(folder.iterdir()):
                    folder.rmdir()

    def _size(self, name: str) -> int:
        return int(self._call(self._fs.info, self._path(name))["size"])

    def _blocks(self, name: str, size: int) -> Iterator[bytes]:
        for start in range(0, size, BLOCK):
            stop = min(start + BLOCK, size)
            yield self._call(self._fs.cat_file, self._path(name), start=start, end=stop)

    def _path(self, name: str) -> str:
        return f"{self._root}/{PurePosixPath(name)}" if name else self._root

    def _change(
        self, request: Callable[..., object], *arguments: object, **options: object
    ) -> None:
        """Make a request that needs a bucket, or a file, which may be missing."""
        try:
            self._call(request, *arguments, **options)
        except FileNotFoundError as error:
            raise self._failed(error, 1) from error

    def _call(self, request: Callable[..., T], *arguments: Any, **options: Any) -> T:
        """Make a request until it succeeds.

        Raises
        ------
        FileNotFoundError, FileExistsError
            When there is no such file, or already one.
        DatasetError
            When the request fails for good, or at each try.
        """
        for attempt in range(self._tries):
            try:
                return request(*arguments, **options)
            except (FileNotFoundError, FileExistsError):
                raise
            # Libraries raise errors of their own, which are no OSError.
            except Exception as error:
                if attempt + 1 == self._tries or isinstance(error, _LASTING):
                    raise self._failed(error, attempt + 1) from error
                time.sleep(BACKOFF_S * 2**attempt)
        raise AssertionError("no try is made")

    def _failed(self, error: Exception, tries: int) -> DatasetError:
        times = f"{tries} times" if tries > 1 else "once"
        return DatasetError(
            f"a request failed, tried {times}: {self._words(error)}",
            wanted="a place that can be reached, read and written",
            where=self.url,
            todo="check the network, the address and the credentials, then run the same command "
            "again: it resumes",
        )

    def _words(self, error: Exception) -> str:
        words = " ".join(str(error).split()) or type(error).__name__
        return without_secrets(words, self._given)

    def _wrong(self, name: str, got: str, wanted: str) -> DatasetError:
        todo = "push the dataset there again"
        return DatasetError(got, wanted=wanted, where=f"{self.url}/{name}", todo=todo)

    def _refused(self, got: str, wanted: str, todo: str) -> UsageError:
        return UsageError(got, wanted=wanted, where=self.url, todo=todo)


def store_at(url: str) -> Store:
    """Return the store of a URL; a process opens it once, which takes a moment for S3."""
    return _opened(url, os.getpid())


@lru_cache(maxsize=16)
def _opened(url: str, process: int) -> Store:
    """Open a store; connections do not outlive a fork, so each process has its own."""
    return Store(url)


def _create(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(data)


def _listed(facts: Mapping[str, Any]) -> Listed:
    state = [str(facts[name]) for name in _STATE if facts.get(name)]
    return Listed(int(facts["size"]), " ".join(state), bool(facts.get("islink")))
