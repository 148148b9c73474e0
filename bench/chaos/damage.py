"""Kinds of damage to a video file: functions of its bytes, another file's bytes and a generator."""

from collections.abc import Callable

import numpy as np

Damage = Callable[[bytes, bytes, np.random.Generator], bytes]
HEADER = 512  # bytes at either end, where containers keep their metadata


def flip(data: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Change 1 to 64 bytes anywhere."""
    return _changed(data, 0, len(data), int(rng.integers(1, 65)), rng)


def header(data: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Change 1 to 32 of the first or the last 512 bytes."""
    start = 0 if rng.uniform() < 0.5 else max(len(data) - HEADER, 0)
    return _changed(data, start, min(start + HEADER, len(data)), int(rng.integers(1, 33)), rng)


def cut(data: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Truncate anywhere, perhaps to nothing."""
    return data[: int(rng.integers(len(data)))]


def behead(data: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Remove the beginning."""
    return data[int(rng.integers(1, len(data))) :]


def hole(data: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Overwrite a run of up to a third of the file with zeros, as in an incomplete download."""
    length = int(rng.integers(1, len(data) // 3))
    start = int(rng.integers(len(data) - length))
    return data[:start] + bytes(length) + data[start + length :]


def splice(data: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Join the beginning of one file and the end of another."""
    return data[: int(rng.integers(len(data)))] + other[int(rng.integers(len(other))) :]


def shuffle(data: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Exchange two blocks of the size of a disk block."""
    block = 4096 if len(data) > 4 * 4096 else len(data) // 8
    blocks = [data[i : i + block] for i in range(0, len(data), block)]
    one, two = rng.choice(len(blocks), 2, replace=False)
    blocks[one], blocks[two] = blocks[two], blocks[one]
    return b"".join(blocks)


def insert(data: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Insert up to 2000 random bytes."""
    at = int(rng.integers(len(data)))
    return data[:at] + rng.bytes(int(rng.integers(1, 2000))) + data[at:]


DAMAGES: dict[str, Damage] = {
    each.__name__: each for each in (flip, header, cut, behead, hole, splice, shuffle, insert)
}


def _changed(data: bytes, start: int, stop: int, n: int, rng: np.random.Generator) -> bytes:
    changed = bytearray(data)
    for at in rng.integers(start, stop, n):
        changed[at] ^= int(rng.integers(1, 256))
    return bytes(changed)
