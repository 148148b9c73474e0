"""Content of a tar's members: bytes, a file, a range of bytes of a file, or several in a row.

Only a block of it is ever in memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass
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


def blocks(content: Content, buffer: memoryview) -> Iterator[bytes | memoryview]:
    """Yield the bytes in blocks; `buffer` holds each until the next is asked for.

    Raises
    ------
    EOFError
        When a file ends before its range.
    """
    if isinstance(content, bytes):
        yield content
    elif isinstance(content, Joined):
        for piece in content.pieces:
            yield from blocks(piece, buffer)
    elif isinstance(content, TarSlice):
        yield from _range(content.tar, content.offset, content.size, buffer)
    else:
        yield from _range(content, 0, content.stat().st_size, buffer)


def content_bytes(content: Content) -> bytes:
    """Return all bytes at once; raises as :func:`blocks` does."""
    buffer = memoryview(bytearray(min(BLOCK, size_of(content))))
    return b"".join(bytes(block) for block in blocks(content, buffer))


def _range(path: Path, offset: int, size: int, buffer: memoryview) -> Iterator[memoryview]:
    with path.open("rb", buffering=0) as file:
        file.seek(offset)
        while size:
            count = file.readinto(buffer[:size])
            if not count:
                raise EOFError(f"{path.name} ends {size} bytes too early")
            yield buffer[:count]
            size -= count
