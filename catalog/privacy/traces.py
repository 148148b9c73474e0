"""What is remembered of a subject's frames, to look for it in files afterwards.

Of every JPEG and every LBP map, 16 bytes are marked at each of 16 neighbouring places, and so again
every 256 bytes. A file is then looked at only every 16 bytes, and still no remnant of 304 bytes of
a frame is missed, wherever it lies. Left out are the JPEG's header, which is the same for
everybody, and bytes of few distinct values, such as a black border gives.

A mark is a hash: neither the frames nor parts of them can be had back from it.
"""

import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from fmdata.catalog.storage.files import write_atomically

WIDTH, STRIDE = 16, 256
MIN_DISTINCT = 10  # values among the bytes of a mark; noise has about 15
_START_OF_SCAN = b"\xff\xda"
_ODD = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F], np.uint64)
_AT_ONCE = 1 << 16  # marks; few enough for the cache


@dataclass(frozen=True)
class Traces:
    """A subject's marks.

    Attributes
    ----------
    name : str
        SHA-256 of the subject's name.
    marks : uint64 [N]
        Sorted, each once.
    frames : frozenset of bytes
        SHA-256 of every JPEG and every LBP map.
    """

    name: str
    marks: np.ndarray
    frames: frozenset[bytes]

    @classmethod
    def of(cls, subject: str, frames: Iterable[bytes]) -> "Traces":
        """Mark frames: JPEGs, and LBP maps as plain bytes."""
        marks: dict[bytes, np.ndarray] = {}
        for frame in frames:
            digest = hashlib.sha256(frame).digest()
            if digest not in marks:
                marks[digest] = _marks(frame)
        every = np.unique(np.concatenate([np.zeros(0, np.uint64), *marks.values()]))
        return cls(name_digest(subject), every, frozenset(marks))

    def write(self, path: Path) -> None:
        """Write the marks down, for a run that has to finish what this one began."""
        file = io.BytesIO()
        digests = np.frombuffer(b"".join(sorted(self.frames)), np.uint8).reshape(-1, 32)
        np.savez(file, name=np.array(self.name), marks=self.marks, frames=digests)
        write_atomically(path, file.getvalue())

    @classmethod
    def read(cls, path: Path) -> "Traces":
        """Read back what :meth:`write` wrote."""
        with np.load(path, allow_pickle=False) as file:
            frames = frozenset(row.tobytes() for row in file["frames"])
            return cls(str(file["name"]), file["marks"], frames)

    def found_in(self, path: Path) -> Iterator[int]:
        """Yield positions in a file, multiples of 16, at which marked bytes stand."""
        n_bytes = path.stat().st_size // WIDTH * WIDTH
        if len(self.marks) == 0 or n_bytes == 0:
            return
        words = np.asarray(np.memmap(path, "<u8", "r", shape=(n_bytes // WIDTH, 2)))
        for begin in range(0, len(words), _AT_ONCE):
            some = _hash(words[begin : begin + _AT_ONCE])
            likely = np.flatnonzero(self._table[self._slot(some)])
            place = np.searchsorted(self.marks, some[likely]).clip(max=len(self.marks) - 1)
            sure = likely[self.marks[place] == some[likely]]
            yield from ((begin + sure) * WIDTH).tolist()

    @cached_property
    def _table(self) -> np.ndarray:
        """Whether a mark may begin with given bits, bool: rules nearly all bytes out at once."""
        table = np.zeros(1 << self._bits, np.bool_)
        table[self._slot(self.marks)] = True
        return table

    @property
    def _bits(self) -> int:
        return max(16, (16 * len(self.marks)).bit_length())

    def _slot(self, marks: np.ndarray) -> np.ndarray:
        return marks >> np.uint64(64 - self._bits)


def name_digest(subject: str) -> str:
    """SHA-256 of a subject's name, in hexadecimal."""
    return hashlib.sha256(subject.encode()).hexdigest()


def _marks(frame: bytes) -> np.ndarray:
    """Return the marks of one frame, uint64 [N]."""
    begin = 0
    if frame.startswith(b"\xff\xd8"):
        scan = frame.find(_START_OF_SCAN) + 2
        begin = scan + int.from_bytes(frame[scan : scan + 2])
    data = np.frombuffer(frame, np.uint8)
    starts = np.arange(begin, len(data) - 2 * WIDTH, STRIDE)
    if len(starts) == 0:
        return np.zeros(0, np.uint64)
    places = starts[:, None] + np.arange(WIDTH)
    runs = sliding_window_view(data, WIDTH)[places.ravel()]
    distinct = 1 + (np.diff(np.sort(runs, axis=1), axis=1) != 0).sum(axis=1)
    told = np.ascontiguousarray(runs[distinct >= MIN_DISTINCT])
    return _hash(told.view("<u8"))


def _hash(words: np.ndarray) -> np.ndarray:
    """Hash pairs of words, uint64 [N, 2], to uint64 [N]."""
    mixed = (words[:, 0] * _ODD[0]) ^ (words[:, 1] * _ODD[1])
    mixed ^= mixed >> np.uint64(32)
    mixed *= _ODD[0]
    hashed: np.ndarray = mixed
    return hashed
