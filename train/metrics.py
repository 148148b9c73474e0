"""Verification of facial motions by similarity: average precision and peak F1.

Sun et al. 2022, section 3.1: all pairs of clips of one subject are scored by cosine similarity; a
pair is positive when both clips show the same motion.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import NamedTuple

import numpy as np
from sklearn.metrics import average_precision_score, precision_recall_curve

from fmdata.train.data import LabelledClip, share_a_take
from fmdata.train.verification.measure import Verification


class ScoredPairs(NamedTuple):
    """Similarities of P pairs of clips, float [P], and a mask of the positive, bool [P]."""

    similarity: np.ndarray
    positive: np.ndarray


class Embeddings(NamedTuple):
    """Embeddings, float [N, n], with the subject and the motion of each."""

    vectors: np.ndarray
    subjects: list[str]
    labels: list[str]


class Confusion(NamedTuple):
    """Names of C classes, and counts by true (row) and predicted class (column), int [C, C]."""

    classes: list[str]
    counts: np.ndarray


@dataclass(frozen=True)
class Evaluation:
    """Measurements of a model on some subjects.

    Attributes
    ----------
    numbers : dict of str to float
        By name, e.g. ``average_precision``, ``accuracy``, ``f1``, ``yaw_error_deg``.
    pairs : ScoredPairs or None
        Pairs of a verification; drawn as a precision-recall curve.
    embeddings : Embeddings or None
        Embeddings of the clips; drawn by t-SNE.
    confusion : Confusion or None
        Confusion matrix of a classification.
    f1_per_unit : dict of str to float
        F1 of each facial action unit, by its name, e.g. ``AU12``.
    verification : Verification or None
        Error rates at thresholds of the training subjects, where the run has chosen some.
    """

    numbers: dict[str, float]
    pairs: ScoredPairs | None = None
    embeddings: Embeddings | None = None
    confusion: Confusion | None = None
    f1_per_unit: dict[str, float] = field(default_factory=dict)
    verification: Verification | None = None


@dataclass(frozen=True)
class PairScores:
    """Verification of facial motions, over pairs of clips.

    Attributes
    ----------
    average_precision : float
        Area under the precision-recall curve, as a step function.
    peak_f1 : float
        The highest F1 of any threshold: the paper's measure, chosen on the very pairs that it
        measures. No threshold is taken from it; those of a run are its training subjects'.
    chance : float
        Share of positives, the expected average precision of a random score.
    n_pairs, n_positive : int
        Number of pairs, and of positive pairs.
    """

    average_precision: float
    peak_f1: float
    chance: float
    n_pairs: int
    n_positive: int


class Pairs(NamedTuple):
    """Pairs of clips of one subject, each once.

    Attributes
    ----------
    i, j : int [P]
        Positions of the two clips, ``i < j``.
    positive : bool [P]
        True where the two show the same motion.
    n_left_out : int
        Number of positive pairs left out because they share a take.
    """

    i: np.ndarray
    j: np.ndarray
    positive: np.ndarray
    n_left_out: int


def within_subject_pairs(samples: Sequence[LabelledClip], *, shared_takes: bool = False) -> Pairs:
    """Return all pairs of clips of one subject, without positive ones that share a take.

    Such a pair holds the same pixels twice, which any embedding finds alike. With `shared_takes`
    they count too.
    """
    subjects = [sample.subject for sample in samples]
    subject_of = np.asarray(subjects)
    label_of = np.asarray([sample.label for sample in samples])
    first, second = [np.empty(0, np.intp)], [np.empty(0, np.intp)]
    for subject in sorted(set(subjects)):
        clips = np.flatnonzero(subject_of == subject)
        a, b = np.triu_indices(len(clips), k=1)
        first.append(clips[a])
        second.append(clips[b])
    i, j = np.concatenate(first), np.concatenate(second)
    positive = label_of[i] == label_of[j]
    kept = np.ones(len(i), bool)
    for p in np.flatnonzero(positive) if not shared_takes else ():
        kept[p] = not share_a_take(samples[i[p]], samples[j[p]])
    return Pairs(i[kept], j[kept], positive[kept], int((~kept).sum()))


def score_pairs(similarity: np.ndarray, positive: np.ndarray) -> PairScores:
    """Return average precision and peak F1 of scores, float [P], against truth, bool [P].

    Raises
    ------
    ValueError
        When no pair is positive: both numbers are undefined.
    """
    if not positive.any():
        raise ValueError("no positive pair among those to score")
    precision, recall, _ = precision_recall_curve(positive, similarity)
    # The curve's last point (precision 1, recall 0) belongs to no threshold.
    f1 = 2 * precision * recall / np.maximum(precision + recall, np.finfo(float).tiny)
    return PairScores(
        average_precision=float(average_precision_score(positive, similarity)),
        peak_f1=float(f1[:-1].max()),
        chance=float(positive.mean()),
        n_pairs=len(positive),
        n_positive=int(positive.sum()),
    )


def score_embeddings(
    embeddings: np.ndarray, samples: Sequence[LabelledClip], *, shared_takes: bool = False
) -> Evaluation:
    """Score the pairs of :func:`within_subject_pairs` by embeddings, float [N, n], of length 1."""
    pairs = within_subject_pairs(samples, shared_takes=shared_takes)
    similarity = (embeddings[pairs.i] * embeddings[pairs.j]).sum(axis=1)
    numbers = asdict(score_pairs(similarity, pairs.positive))
    return Evaluation(
        numbers | {"n_left_out": pairs.n_left_out},
        pairs=ScoredPairs(similarity, pairs.positive),
        embeddings=Embeddings(embeddings, [s.subject for s in samples], [s.label for s in samples]),
    )


def confusion_of(classes: Sequence[str], true: np.ndarray, predicted: np.ndarray) -> Confusion:
    """Count true classes, int [N], against predicted classes, int [N]."""
    counts = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(counts, (true, predicted), 1)
    return Confusion(list(classes), counts)
