"""Error rates equal those counted one by one, and their bands cover the truth."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtr
from sklearn.metrics import roc_auc_score, roc_curve

from fmdata.train.verification.comparisons import Comparisons, Kind
from fmdata.train.verification.rates import ErrorRates, accepted_share, equal_error_rate
from tests.helpers.motions import scored

KINDS = (Kind.OTHER_MOTION,)


def drawn(seed: int, n: int, shift: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator.normal(shift, 1, n).astype(np.float32), generator.normal(0, 1, 3 * n).astype(
        np.float32
    )


def test_rates_are_those_counted_at_each_threshold() -> None:
    genuine, impostors = drawn(0, 40)
    rates = ErrorRates(scored(genuine, impostors), KINDS)
    for threshold, frr, far in zip(rates.thresholds, rates.frr, rates.far, strict=True):
        assert frr == pytest.approx(np.mean([x < threshold for x in genuine]))
        assert far == pytest.approx(np.mean([x >= threshold for x in impostors]))


@pytest.mark.parametrize("n", [100, 3000])
def test_area_and_curve_agree_with_scikit_learn(n: int) -> None:
    """Above 1,024 distinct similarities thresholds are quantiles: off by less than 0.001."""
    genuine, impostors = drawn(1, n)
    rates = ErrorRates(scored(genuine, impostors), KINDS)
    truth = np.r_[np.ones(n), np.zeros(3 * n)]
    every = np.r_[genuine, impostors]
    assert rates.roc_area == pytest.approx(roc_auc_score(truth, every), abs=1e-3)
    far, accepted, _ = roc_curve(truth, every, drop_intermediate=False)
    crossing = np.argmin(np.abs(far - (1 - accepted)))
    assert rates.eer.value == pytest.approx(far[crossing], abs=1e-2 if n == 100 else 1e-3)


@pytest.mark.parametrize(
    ("genuine", "impostors", "expected"),
    [
        ([0.8, 0.9], [0.1, 0.2], 0.0),
        ([0.1, 0.2], [0.8, 0.9], 1.0),
        ([0.2, 0.8], [0.2, 0.8], 0.5),
        ([0.1, 0.6, 0.7, 0.9], [0.0, 0.2, 0.3, 0.8], 0.25),
    ],
)
def test_the_equal_error_rate_of_few_scores_is_that_found_by_hand(
    genuine: Sequence[float], impostors: Sequence[float], expected: float
) -> None:
    rates = ErrorRates(scored(genuine, impostors), KINDS)
    assert rates.eer.value == pytest.approx(expected)


def test_a_draw_without_a_subject_is_that_of_the_others() -> None:
    """Weights of 0 and 2 give the rates of the clips of the second subject alone."""
    genuine, impostors = drawn(2, 30)
    both = scored(genuine, impostors)
    alone = both.where(both.who[:, 0] == 1)
    rates = ErrorRates(both, KINDS)
    frr = 1 - rates._genuine.shares(np.array([[0, 2]]))[0]
    mine = alone.similarity[alone.of(Kind.GENUINE)]
    assert frr == pytest.approx([np.mean(mine < t) for t in rates.thresholds])


def of_people(seed: int, n_subjects: int) -> Comparisons:
    """Similarities of people who differ: each has a mean of their own for genuine comparisons."""
    generator = np.random.default_rng(seed)
    means = 2 + generator.normal(0, 0.7, n_subjects)
    genuine = np.concatenate([generator.normal(m, 1, 20) for m in means])
    impostors = generator.normal(0, 1, n_subjects * 60)
    who = np.r_[np.repeat(np.arange(n_subjects), 20), np.repeat(np.arange(n_subjects), 60)]
    kind = np.repeat([Kind.GENUINE, Kind.OTHER_MOTION], [len(genuine), len(impostors)])
    places = np.zeros(len(who), np.int32)
    return Comparisons(
        np.r_[genuine, impostors].astype(np.float32), kind.astype(np.int8), places, places,
        np.stack([who, who], 1).astype(np.int32), tuple(f"s{i:02d}" for i in range(n_subjects)),
    )  # fmt: skip


def test_an_interval_covers_the_true_rate_as_often_as_it_says() -> None:
    """150 worlds of 20 people: the interval of the FRR at 1 covers it in 95 %, give or take.

    The true FRR is that of a normal distribution with the variance within and between people. An
    interval that takes comparisons for independent would cover it in fewer than 80 %.
    """
    truth = ndtr((1 - 2) / np.sqrt(1 + 0.7**2))
    covered = plain = 0
    for seed in range(150):
        some = of_people(seed, 20)
        found = accepted_share(some.where(some.of(Kind.GENUINE)), 1.0)
        covered += found.low <= 1 - truth <= found.high
        spread = 1.96 * np.sqrt(found.value * (1 - found.value) / 400)
        plain += abs(found.value - (1 - truth)) <= spread
    assert 0.90 <= covered / 150 <= 0.99
    assert plain / 150 < 0.80


def test_the_band_of_the_equal_error_rate_covers_it() -> None:
    large = ErrorRates(of_people(0, 3000), KINDS)
    truth = equal_error_rate(large.frr[None], large.far[None])[0]
    found = [ErrorRates(of_people(seed + 1, 15), KINDS).eer for seed in range(40)]
    covered = sum(one.low <= truth <= one.high for one in found)
    assert 34 <= covered <= 40


def test_one_subject_has_no_interval() -> None:
    some = scored([0.5, 0.9], [0.1], names=["a"])
    found = accepted_share(some, 0.7)
    assert np.isnan(found.low)
    assert np.isnan(ErrorRates(some, KINDS).eer.low)
    assert str(found) == "0.333 [no interval]"


def test_subjects_without_such_a_comparison_are_not_drawn() -> None:
    """Nine named subjects without a comparison change no interval, and make none of one subject."""
    some = of_people(0, 6)
    more = replace(some, names=tuple(f"n{i}" for i in range(9)) + some.names, who=some.who + 9)
    assert accepted_share(more, 1.0) == accepted_share(some, 1.0)
    assert ErrorRates(more, KINDS).eer == ErrorRates(some, KINDS).eer
    own = more.who[:, 0] == 9
    assert np.isnan(accepted_share(more.where(own), 1.0).low)
    one_genuine = more.where(own | more.of(*KINDS))
    rates = ErrorRates(one_genuine, KINDS)
    assert np.isnan(rates.eer.low)
    assert np.isnan(rates.frr_band(np.array([0.1]))[0]).all()


def test_one_pair_of_subjects_has_no_interval() -> None:
    some = of_people(0, 2)
    pair = replace(some, who=np.broadcast_to(np.int32([0, 1]), some.who.shape))
    assert np.isnan(accepted_share(pair, 1.0).low)
