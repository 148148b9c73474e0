"""Damage to videos is seeded and always changes the file."""

import numpy as np
import pytest

from bench.chaos.damage import DAMAGES

ONE = np.random.default_rng(1).bytes(20_000)
OTHER = np.random.default_rng(2).bytes(9_000)


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_depends_on_the_seed_alone(name: str) -> None:
    results = [DAMAGES[name](ONE, OTHER, np.random.default_rng(seed)) for seed in (3, 3, 4)]
    assert results[0] == results[1]
    assert results[0] != results[2]
    assert ONE not in results


def test_a_hole_keeps_the_length_and_a_cut_the_beginning() -> None:
    rng = np.random.default_rng(0)
    holed, cut = DAMAGES["hole"](ONE, OTHER, rng), DAMAGES["cut"](ONE, OTHER, rng)
    assert len(holed) == len(ONE)
    assert holed.count(0) > ONE.count(0)
    assert ONE.startswith(cut)
