"""Writing of files that are hashed as they are written, and of tars with fixed headers.

Promise: the same members give the same bytes; headers hold no time, owner or host name.
"""

import hashlib
import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from fmdata.catalog.storage.card import FileFacts
from fmdata.catalog.storage.files import atomic_file
from fmdata.catalog.storage.tars.content import BLOCK, Content, blocks, size_of

_SIZE, _CHECKSUM = slice(124, 135), slice(148, 156)  # in a header
_NO_SIZE = bytes(11)


class HashedFile(io.RawIOBase):
    """A file for writing from its beginning, hashed in the same pass.

    Parameters
    ----------
    file : binary file
        Open for writing, and empty.
    """

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file
        self._hash = hashlib.sha256()
        self._size = 0

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: bytes | memoryview) -> int:  # type: ignore[override]
        """Append bytes."""
        self._hash.update(data)
        self._size += len(data)
        return self._file.write(data)

    def tell(self) -> int:
        """Return the number of bytes written."""
        return self._size

    @property
    def facts(self) -> FileFacts:
        """Size and SHA-256 of all that was written."""
        return FileFacts(self._size, self._hash.hexdigest())


@contextmanager
def hashed_file(path: Path) -> Iterator[HashedFile]:
    """Open a hashed file for writing that appears under `path` only when it is complete."""
    with atomic_file(path) as file:
        yield HashedFile(file)


class TarWriter:
    """Writes a tar in GNU format; each member is copied and hashed in one pass.

    Parameters
    ----------
    file : HashedFile
        The tar.
    """

    def __init__(self, file: HashedFile) -> None:
        self._file = file
        self._buffer = memoryview(bytearray(BLOCK))

    def add(self, name: str, content: Content) -> tuple[int, int]:
        """Append one member; return the offset of its content in the tar, and its size."""
        size = size_of(content)
        self._file.write(tar_header(name, size))
        offset = self._file.tell()
        for block in blocks(content, self._buffer):
            self._file.write(block)
        if self._file.tell() != offset + size:
            raise ValueError(f"{name} changed its size while it was copied")
        self._file.write(bytes(-size % tarfile.BLOCKSIZE))
        return offset, size

    def close(self) -> None:
        """Write the end of the tar."""
        end = self._file.tell() + 2 * tarfile.BLOCKSIZE
        self._file.write(bytes(2 * tarfile.BLOCKSIZE + -end % tarfile.RECORDSIZE))


def tar_header(name: str, size: int) -> bytes:
    """Return the bytes before a member of `size` bytes in a shard's tar."""
    short, digits = name.encode(), b"%011o" % size
    if len(short) > tarfile.LENGTH_NAME or len(digits) > len(_NO_SIZE):
        return _header(name, size)
    # The name and size put into a ready header: tarfile takes ten times as long to make one.
    header = bytearray(_NO_NAME)
    header[: len(short)] = short
    header[_SIZE] = digits
    header[_CHECKSUM] = b" " * 8
    header[_CHECKSUM] = b"%06o\0 " % sum(header)
    return bytes(header)


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)  # mtime 0, uid 0, no owner names
    info.mode, info.size = 0o644, size
    return info.tobuf(tarfile.GNU_FORMAT)  # names of any length, and no header with a time


_NO_NAME = _header("", 0)
