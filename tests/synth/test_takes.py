"""Copies of a compound share as few takes as possible, compared with every other choice."""

from collections.abc import Sequence
from itertools import combinations, permutations, product

import numpy as np
import pytest

from fmdata.catalog.types import Motion
from fmdata.synth.takes import Join, JoinOf, Take, joins_of, order_of, spread


def take(action: str, number: int, rate: float = 25.0) -> Take:
    motion = Motion(10, 15, 30, "return", 0.1, 20.0, 10, 1.0, 10)
    return Take(f"s-{action}-{number}", action, rate, motion, 10, (30,), (10,))


def takes(action: str, n: int) -> list[Take]:
    return [take(action, number) for number in range(n)]


def at_random(seed: int) -> JoinOf:
    """Return a function that joins takes at a cost drawn for each pair."""
    rng = np.random.default_rng(seed)
    costs: dict[tuple[str, str], float] = {}

    def join(one: Take, other: Take) -> Join:
        cost = costs.setdefault((one.key, other.key), float(rng.random()))
        return Join(one, other, 30, 10, cost)

    return join


def n_sharing(pairs: Sequence[tuple[str, str]]) -> int:
    """Count the pairs of copies that share a take."""
    return sum(bool(set(a) & set(b)) for a, b in combinations(pairs, 2))


def chosen(ones: list[Take], others: list[Take], k: int, seed: int = 0) -> list[tuple[str, str]]:
    return [join.keys for join in spread(joins_of(ones, others, at_random(seed)), k)]


def drawn(m: int, n: int | None, k: int) -> list[tuple[str, str]]:
    """Return the takes of copies whose takes are drawn at random; with n None, of one action."""
    order = order_of((0,) * m, None if n is None else (0,) * n, k)
    return [(f"a{one}", f"{'a' if n is None else 'b'}{other}") for one, other in order.places]


def least_sharing(n_ones: int, n_others: int, k: int) -> int:
    """Return the least number of sharing copies of k different pairs: all takes used evenly."""
    uses = [k // n + (i < k % n) for n in (n_ones, n_others) for i in range(n)]
    return sum(use * (use - 1) // 2 for use in uses)


@pytest.mark.parametrize(("m", "n"), list(product(range(1, 8), repeat=2)))
def test_copies_of_two_actions_share_as_few_takes_as_possible(m: int, n: int) -> None:
    for seed in range(3):
        pairs = chosen(takes("a", m), takes("b", n), m * n, seed)
        assert len(set(pairs)) == m * n
        for k in range(1, m * n + 1):
            assert n_sharing(pairs[:k]) == least_sharing(m, n, k)


def test_the_even_use_of_takes_is_the_best_of_all_choices() -> None:
    every = list(product("abc", "xyz"))
    for k in range(1, 8):
        assert min(map(n_sharing, combinations(every, k))) == least_sharing(3, 3, k)


@pytest.mark.parametrize(("m", "n"), list(product(range(1, 8), repeat=2)))
def test_drawn_copies_of_two_actions_share_as_few_takes_as_possible(m: int, n: int) -> None:
    pairs = drawn(m, n, m * n)
    assert len(set(pairs)) == m * n
    for k in range(1, m * n + 1):
        assert drawn(m, n, k) == pairs[:k]
        assert n_sharing(pairs[:k]) == least_sharing(m, n, k)


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_drawn_copies_of_one_action_share_as_few_takes_as_possible(n: int) -> None:
    pairs = drawn(n, None, n * n)
    every = [(f"a{one}", f"a{other}") for one, other in permutations(range(n), 2)]
    assert sorted(pairs) == sorted(every)
    for k in range(1, min(len(every), 6) + 1):
        assert n_sharing(pairs[:k]) == min(map(n_sharing, combinations(every, k)))


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_copies_of_one_action_share_as_few_takes_as_possible(n: int) -> None:
    every = list(permutations(range(n), 2))
    for seed in range(3):
        pairs = chosen(takes("a", n), takes("a", n), len(every), seed)
        assert len(set(pairs)) == len(every)
        assert all(one != other for one, other in pairs)
        for k in range(1, min(len(every), 6) + 1):
            least = min(n_sharing([(str(a), str(b)) for a, b in c]) for c in combinations(every, k))
            assert n_sharing(pairs[:k]) == least


def test_five_copies_of_four_takes_have_eight_pairs_apart_and_four_of_one_action() -> None:
    assert n_sharing(chosen(takes("a", 4), takes("b", 4), 5)) == 2
    assert n_sharing(chosen(takes("a", 4), takes("a", 4), 5)) == 6


def test_the_first_copies_are_the_matching_of_least_cost() -> None:
    ones, others, join = takes("a", 4), takes("b", 4), at_random(3)
    made = spread(joins_of(ones, others, join), 4)
    matchings = (zip(ones, order, strict=True) for order in permutations(others))
    least = min(sum(join(a, b).cost for a, b in pairs) for pairs in matchings)
    assert sum(one.cost for one in made) == pytest.approx(least)
    assert [one.cost for one in made] == sorted(one.cost for one in made)


def test_more_copies_change_none_of_the_first() -> None:
    few = chosen(takes("a", 4), takes("b", 3), 2)
    assert chosen(takes("a", 4), takes("b", 3), 9)[:2] == few


def test_more_copies_than_pairs_use_them_again_in_turn() -> None:
    pairs = chosen(takes("a", 1), takes("b", 2), 5)
    assert pairs == [pairs[0], pairs[1]] * 2 + [pairs[0]]


def test_the_only_take_of_an_action_is_joined_with_itself() -> None:
    assert chosen(takes("a", 1), takes("a", 1), 2) == [("s-a-0", "s-a-0")] * 2


def test_takes_of_different_rates_are_not_joined() -> None:
    ones = [take("a", 0, 30), take("a", 1, 15), take("a", 2, 30)]
    others = [take("b", 0, 29.97), take("b", 1, 60)]
    assert sorted(chosen(ones, others, 2)) == [("s-a-0", "s-b-0"), ("s-a-2", "s-b-0")]
    assert sorted(chosen(ones, ones, 2)) == [("s-a-0", "s-a-2"), ("s-a-2", "s-a-0")]


def test_takes_that_all_differ_in_rate_are_each_joined_with_themselves() -> None:
    ones = [take("a", i, rate) for i, rate in enumerate((15, 30, 60))]
    assert chosen(ones, ones, 3) == [(one.key, one.key) for one in ones]


def test_two_rates_are_spread_together() -> None:
    """Two takes each at 30 and at 60: four copies share no take of one side more than once."""
    ones = [take("a", i, 30 + 30 * (i % 2)) for i in range(4)]
    others = [take("b", i, 30 + 30 * (i % 2)) for i in range(4)]
    assert n_sharing(chosen(ones, others, 4)) == 0
