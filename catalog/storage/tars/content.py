"""Content of a tar's members: bytes, a file, a range of bytes of a file, or several in a row."""

from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

BLOCK = 256 << 10  # bytes; small enough to stay in the cache between reading, hashing and writing


@dataclass(frozen=True)
class TarSlice:
    """Content of a member of an existing tar, or a part of it: `size` bytes from `offset`."""

    tar: Path
    offset: int
    size: int


@dataclass(frozen=True)
class Joined:
    """Several contents, one after another."""

    pieces: tuple[bytes | TarSlice, ...]


Content = bytes | Path | TarSlice | Joined


def size_of(content: Content) -> int:
    """Return the number of bytes."""
    if isinstance(content, Joined):
        return sum(map(size_of, content.pieces))
    if isinstance(content, TarSlice):
        return content.size
    return content.stat().st_size if isinstance(content, Path) else len(content)


def pieces_of(content: Content) -> Iterator[bytes | TarSlice]:
    """Yield the pieces of a content: bytes, and ranges of bytes of files."""
    if isinstance(content, Joined):
        yield from content.pieces
    elif isinstance(content, Path):
        yield TarSlice(content, 0, content.stat().st_size)
    else:
        yield content


def content_bytes(content: Content) -> bytes:
    """Return all bytes at once.

    Raises
    ------
    EOFError
        When a file ends before its range.
    """
    return b"".join(
        piece if isinstance(piece, bytes) else _range(piece) for piece in pieces_of(content)
    )


def _range(piece: TarSlice) -> bytes:
    with piece.tar.open("rb", buffering=0) as file:
        file.seek(piece.offset)
        data = bytearray(piece.size)
        filled = 0
        while filled < piece.size:
            filled += fill(memoryview(data)[filled:], file, piece.size - filled)
        return bytes(data)


def fill(room: memoryview, file: FileIO, wanted: int) -> int:
    """Read some of the next `wanted` bytes of a file into `room`; return how many.

    Raises
    ------
    EOFError
        When the file has no more.
    """
    count = file.readinto(room)
    if not count:
        raise EOFError(f"{Path(str(file.name)).name} ends {wanted} bytes too early")
    return count
