"""Intervals cover, Holm agrees with its definition, and a detectable difference is detected."""

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.stats import nct, t

from bench.papers.protocol.differences import (
    POWER,
    Estimate,
    estimate,
    holm,
    holm_levels,
    paired,
)

WORLDS = 400


def worlds(n: int, mean: float, seed: int, skewed: bool = False) -> list[Estimate]:
    """Estimate the mean of n subjects in many worlds of a known mean; standard deviation 1."""
    generator = np.random.default_rng(seed)
    noise = generator.standard_gamma(4, (WORLDS, n)) / 2 - 2 if skewed else generator.normal(
        0, 1, (WORLDS, n)
    )  # fmt: skip
    return [estimate(mean + x, draws=1000) for x in noise]


@pytest.mark.parametrize(
    ("n", "skewed"), [(2, False), (3, False), (6, False), (12, False), (24, False), (24, True)]
)
def test_the_interval_covers_the_true_mean_in_95_percent(n: int, skewed: bool) -> None:
    """Of 400 worlds 380 are expected, and 367 to 393 within three standard deviations.

    For 6 subjects a plain percentile interval would cover it in about 86 %.
    """
    found = worlds(n, 0.3, seed=n, skewed=skewed)
    covered = sum(one.low <= 0.3 <= one.high for one in found)
    assert 365 <= covered <= 393


def test_the_p_value_is_uniform_where_nothing_differs() -> None:
    found = np.array([one.p for one in worlds(16, 0.0, seed=1)])
    for level in (0.05, 0.2, 0.5):
        assert np.mean(found <= level) == pytest.approx(level, abs=3 * np.sqrt(level / WORLDS))


def test_the_p_value_agrees_with_the_interval_and_with_students() -> None:
    for one in worlds(20, 0.4, seed=2)[:100]:
        if abs(one.p - 0.05) > 0.01:  # the draws are finite
            assert (one.p < 0.05) == (not one.low <= 0 <= one.high)
        students = 2 * t.sf(abs(one.mean) / one.error, 19)
        assert one.p == pytest.approx(students, abs=0.1)


def test_the_standard_error_is_that_of_the_mean() -> None:
    x = np.random.default_rng(3).normal(0, 1, 30)
    assert estimate(x).error == pytest.approx(x.std(ddof=1) / np.sqrt(30), rel=0.03)


@pytest.mark.parametrize(("n", "level"), [(8, 0.05), (24, 0.05), (24, 0.05 / 8), (60, 0.05)])
def test_a_detectable_difference_is_found_with_a_power_of_80_percent(n: int, level: float) -> None:
    """By the noncentral t distribution, and for 5 % by simulation of the bootstrap test itself."""
    error = 1 / np.sqrt(n)
    difference = Estimate(0.0, 0.0, 0.0, error, 1.0, n).detectable(level)
    critical = t.ppf(1 - level / 2, n - 1)
    power = nct.sf(critical, n - 1, difference / error)
    assert power == pytest.approx(POWER, abs=0.03)
    if level == 0.05:
        found = np.mean([one.p <= level for one in worlds(n, difference, seed=n)])
        assert found == pytest.approx(POWER, abs=0.07)


def test_the_error_of_a_world_gives_the_detectable_difference_on_average() -> None:
    """The design's true value for 24 subjects is known: it does not depend on the world's luck."""
    found = [one.detectable(0.05) for one in worlds(24, 0.0, seed=4)]
    truth = (t.ppf(0.975, 23) + t.ppf(POWER, 23)) / np.sqrt(24)
    assert np.mean(found) == pytest.approx(truth, rel=0.03)


def literal_holm(p_values: Sequence[float], level: float) -> list[bool]:
    """Reject as Holm's paper says: the smallest first, until one is above its level."""
    rejected = [False] * len(p_values)
    left = sorted(range(len(p_values)), key=lambda i: p_values[i])
    while left:
        i = left[0]
        if p_values[i] > level / len(left):
            break
        rejected[i] = True
        left.pop(0)
    return rejected


def test_holm_rejects_what_its_definition_rejects() -> None:
    generator = np.random.default_rng(5)
    for _ in range(300):
        p_values = (generator.random(generator.integers(1, 9)) ** 3).tolist()
        level = float(generator.choice([0.01, 0.05, 0.2]))
        adjusted = holm(p_values)
        assert [p <= level for p in adjusted] == literal_holm(p_values, level)
        order = np.argsort(p_values)
        assert (np.diff(np.array(adjusted)[order]) >= 0).all()


def test_holm_of_a_known_example() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm_levels([0.01, 0.04, 0.03, 0.005]) == pytest.approx(
        [0.05 / 3, 0.05 / 1, 0.05 / 2, 0.05 / 4]
    )
    assert holm([]) == []


def test_differences_are_paired_by_subject() -> None:
    """Subjects differ by far more than the rows do: only pairs show the difference."""
    generator = np.random.default_rng(6)
    names = [f"s{i}" for i in range(20)]
    level = generator.normal(0, 10, 20)
    less = dict(zip(names, level, strict=True))
    more = {name: less[name] + 0.5 + generator.normal(0, 0.1) for name in reversed(names)}
    found = paired(more | {"other": 99.0}, less)
    assert found.n == 20
    assert found.mean == pytest.approx(0.5, abs=0.1)
    assert found.p < 0.001
    with pytest.raises(ValueError, match="without a subject in common"):
        paired({"a": 1.0}, {"b": 1.0})


def test_one_subject_decides_nothing() -> None:
    one = estimate([0.3])
    assert (one.mean, one.p, one.n) == (0.3, 1.0, 1)
    assert np.isnan(one.low)
    assert np.isnan(one.detectable(0.05))
    assert estimate([0.0, 0.0, 0.0]).p == 1.0
