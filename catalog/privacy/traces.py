"""Fingerprints of a subject's frames, to find remnants of the frames in files.

A mark is a hash of 16 bytes of a JPEG or LBP map. Every 256 bytes, 16 marks begin at 16 consecutive
bytes. A search therefore hashes a file at multiples of 16 bytes only, and still finds any 304
consecutive bytes of a frame at any position. Not marked are the JPEG header, which is the same for
every subject, and bytes with few distinct values, such as those of a black border.

Promise: frames or parts of frames cannot be recovered from marks.
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
MIN_DISTINCT = 10  # distinct values among 16 marked bytes; noise has about 15
_START_OF_SCAN = b"\xff\xda"
_ODD = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F], np.uint64)
_BLOCK = 1 << 16  # hashes computed at a time; they fit the CPU cache


@dataclass(frozen=True)
class Traces:
    """Marks of all frames of one subject.

    Attributes
    ----------
    name : str
        SHA-256 of the subject's name.
    marks : uint64 [N]
        Sorted and distinct.
    frames : frozenset of bytes
        SHA-256 of every JPEG and every LBP map.
    """

    name: str
    marks: np.ndarray
    frames: frozenset[bytes]

    @classmethod
    def of(cls, subject: str, frames: Iterable[bytes]) -> "Traces":
        """Compute the marks of frames: JPEGs, and LBP maps as raw bytes."""
        marks: dict[bytes, np.ndarray] = {}
        for frame in frames:
            digest = hashlib.sha256(frame).digest()
            if digest not in marks:
                marks[digest] = _marks(frame)
        distinct = np.unique(np.concatenate([np.zeros(0, np.uint64), *marks.values()]))
        return cls(name_digest(subject), distinct, frozenset(marks))

    def write(self, path: Path) -> None:
        """Write the marks to a file, for a run that completes this one."""
        file = io.BytesIO()
        digests = np.frombuffer(b"".join(sorted(self.frames)), np.uint8).reshape(-1, 32)
        np.savez(file, name=np.array(self.name), marks=self.marks, frames=digests)
        write_atomically(path, file.getvalue())

    @classmethod
    def read(cls, path: Path) -> "Traces":
        """Read the marks from a file of :meth:`write`."""
        with np.load(path, allow_pickle=False) as file:
            frames = frozenset(row.tobytes() for row in file["frames"])
            return cls(str(file["name"]), file["marks"], frames)

    def found_in(self, path: Path) -> Iterator[int]:
        """Yield the positions in a file, multiples of 16, of marked bytes."""
        n_bytes = path.stat().st_size // WIDTH * WIDTH
        if len(self.marks) == 0 or n_bytes == 0:
            return
        words = np.asarray(np.memmap(path, "<u8", "r", shape=(n_bytes // WIDTH, 2)))
        for begin in range(0, len(words), _BLOCK):
            hashes = _hash(words[begin : begin + _BLOCK])
            likely = np.flatnonzero(self._table[self._slot(hashes)])
            place = np.searchsorted(self.marks, hashes[likely]).clip(max=len(self.marks) - 1)
            found = likely[self.marks[place] == hashes[likely]]
            yield from ((begin + found) * WIDTH).tolist()

    @cached_property
    def _table(self) -> np.ndarray:
        """True for each value of the leading bits of a mark: a fast filter before the search."""
        table = np.zeros(1 << self._bits, np.bool_)
        table[self._slot(self.marks)] = True
        return table

    @property
    def _bits(self) -> int:
        return max(16, (16 * len(self.marks)).bit_length())

    def _slot(self, marks: np.ndarray) -> np.ndarray:
        return marks >> np.uint64(64 - self._bits)


def name_digest(subject: str) -> str:
    """Return the SHA-256 of a subject's name, in hexadecimal."""
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
    marked = np.ascontiguousarray(runs[distinct >= MIN_DISTINCT])
    return _hash(marked.view("<u8"))


def _hash(words: np.ndarray) -> np.ndarray:
    """Hash pairs of words, uint64 [N, 2], to uint64 [N]."""
    mixed = (words[:, 0] * _ODD[0]) ^ (words[:, 1] * _ODD[1])
    mixed ^= mixed >> np.uint64(32)
    mixed *= _ODD[0]
    hashed: np.ndarray = mixed
    return hashed
