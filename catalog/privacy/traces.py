"""Fingerprints of a subject's frames, to find remnants of the frames in files.

A mark is a hash of 16 bytes of a JPEG, an LBP map or a second of sound. Every 256 bytes, 16 marks
begin at 16 consecutive bytes. A search therefore hashes a file at multiples of 16 bytes only, and
still finds any 304 consecutive bytes of a frame at any position. Not marked are the JPEG header,
which is the same for every subject, and bytes with few distinct values, as those of a black border
or of silence. Of a subject with more than some 60 megabytes of frames, half of the marks are kept,
or a quarter, and so on, as the memory is limited: a picture is then found by one of its other
marks, a clip in any case.

Promise: frames or parts of frames cannot be recovered from marks.
"""

import hashlib
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from fmdata.catalog.storage.files import atomic_file

WIDTH, STRIDE = 16, 256
MIN_DISTINCT = 10  # distinct values among 16 marked bytes; noise has about 15
MAX_MARKS = 1 << 22  # of a subject, 32 megabytes
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
    frames : uint64 [M]
        First eight bytes of the SHA-256 of every JPEG, LBP map and second of sound; sorted and
        distinct.
    n_frames : int
        Number of JPEGs, LBP maps and seconds of sound, equal ones counted each.
    """

    name: str
    marks: np.ndarray
    frames: np.ndarray
    n_frames: int

    @classmethod
    def of(cls, subject: str, frames: Iterable[bytes]) -> "Traces":
        """Compute the marks of frames: JPEGs, and LBP maps and sound as raw bytes."""
        marks, digests, before = _Collected(), array("Q"), -1
        for frame in frames:
            digest = frame_digest(frame)
            digests.append(digest)
            if digest != before:
                marks.add(_marks(frame))
            before = digest
        distinct = np.unique(np.frombuffer(digests, np.uint64))
        return cls(name_digest(subject), marks.distinct(), distinct, len(digests))

    def write(self, path: Path) -> None:
        """Write the marks to a file, for a run that completes this one."""
        with atomic_file(path) as file:
            np.savez(
                file,
                name=np.array(self.name),
                marks=self.marks,
                frames=self.frames,
                n_frames=np.array(self.n_frames),
            )

    @classmethod
    def read(cls, path: Path) -> "Traces":
        """Read the marks from a file of :meth:`write`."""
        with np.load(path, allow_pickle=False) as file:
            return cls(str(file["name"]), file["marks"], file["frames"], int(file["n_frames"]))

    def has_frame(self, frame: bytes) -> bool:
        """Return whether a JPEG or an LBP map is one of the subject's."""
        digest = np.uint64(frame_digest(frame))
        place = int(np.searchsorted(self.frames, digest))
        return place < len(self.frames) and bool(self.frames[place] == digest)

    def found_in(self, path: Path) -> Iterator[int]:
        """Yield the positions in a file, multiples of 16, of marked bytes, in order."""
        if len(self.marks) == 0:
            return
        begin = 0
        with path.open("rb") as file:
            while data := file.read(_BLOCK * WIDTH):
                whole = len(data) // WIDTH * WIDTH
                hashes = _hash(np.frombuffer(data[:whole], "<u8").reshape(-1, 2))
                likely = np.flatnonzero(self._table[self._slot(hashes)])
                place = np.searchsorted(self.marks, hashes[likely]).clip(max=len(self.marks) - 1)
                found = likely[self.marks[place] == hashes[likely]]
                yield from (begin + found * WIDTH).tolist()
                begin += whole

    @cached_property
    def _table(self) -> np.ndarray:
        """True for each value of the leading bits of a mark: a fast filter before the search."""
        table = np.zeros(1 << self._bits, np.bool_)
        table[self._slot(self.marks)] = True
        return table

    @property
    def _bits(self) -> int:
        return max(16, (4 * len(self.marks)).bit_length())

    def _slot(self, marks: np.ndarray) -> np.ndarray:
        return marks >> np.uint64(64 - self._bits)


class _Collected:
    """Distinct marks, at most `MAX_MARKS`; of more, those with the smallest values are kept."""

    def __init__(self) -> None:
        self._parts: list[np.ndarray] = []
        self._waiting = 0
        self._limit = np.uint64(0xFFFFFFFFFFFFFFFF)

    def add(self, marks: np.ndarray) -> None:
        """Add marks, uint64 [N], in any order."""
        marks = marks[marks <= self._limit]
        self._parts.append(marks)
        self._waiting += len(marks)
        if self._waiting > MAX_MARKS // 4:
            self._parts, self._waiting = [self.distinct()], 0

    def distinct(self) -> np.ndarray:
        """Return the marks that are kept, uint64 [N], sorted."""
        found = np.unique(np.concatenate([np.zeros(0, np.uint64), *self._parts]))
        while len(found) > MAX_MARKS:
            self._limit >>= np.uint64(1)
            found = found[: np.searchsorted(found, self._limit, side="right")].copy()
        return found


def frame_digest(frame: bytes) -> int:
    """Return the first eight bytes of the SHA-256 of a JPEG or an LBP map."""
    return int.from_bytes(hashlib.sha256(frame).digest()[:8])


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
