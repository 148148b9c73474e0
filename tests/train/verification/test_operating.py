"""A threshold is chosen on training subjects, and can be chosen by nothing else."""

import json

import numpy as np
import pytest

from fmdata.catalog.errors import InternalError
from fmdata.train.split import Split
from fmdata.train.verification.calibration import measure_calibration
from fmdata.train.verification.operating import (
    Calibration,
    Operating,
    Threshold,
    TrainingScores,
)
from tests.helpers.motions import scored

SPLIT = Split(["a", "b"], ["c", "d"])


def training(genuine: np.ndarray, impostors: np.ndarray) -> TrainingScores:
    return TrainingScores(scored(genuine, impostors), SPLIT)


def normal(n: int, mean: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, 0.2, n).astype(np.float32)


def test_held_out_scores_are_no_training_scores() -> None:
    """One held-out subject among training subjects is enough, and so is an unknown one."""
    for names in (["c", "d"], ["a", "c"], ["a", "somebody"]):
        with pytest.raises(InternalError, match="scores of subjects that are not trained on"):
            TrainingScores(scored([0.9, 0.8], [0.1, 0.2], names), SPLIT)


def test_a_split_with_a_subject_on_both_sides_trains_on_neither() -> None:
    with pytest.raises(InternalError, match="not trained on: a"):
        TrainingScores(scored([0.9], [0.1]), Split(["a", "b"], ["a"]))


@pytest.mark.parametrize("kind", [Threshold.at_far, lambda scores, _: Calibration.fit(scores)])
def test_nothing_is_chosen_by_scores_of_a_test(kind: object) -> None:
    with pytest.raises(TypeError, match="TrainingScores"):
        kind(scored([0.9], [0.1], ["c", "d"]), 0.01)  # type: ignore[operator]


def test_a_threshold_and_a_calibration_cannot_be_made_by_hand() -> None:
    with pytest.raises(TypeError, match="made from TrainingScores only"):
        Threshold(0.5, 0.01, 1000, frozenset(), object())
    with pytest.raises(TypeError, match="made from TrainingScores only"):
        Calibration(1.0, 0.0, frozenset(), None)


def test_a_threshold_is_not_measured_on_the_subjects_that_chose_it() -> None:
    some = training(normal(200, 0.8), normal(2000, 0.2))
    threshold, calibration = Threshold.at_far(some, 0.01), Calibration.fit(some)
    assert threshold is not None
    assert calibration is not None
    for names in (["a", "b"], ["b", "d"]):
        with pytest.raises(InternalError, match="subjects that chose the threshold: "):
            threshold.require_unseen(scored([0.9], [0.1], names))
        with pytest.raises(InternalError, match="subjects that chose the threshold: "):
            measure_calibration(scored([0.9], [0.1], names), calibration)
    threshold.require_unseen(scored([0.9], [0.1], ["c", "d"]))


def test_a_threshold_is_the_lowest_with_the_wanted_far() -> None:
    """Of 1,000 impostors 10 may be accepted at 1 %, and one at 0.1 %."""
    impostors = np.arange(1000, dtype=np.float32) / 1000
    some = training(np.ones(5, np.float32), impostors)
    for far, accepted in ((0.01, 10), (0.001, 1)):
        threshold = Threshold.at_far(some, far)
        assert threshold is not None
        assert sum(map(threshold.accepts, impostors.tolist())) == accepted
        lower = np.nextafter(np.float32(threshold.similarity), np.float32(-1))
        assert (impostors >= lower).sum() == accepted + 1
    assert Threshold.at_far(some, 0.0005) is None


def test_equal_impostors_are_rejected_together() -> None:
    some = training(np.ones(5, np.float32), np.full(200, 0.5, np.float32))
    threshold = Threshold.at_far(some, 0.01)
    assert threshold is not None
    assert not threshold.accepts(0.5)


def test_a_calibration_says_what_is_true_of_other_people() -> None:
    """Two normal distributions of equal spread: the true log ratio is a straight line.

    Means 0.8 and 0.2 with a deviation of 0.2 give slope 15 and offset -7.5. Training subjects have
    ten times as many impostors, which must not matter.
    """
    calibration = Calibration.fit(training(normal(3000, 0.8, 1), normal(30_000, 0.2, 2)))
    assert calibration is not None
    assert calibration.slope == pytest.approx(15, rel=0.08)
    assert calibration.offset == pytest.approx(-7.5, rel=0.08)
    assert calibration.probability(np.array([0.5])) == pytest.approx([0.5], abs=0.03)
    # A prior of 1 in 10 is nine times the odds.
    assert calibration.probability(np.array([0.5]), 0.1) == pytest.approx([0.1], abs=0.01)
    unseen = scored(normal(4000, 0.8, 3), normal(4000, 0.2, 4), ["c", "d"])
    found = measure_calibration(unseen, calibration)
    assert found is not None
    assert found.error < 0.02
    # Cost of the true ratio, by numerical integration: about 0.19 bits.
    x = np.linspace(-1, 2, 20_001)
    density = np.exp(-((x - 0.8) ** 2) / 0.08)
    expected = np.sum(density * np.logaddexp(0, -(15 * x - 7.5))) / density.sum() / np.log(2)
    assert found.cllr == pytest.approx(expected, abs=0.02)


def test_an_overconfident_calibration_has_the_error_computed_by_hand() -> None:
    """Says 0.9 of comparisons of which half are genuine, and 0.1 of the other half likewise."""
    base = Calibration.fit(training(normal(50, 0.8), normal(500, 0.2)))
    assert base is not None
    base.slope, base.offset = 2 * np.log(9), -np.log(9)
    found = measure_calibration(scored([0.0, 1.0] * 50, [0.0, 1.0] * 50, ["c", "d"]), base)
    assert found is not None
    assert found.error == pytest.approx(0.4)


def test_a_score_that_is_worse_than_chance_says_nothing() -> None:
    calibration = Calibration.fit(training(normal(200, 0.2), normal(2000, 0.8)))
    assert calibration is not None
    assert calibration.probability(np.array([-1.0, 0.5, 1.0])).tolist() == [0.5] * 3


def test_what_was_chosen_survives_json() -> None:
    some = training(normal(200, 0.8), normal(2000, 0.2))
    chosen = Operating.choose({(1, "mean"): some, (3, "best"): some})
    assert set(chosen.thresholds) == {
        (n, by, far) for n, by in ((1, "mean"), (3, "best")) for far in (0.01, 0.001)
    }
    read = Operating.from_json(json.loads(json.dumps(chosen.to_json())))
    assert read.to_json() == chosen.to_json()
    with pytest.raises(InternalError):
        read.thresholds[1, "mean", 0.01].require_unseen(scored([0.9], [0.1]))


def test_too_few_impostors_choose_no_threshold() -> None:
    chosen = Operating.choose({(1, "mean"): training(normal(20, 0.8), normal(150, 0.2))})
    assert set(chosen.thresholds) == {(1, "mean", 0.01)}
    assert Operating.choose({}).to_json() == {"subjects": [], "thresholds": [], "calibration": None}
