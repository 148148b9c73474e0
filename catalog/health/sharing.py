"""Copies of a compound that share a take, counted without looking at each pair of copies."""

from collections import Counter
from collections.abc import Mapping


def n_pairs(n: int) -> int:
    """Return the number of pairs among `n` things."""
    return n * (n - 1) // 2


def n_sharing(copies: Mapping[tuple[str, str], int]) -> int:
    """Return the pairs of copies that share a take.

    Pairs are counted by each take that they share. Those that share two were counted twice.

    Parameters
    ----------
    copies : mapping
        Number of copies by their two takes, the first and the second.
    """
    of_take: Counter[str] = Counter()
    of_both: Counter[frozenset[str]] = Counter()
    for takes, n in copies.items():
        both = frozenset(takes)
        of_take.update(dict.fromkeys(both, n))
        if len(both) > 1:
            of_both[both] += n
    return sum(map(n_pairs, of_take.values())) - sum(map(n_pairs, of_both.values()))
