"""F1, thresholds and areas of units, computed by hand."""

import numpy as np
import pytest

from fmdata.train.action_units.scoring import (
    auc_of_units,
    best_thresholds,
    f1_of_units,
    prevalences,
)


def test_f1_equals_the_values_computed_by_hand() -> None:
    """One of two found and one false positive, 2/(2 + 2); never present; all known frames right.

    The last unit's only miss is in a frame where the truth is unknown.
    """
    true = np.array([[1, 0, 1], [1, 0, 1], [0, 0, 0]], bool)
    found = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 0]], bool)
    known = np.array([[1, 1, 1], [1, 1, 0], [1, 1, 1]], bool)
    assert f1_of_units(found, true, known) == pytest.approx([0.5, np.nan, 1], nan_ok=True)


def test_the_area_is_the_share_of_pairs_in_the_right_order() -> None:
    """Unit 1: of two present and two absent frames, three of four pairs. Unit 2: always present."""
    scores = np.array([[4.0, 1], [2, 2], [3, 3], [1, 4], [9, 5]])
    true = np.array([[1, 1], [1, 1], [0, 1], [0, 1], [0, 1]], bool)
    known = np.array([[1, 1], [1, 1], [1, 1], [1, 1], [0, 1]], bool)
    assert auc_of_units(scores, true, known) == pytest.approx([0.75, np.nan], nan_ok=True)


def test_a_rare_unit_has_a_low_threshold() -> None:
    """All scores are below zero, where a probability is one half; one unit is never present."""
    rng = np.random.default_rng(0)
    true = np.zeros((400, 2), bool)
    true[::20, 0] = True
    scores = np.where(true, -1.0, -3.0) + rng.normal(0, 0.3, true.shape)
    known = np.ones_like(true)
    threshold = best_thresholds(scores, true, known)
    assert f1_of_units(scores > 0, true, known)[0] == 0
    assert f1_of_units(scores > threshold, true, known)[0] > 0.95
    assert threshold[1] == 0


def test_no_other_threshold_has_a_higher_f1() -> None:
    rng = np.random.default_rng(1)
    true = rng.random((60, 3)) < [0.1, 0.4, 0.9]
    scores, known = rng.normal(true, 1), rng.random(true.shape) < 0.8
    best = f1_of_units(scores > best_thresholds(scores, true, known), true, known)
    for k in range(3):
        others = [f1_of_units(scores > t, true, known)[k] for t in scores[:, k] - 1e-6]
        assert best[k] == pytest.approx(max(others))


def test_prevalence_is_that_of_the_known_frames() -> None:
    true = np.array([[1, 0, 1], [0, 0, 1], [1, 0, 0], [1, 0, 0]], bool)
    known = np.array([[1, 0, 1], [1, 0, 1], [1, 0, 0], [0, 0, 0]], bool)
    assert prevalences(true, known) == pytest.approx([2 / 3, np.nan, 1], nan_ok=True)
