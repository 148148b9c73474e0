"""Pairs of takes: those that the copies of a compound join, in the order of the copies.

Two copies that share a take hold the same pixels, and are no honest positive pair. So each copy
takes the pair that shares a take with the fewest copies before it, in an order of assignments that
keeps the use of all takes balanced: no other choice of as many pairs of two actions shares fewer.
Promise: the order depends on the seed, the subject, the two actions and their takes alone.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import gcd
from typing import NamedTuple

import numpy as np

from fmdata.catalog.timing import same_rate
from fmdata.catalog.types import Motion


@dataclass(frozen=True)
class Take:
    """A usable clip: one that has a motion.

    Attributes
    ----------
    key, action : str
        Key of the clip, and its action.
    rate : float
        Nominal frames per second.
    motion : Motion
        Its motion, with the frames at rest before and after.
    tail_room : int
        Frames that may follow the motion in a compound.
    stops, starts : tuple of int
        Where the motion may end that comes first, and begin that comes second.
    """

    key: str
    action: str
    rate: float
    motion: Motion
    tail_room: int
    stops: tuple[int, ...]
    starts: tuple[int, ...]


class Join(NamedTuple):
    """Two takes joined: the first motion ends at `stop`, the second begins at `start`."""

    one: Take
    other: Take
    stop: int
    start: int
    cost: float

    @property
    def keys(self) -> tuple[str, str]:
        """Keys of the two clips."""
        return self.one.key, self.other.key


JoinOf = Callable[[Take, Take], Join]
Rounds = Callable[[list[Take], list[Take], JoinOf], list[Join]]


def joins_of(
    ones: Sequence[Take], others: Sequence[Take], join: JoinOf, rounds: "Rounds | None" = None
) -> list[Join]:
    """Return every join of two actions' takes, takes of low cost first.

    Takes of different nominal rates are not joined. Where both actions are the same, a take is
    joined with itself only if no two of them can be joined.

    Parameters
    ----------
    ones, others : sequence of Take
        Takes of the first action and of the second; the same takes where both are one action.
    join : callable
        Joins two takes. Pairs of low cost come first, as far as that keeps takes apart.
    rounds : callable, optional
        Orders the joins of two actions; by default by their cost.
    """
    same = [take.key for take in ones] == [take.key for take in others]
    joins: list[Join] = []
    for of_rate in _by_rate([*ones, *others]):
        left = [take for take in ones if take.key in of_rate]
        right = [take for take in others if take.key in of_rate]
        if same and len(left) > 1:
            joins += _tournament(left, join)
        elif not same and left and right:
            joins += (rounds or _rounds)(left, right, join)
    return joins or ([join(take, take) for take in ones] if same else [])


def spread(joins: Sequence[Join], k: int) -> list[Join]:
    """Choose `k` joins one after another, each sharing a take with the fewest before it.

    Ties are decided by the order of `joins`. Where `k` is larger than their number, they are used
    again in the same order.
    """
    left, chosen = list(joins), list[Join]()
    degree: Counter[str] = Counter()
    paired: Counter[frozenset[str]] = Counter()

    def shared(join: Join) -> int:
        """Count the chosen joins that share a take with this one."""
        return degree[join.one.key] + degree[join.other.key] - paired[frozenset(join.keys)]

    while left and len(chosen) < k:
        best = min(left, key=shared)
        left.remove(best)
        chosen.append(best)
        degree.update(best.keys)
        paired[frozenset(best.keys)] += 1
    return [chosen[copy % len(chosen)] for copy in range(k)] if chosen else []


class Order(NamedTuple):
    """Joins of takes by their places, int [min(k, pairs), 2], and the number of all pairs."""

    places: np.ndarray
    pairs: int


@lru_cache(maxsize=4096)
def order_of(ones: tuple[int, ...], others: tuple[int, ...] | None, k: int) -> Order:
    """Return the joins of the first `k` copies, where no two takes join better than others.

    Only the places of the takes are known. Takes in another order, drawn at random, give another
    choice that shares as few.

    Parameters
    ----------
    ones, others : tuple of int
        The class of each take's frame rate; takes of two classes are not joined. None stands for
        the same takes once more.
    k : int
        Copies.
    """
    left = _seats("one", ones)
    right = left if others is None else _seats("other", others)
    joins = joins_of(left, right, _at_no_cost, _in_turn)
    chosen = spread(joins, min(k, len(joins)))
    places = [(int(join.one.key), int(join.other.key)) for join in chosen]
    return Order(np.array(places, np.int64).reshape(-1, 2), len(joins))


def _seats(action: str, classes: Iterable[int]) -> list[Take]:
    """Return takes that are known by their places and classes only."""
    sign = "" if action == "one" else "0"  # keys of two actions differ
    still = Motion(0, 0, 1, "return", 0.0, 0.0, 0, 0.0)
    return [
        Take(f"{sign}{place}", action, 2.0**of_rate, still, 0, (1,), (0,))
        for place, of_rate in enumerate(classes)
    ]


def _at_no_cost(one: Take, other: Take) -> Join:
    return Join(one, other, one.motion.offset, other.motion.onset, 0.0)


def rate_classes(takes: Sequence[Take]) -> list[int]:
    """Return the class of each take's nominal rate, from 0 on."""
    rates = [take.rate for take in takes]
    if not rates or same_rate(min(rates), max(rates)):
        return [0] * len(rates)
    classes = _by_rate(takes)
    return [next(i for i, keys in enumerate(classes) if take.key in keys) for take in takes]


