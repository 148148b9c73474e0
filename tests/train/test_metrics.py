"""Average precision and peak F1 on pairs scored by hand."""

import numpy as np
import pytest

from fmdata.train.data import LabelledClip, Piece
from fmdata.train.metrics import (
    Pairs,
    confusion_of,
    score_embeddings,
    score_pairs,
    within_subject_pairs,
)


def clip(subject: str, label: str, *takes: str) -> LabelledClip:
    """Return a clip made of some takes."""
    pieces = tuple(Piece(take, 0, 9) for take in takes)
    return LabelledClip(f"{subject}-{label}", subject, label, 0, pieces, 0, 9)


def found(pairs: Pairs) -> dict[tuple[int, int], bool]:
    """Return whether each pair is positive, by the positions of its clips."""
    rows = zip(pairs.i, pairs.j, pairs.positive, strict=True)
    return {(int(i), int(j)): bool(positive) for i, j, positive in rows}


def test_pairs_are_within_subject_and_each_counts_once() -> None:
    samples = [clip(s, m) for s, m in zip("abaab", "xxyxx", strict=True)]
    pairs = within_subject_pairs(samples)
    assert found(pairs) == {(0, 2): False, (0, 3): True, (2, 3): False, (1, 4): True}
    assert pairs.n_left_out == 0


def test_positive_pairs_that_share_a_take_are_left_out() -> None:
    """Four copies of one compound, and one of another; clips 0 and 1, and 2 and 3, share a take."""
    samples = [
        clip("a", "x y", "x1", "y1"),
        clip("a", "x y", "x1", "y2"),
        clip("a", "x y", "x2", "y3"),
        clip("a", "x y", "x3", "y3"),
        clip("a", "x x", "x1", "x2"),
    ]
    pairs = within_subject_pairs(samples)
    assert pairs.n_left_out == 2
    positive = {pair for pair, is_positive in found(pairs).items() if is_positive}
    assert positive == {(0, 2), (0, 3), (1, 2), (1, 3)}
    # Negative pairs stay, whatever they share.
    assert {pair for pair in found(pairs) if 4 in pair} == {(i, 4) for i in range(4)}
    every = within_subject_pairs(samples, shared_takes=True)
    assert (every.n_left_out, int(every.positive.sum())) == (0, 6)


def test_a_ranking_has_the_scores_computed_by_hand() -> None:
    """Ranked + - + - -: precision 1 at the first positive, 2/3 at the second; AP 5/6.

    Thresholds at the four highest give F1 of 2/3, 1/2, 4/5 and 2/3: it peaks at the third.
    """
    scores = score_pairs(
        np.array([0.9, 0.8, 0.7, 0.2, 0.1]), np.array([True, False, True, False, False])
    )
    assert scores.average_precision == pytest.approx(5 / 6)
    assert scores.peak_f1 == pytest.approx(4 / 5)
    assert (scores.n_pairs, scores.n_positive, scores.chance) == (5, 2, pytest.approx(0.4))


def test_a_constant_score_has_the_precision_of_chance() -> None:
    positive = np.arange(10) < 3
    assert score_pairs(np.zeros(10), positive).average_precision == pytest.approx(0.3)


def test_embeddings_that_match_the_motions_score_one() -> None:
    v = np.float32([[1, 0], [1, 0], [0, 1], [0, 1]])
    samples = [LabelledClip(f"s-{m}-{i}", "s", m, 0, (), 0, 9) for i, m in enumerate("xxyy")]
    evaluation = score_embeddings(v, samples)
    assert evaluation.numbers["average_precision"] == evaluation.numbers["peak_f1"] == 1
    assert evaluation.numbers["n_left_out"] == 0
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
