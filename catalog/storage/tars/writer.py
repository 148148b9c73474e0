"""Writing of files that are hashed as they are written, and of tars with fixed headers.

Promise: the same members give the same bytes; headers hold no time, owner or host name.
"""

import hashlib
import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import IO

from fmdata.catalog.storage.card import FileFacts
from fmdata.catalog.storage.files import atomic_file
from fmdata.catalog.storage.tars.content import BLOCK, Content, TarSlice, fill, pieces_of, size_of

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
    """Writes a tar in GNU format; members are copied and hashed in one pass, block by block.

    Headers and pieces of members fill a block together, so that small ones cost no call of their
    own. The file of a piece stays open until a piece of another one comes.

    Parameters
    ----------
    file : HashedFile
        The tar.
    """

    def __init__(self, file: HashedFile) -> None:
        self._file = file
        self._block = memoryview(bytearray(BLOCK))
        self._used = 0  # bytes of the block
        self._source: tuple[Path, FileIO] | None = None

    def add(self, name: str, content: Content) -> tuple[int, int]:
        """Append one member; return the offset of its content in the tar, and its size."""
        size = size_of(content)
        self._put(tar_header(name, size))
        offset = self._written()
        for piece in pieces_of(content):
            if isinstance(piece, bytes):
                self._put(piece)
            else:
                self._copy(piece)
        if self._written() != offset + size:
            raise ValueError(f"{name} changed its size while it was copied")
        self._put(bytes(-size % tarfile.BLOCKSIZE))
        return offset, size

    def close(self) -> None:
        """Write the end of the tar."""
        end = self._written() + 2 * tarfile.BLOCKSIZE
        self._put(bytes(2 * tarfile.BLOCKSIZE + -end % tarfile.RECORDSIZE))
        self._flush()
        self._close_source()

    def _written(self) -> int:
        return self._file.tell() + self._used

    def _put(self, data: bytes) -> None:
        """Append bytes."""
        left = memoryview(data)
        while left:
            some = left[: BLOCK - self._used]
            self._block[self._used : self._used + len(some)] = some
            self._add(len(some))
            left = left[len(some) :]

    def _copy(self, piece: TarSlice) -> None:
        """Append bytes of a file."""
        file, left = self._opened(piece.tar), piece.size
        file.seek(piece.offset)
        while left:
            count = fill(self._block[self._used : self._used + left], file, left)
            self._add(count)
            left -= count

    def _add(self, count: int) -> None:
        """Count bytes that were put into the block, and write it where it is full."""
        self._used += count
        if self._used == BLOCK:
            self._flush()

    def _flush(self) -> None:
        self._file.write(self._block[: self._used])
        self._used = 0

    def _opened(self, path: Path) -> FileIO:
        if self._source is None or self._source[0] != path:
            self._close_source()
            self._source = path, path.open("rb", buffering=0)
        return self._source[1]

    def _close_source(self) -> None:
        if self._source is not None:
            self._source[1].close()
        self._source = None


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
