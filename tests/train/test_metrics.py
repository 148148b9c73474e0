"""Average precision and peak F1 on pairs scored by hand."""

import numpy as np
import pytest

from fmdata.train.data import LabelledClip
from fmdata.train.metrics import (
    confusion_of,
    score_embeddings,
    score_pairs,
    within_subject_pairs,
)


def test_pairs_are_within_subject_and_each_counts_once() -> None:
    i, j, positive = within_subject_pairs(["a", "b", "a", "a", "b"], ["x", "x", "y", "x", "x"])
    pairs = {(int(a), int(b)): bool(p) for a, b, p in zip(i, j, positive, strict=True)}
    assert pairs == {(0, 2): False, (0, 3): True, (2, 3): False, (1, 4): True}


def test_a_ranking_has_the_scores_computed_by_hand() -> None:
    """Ranked + - + - -: precision 1 at the first positive, 2/3 at the second; AP 5/6.

    Thresholds at the four highest give F1 of 2/3, 1/2, 4/5 and 2/3: it peaks at the third.
    """
    scores = score_pairs(
        np.array([0.9, 0.8, 0.7, 0.2, 0.1]), np.array([True, False, True, False, False])
    )
    assert scores.average_precision == pytest.approx(5 / 6)
    assert scores.peak_f1 == pytest.approx(4 / 5)
    assert scores.threshold == pytest.approx(0.7)
    assert (scores.n_pairs, scores.n_positive, scores.chance) == (5, 2, pytest.approx(0.4))


def test_a_constant_score_has_the_precision_of_chance() -> None:
    positive = np.arange(10) < 3
    assert score_pairs(np.zeros(10), positive).average_precision == pytest.approx(0.3)


def test_embeddings_that_match_the_motions_score_one() -> None:
    v = np.float32([[1, 0], [1, 0], [0, 1], [0, 1]])
    samples = [LabelledClip(f"s-{m}-{i}", "s", m, 0, (), 0, 9) for i, m in enumerate("xxyy")]
    evaluation = score_embeddings(v, samples)
    assert evaluation.numbers["average_precision"] == evaluation.numbers["peak_f1"] == 1
    assert evaluation.pairs is not None
    assert evaluation.pairs.positive.sum() == 2
    assert evaluation.embeddings is not None
    assert evaluation.embeddings.labels == ["x", "x", "y", "y"]


def test_a_confusion_counts_true_and_predicted_classes() -> None:
    confusion = confusion_of(["a", "b"], np.array([0, 0, 1, 1, 1]), np.array([0, 1, 1, 1, 0]))
    assert confusion.counts.tolist() == [[1, 1], [1, 2]]


def test_without_a_positive_pair_there_is_no_score() -> None:
    with pytest.raises(ValueError, match="no positive pair"):
        score_pairs(np.array([0.5, 0.1]), np.array([False, False]))