def _by_rate(takes: Iterable[Take]) -> list[set[str]]:
    """Divide takes by their nominal rate; return the keys of each class."""
    classes: list[set[str]] = []
    slowest = 0.0
    for take in sorted(takes, key=lambda take: (take.rate, take.key)):
        if not classes or not same_rate(take.rate, slowest):
            classes.append(set())
            slowest = take.rate
        classes[-1].add(take.key)
    return classes


def _rounds(ones: list[Take], others: list[Take], join: JoinOf) -> list[Join]:
    """Order all joins of m and n takes in rounds; a round has min(m, n) that share no take.

    Each is the assignment of the remaining joins that uses the least used takes and, among those,
    costs least. Takes of one side then occur equally often, or one time more, in every prefix.
    """
    from scipy.optimize import linear_sum_assignment  # slow to import, for --smooth alone

    joins = [[join(one, other) for other in others] for one in ones]
    cost = np.array([[one.cost for one in row] for row in joins])
    first_use = len(ones) * len(others) * (cost.max() + 1)  # outweighs the cost of a round
    used = [np.zeros(len(ones)), np.zeros(len(others))]
    left, order = np.ones(cost.shape, bool), list[Join]()
    while left.any():
        weight = cost + first_use * np.add.outer(*used)
        never = weight.max() * (len(ones) + len(others))
        rows, columns = linear_sum_assignment(np.where(left, weight, never))
        pairs = [(a, b) for a, b in zip(rows, columns, strict=True) if left[a, b]]
        for a, b in sorted(pairs, key=lambda pair: float(weight[pair])):
            order.append(joins[a][b])
            left[a, b] = False
            used[0][a] += 1
            used[1][b] += 1
    return order


def _in_turn(ones: list[Take], others: list[Take], join: JoinOf) -> list[Join]:
    """Order all joins of m and n takes in rounds as :func:`_rounds` does, where all cost the same.

    A round of the smaller side goes on in the larger side where the last round ended. Once it is
    back at its beginning it moves on by one, so that no two takes meet again.
    """
    if len(ones) > len(others):
        return [join(a, b) for b, a in _turns(others, ones)]
    return [join(a, b) for a, b in _turns(ones, others)]


def _turns(few: list[Take], many: list[Take]) -> Iterator[tuple[Take, Take]]:
    m, n = len(few), len(many)
    cycle = n // gcd(m, n)
    for number in range(n):
        for place, take in enumerate(few):
            yield take, many[(number * m + number // cycle + place) % n]


def _tournament(takes: list[Take], join: JoinOf) -> list[Join]:
    """Order all joins of two different takes of one action by the rounds of a tournament.

    A round (circle method) has each take once, except one if their number is odd. The joins of a
    round are followed by the same in reverse, which share takes with one join each. Rounds and
    joins of low cost come first.
    """
    n = len(takes) + len(takes) % 2
    rounds = [
        [((r + i) % (n - 1), (r - i) % (n - 1)) for i in range(1, n // 2)] + [(r, n - 1)]
        for r in range(n - 1)
    ]
    order = [takes[i] for i in _matched(takes, join)]
    place = [seat for pair in rounds[0] for seat in pair if seat < len(takes)]
    seated: list[Take | None] = [None] * n
    for seat, take in zip(place, order, strict=True):
        seated[seat] = take
    played: list[tuple[list[Join], list[Join]]] = []
    for pairs in rounds:
        met = [(seated[a], seated[b]) for a, b in pairs]
        both = [
            sorted((join(a, b), join(b, a)), key=_cost)
            for a, b in met
            if a is not None and b is not None
        ]
        there, back = (sorted(way, key=_cost) for way in zip(*both, strict=True))
        played.append((there, back))
    first, *others = played
    later = sorted(others, key=lambda ways: _cost(ways[0][0]))
    return [one for there, back in (first, *later) for one in (*there, *back)]


def _cost(join: Join) -> float:
    return join.cost


def _matched(takes: list[Take], join: JoinOf) -> list[int]:
    """Return all positions of takes, such that each two neighbours join well, best first."""
    pairs = [(a, b) for a in range(len(takes)) for b in range(len(takes)) if a != b]
    order: list[int] = []
    for a, b in sorted(pairs, key=lambda pair: _cost(join(takes[pair[0]], takes[pair[1]]))):
        if a not in order and b not in order:
            order += [a, b]
    return [*order, *(i for i in range(len(takes)) if i not in order)]
