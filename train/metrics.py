"""How well similarity tells one facial motion from another: average precision and peak F1.

Sun et al. 2022, section 3.1: all pairs of clips of one subject, each pair's cosine similarity a
score, and a pair positive when both clips show the same motion.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import NamedTuple

import numpy as np
from sklearn.metrics import average_precision_score, precision_recall_curve

from fmdata.train.data import Sample


class Pairs(NamedTuple):
    """Similarities, float [P], of pairs of clips, and whether both show one motion, bool [P]."""

    similarity: np.ndarray
    positive: np.ndarray


class Embeddings(NamedTuple):
    """Embeddings, float [N, n], and for each whose and which motion it is."""

    vectors: np.ndarray
    subjects: list[str]
    labels: list[str]


class Confusion(NamedTuple):
    """Names of C classes, and how often the row's class was called the column's, int [C, C]."""

    classes: list[str]
    counts: np.ndarray


@dataclass(frozen=True)
class Evaluation:
    """What was measured.

    Attributes
    ----------
    numbers : dict of str to float
        By name, e.g. ``average_precision``, ``accuracy``, ``f1``, ``yaw_error_deg``.
    pairs : Pairs or None
        Of verification; drawn as a precision-recall curve.
    embeddings : Embeddings or None
        Drawn by t-SNE.
    confusion : Confusion or None
        Of classification.
    f1_per_unit : dict of str to float
        F1 of each facial action unit, by its name, e.g. ``AU12``.
    """

    numbers: dict[str, float]
    pairs: Pairs | None = None
    embeddings: Embeddings | None = None
    confusion: Confusion | None = None
    f1_per_unit: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class PairScores:
    """Verification of facial motions, over pairs of clips.

    Attributes
    ----------
    average_precision : float
        Area under the precision-recall curve, as a step function.
    peak_f1 : float
        The highest F1 of any threshold.
    threshold : float
        The similarity at and above which a pair is called positive, where F1 peaks.
    chance : float
        Share of positives: the average precision of a score that knows nothing.
    n_pairs, n_positive : int
        Number of pairs, and of positive ones.
    """

    average_precision: float
    peak_f1: float
    threshold: float
    chance: float
    n_pairs: int
    n_positive: int


def within_subject_pairs(
    subjects: Sequence[str], labels: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All pairs of clips of one subject, each once.

    Returns
    -------
    i, j : int [P]
        Positions of the two clips, ``i < j``.
    positive : bool [P]
        Whether the two show the same motion.
    """
    who, what = np.asarray(subjects), np.asarray(labels)
    first, second = [np.empty(0, np.intp)], [np.empty(0, np.intp)]
    for subject in sorted(set(subjects)):
        clips = np.flatnonzero(who == subject)
        a, b = np.triu_indices(len(clips), k=1)
        first.append(clips[a])
        second.append(clips[b])
    i, j = np.concatenate(first), np.concatenate(second)
    return i, j, what[i] == what[j]


def score_pairs(similarity: np.ndarray, positive: np.ndarray) -> PairScores:
    """Average precision and peak F1 of scores, float [P], against truth, bool [P].

    Raises
    ------
    ValueError
        When no pair is positive: both numbers are then undefined.
    """
    if not positive.any():
        raise ValueError("no positive pair among those to score")
    precision, recall, thresholds = precision_recall_curve(positive, similarity)
    # The curve's last point (precision 1, recall 0) belongs to no threshold.
    f1 = 2 * precision * recall / np.maximum(precision + recall, np.finfo(float).tiny)
    best = int(np.argmax(f1[:-1]))
    return PairScores(
        average_precision=float(average_precision_score(positive, similarity)),
        peak_f1=float(f1[best]),
        threshold=float(thresholds[best]),
        chance=float(positive.mean()),
        n_pairs=len(positive),
        n_positive=int(positive.sum()),
    )


def score_embeddings(embeddings: np.ndarray, samples: Sequence[Sample]) -> Evaluation:
    """Score all within-subject pairs of samples by their embeddings, float [N, n], of length 1."""
    subjects, labels = [s.subject for s in samples], [s.label for s in samples]
    i, j, positive = within_subject_pairs(subjects, labels)
    similarity = (embeddings[i] * embeddings[j]).sum(axis=1)
    return Evaluation(
        asdict(score_pairs(similarity, positive)),
        pairs=Pairs(similarity, positive),
        embeddings=Embeddings(embeddings, subjects, labels),
    )


def confusion_of(classes: Sequence[str], true: np.ndarray, called: np.ndarray) -> Confusion:
    """How often a class, int [N], was called another, int [N]."""
    counts = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(counts, (true, called), 1)
    return Confusion(list(classes), counts)
