"""Compact indexes of names: eight bytes a name where a dict would need two hundred."""

import hashlib
from collections.abc import Iterable

import numpy as np


def digests(names: Iterable[str]) -> np.ndarray:
    """Return the first eight bytes of the BLAKE2b of each name, uint64 [N].

    Equal names have equal digests; among a million names, two others share one by a chance of
    1 : 37 million.
    """
    found = b"".join(hashlib.blake2b(name.encode(), digest_size=8).digest() for name in names)
    return np.frombuffer(found, "<u8")


def digest(name: str) -> int:
    """Return the digest of one name, as in :func:`digests`."""
    return int(digests([name])[0])


def repeated(parts: Iterable[np.ndarray]) -> frozenset[int]:
    """Return the digests that occur more than once in arrays of digests."""
    values, counts = np.unique(joined(parts), return_counts=True)
    return frozenset(values[counts > 1].tolist())


def joined(parts: Iterable[np.ndarray]) -> np.ndarray:
    """Return arrays of digests as one, uint64 [N]."""
    return np.concatenate([np.zeros(0, "<u8"), *parts])


class NameIndex:
    """Positions of names in a sequence, in twelve bytes a name.

    Parameters
    ----------
    parts : iterable of iterable of str
        All names, in pieces.
    """

    def __init__(self, parts: Iterable[Iterable[str]]) -> None:
        found = joined(map(digests, parts))
        self._order = np.argsort(found, kind="stable").astype(np.int32)
        self._digests = found[self._order]

    def positions(self, name: str) -> list[int]:
        """Return every position at which the name may be; the caller compares the name itself."""
        wanted = digests([name])[0]
        begin, end = (np.searchsorted(self._digests, wanted, side) for side in ("left", "right"))
        return sorted(self._order[begin:end].tolist())
