"""Thresholds and calibration, chosen on training subjects and measured on others.

Promises, held by the types: a :class:`Threshold` or a :class:`Calibration` is made from
:class:`TrainingScores` only; these hold no held-out subject; and both remember their subjects and
refuse to be measured on any of them. So no score of a test pair can choose a threshold.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fmdata.catalog.errors import InternalError
from fmdata.train.split import Split
from fmdata.train.verification.comparisons import GROUPS, PAPER, Comparisons, Kind

FARS = 0.01, 0.001
ENROLLED = 1, 2, 3, 5
MEAN, BEST = "mean", "best"
_MADE_HERE = object()


class TrainingScores:
    """Scored comparisons of training subjects, the only ones from which anything is chosen.

    Parameters
    ----------
    comparisons : Comparisons
        Comparisons between clips of training subjects.
    split : Split
        The split of the training.

    Raises
    ------
    InternalError
        When any subject is held out, or is not one of the split's training subjects.
    """

    def __init__(self, comparisons: Comparisons, split: Split) -> None:
        others = sorted({*comparisons.names} - {*split.train} | {*comparisons.names} & _held(split))
        if others:
            raise InternalError(
                f"scores of subjects that are not trained on: {', '.join(others[:5])}",
                wanted="scores of training subjects",
                where="the choice of a threshold or of a calibration",
            )
        self.comparisons = comparisons
        self.subjects = frozenset(comparisons.names)

    @property
    def genuine(self) -> np.ndarray:
        """Similarities of the genuine comparisons, float32."""
        return self.comparisons.similarity[self.comparisons.of(Kind.GENUINE)]

    @property
    def impostors(self) -> np.ndarray:
        """Similarities of the same person's other motions, the papers' negative pairs, float32."""
        return self.comparisons.similarity[self.comparisons.of(*GROUPS[PAPER])]


def _held(split: Split) -> set[str]:
    return {*split.validation}


class _Chosen:
    """Base of what training scores choose; remembers their subjects."""

    def __init__(self, key: object, subjects: frozenset[str]) -> None:
        if key is not _MADE_HERE:
            raise TypeError(f"a {type(self).__name__} is made from TrainingScores only")
        self.subjects = subjects

    def require_unseen(self, comparisons: Comparisons) -> None:
        """Raise InternalError where comparisons have a subject that helped to choose this."""
        if shared := sorted(self.subjects & {*comparisons.names}):
            raise InternalError(
                f"comparisons of subjects that chose the threshold: {', '.join(shared[:5])}",
                wanted="comparisons of other subjects",
                where=f"the measurement of a {type(self).__name__}",
            )


class Threshold(_Chosen):
    """A similarity from which on a probe is accepted; :meth:`at_far` makes one.

    Attributes
    ----------
    similarity : float
        Comparisons at or above it are accepted.
    far : float
        FAR for which it was chosen, on the training subjects.
    n_impostors : int
        Number of impostors that chose it.
    subjects : frozenset of str
        Subjects of the training scores.
    """

    def __init__(
        self, similarity: float, far: float, n_impostors: int, subjects: frozenset[str], key: object
    ) -> None:
        super().__init__(key, subjects)
        self.similarity, self.far, self.n_impostors = similarity, far, n_impostors

    @classmethod
    def at_far(cls, scores: TrainingScores, far: float) -> "Threshold | None":
        """Return the lowest threshold at which the FAR is at most `far`.

        None where there are fewer than ``1 / far`` impostors: none of them could be accepted.
        """
        if not isinstance(scores, TrainingScores):
            raise TypeError(f"a Threshold is made from TrainingScores, not {type(scores).__name__}")
        impostors = np.sort(scores.impostors)[::-1].astype(np.float64)
        allowed = int(np.floor(far * len(impostors) + 1e-9))
        if not allowed:
            return None
        # Just above the first impostor that must be rejected, ties included.
        rejected = impostors[min(allowed, len(impostors) - 1)]
        similarity = float(np.nextafter(np.float32(rejected), np.float32(np.inf)))
        return cls(similarity, far, len(impostors), scores.subjects, _MADE_HERE)

    def accepts(self, similarity: float) -> bool:
        """Return whether a comparison is accepted."""
        return similarity >= self.similarity


class Calibration(_Chosen):
    r"""Maps a similarity to the probability that both sides show one motion of one person.

    Logistic: :math:`P = 1 / (1 + \exp(-(a s + b)))`, with genuine and impostor comparisons
    weighted as equally many. So :math:`a s + b` is a logarithm of a likelihood ratio, and another
    prior is added to it.

    Attributes
    ----------
    slope, offset : float
        :math:`a` and :math:`b`.
    """

    def __init__(self, slope: float, offset: float, subjects: frozenset[str], key: object) -> None:
        super().__init__(key, subjects)
        self.slope, self.offset = slope, offset

    @classmethod
    def fit(cls, scores: TrainingScores) -> "Calibration | None":
        """Fit by logistic regression; None where either side has no comparison.

        A higher similarity never lowers the probability: where impostors are the more similar, as
        by chance in an encoder that has learnt nothing, it is a half for all.
        """
        if not isinstance(scores, TrainingScores):
            raise TypeError(f"a Calibration is fitted to TrainingScores, not {type(scores)}")
        from sklearn.linear_model import LogisticRegression

        genuine, impostors = scores.genuine, scores.impostors
        if not len(genuine) or not len(impostors):
            return None
        x = np.concatenate([genuine, impostors]).astype(np.float64)
        y = np.arange(len(x)) < len(genuine)
        # A weak penalty keeps the slope finite where the two sides do not overlap.
        mean, spread = x.mean(), max(float(x.std()), 1e-6)
        model = LogisticRegression(C=10.0, class_weight="balanced")
        model.fit(((x - mean) / spread)[:, None], y)
        slope = float(model.coef_[0, 0]) / spread
        if slope <= 0:
            return cls(0.0, 0.0, scores.subjects, _MADE_HERE)
        offset = float(model.intercept_[0] - slope * mean)
        return cls(slope, offset, scores.subjects, _MADE_HERE)

    def log_ratio(self, similarity: np.ndarray) -> np.ndarray:
        """Return the natural logarithm of the likelihood ratio, float64 [P]."""
        return self.slope * np.asarray(similarity, np.float64) + self.offset

    def probability(self, similarity: np.ndarray, prior: float = 0.5) -> np.ndarray:
        """Return the probability that a comparison is genuine, given its share, float64 [P]."""
        odds = self.log_ratio(similarity) + np.log(prior / (1 - prior))
        return 1 / (1 + np.exp(-odds))


@dataclass(frozen=True)
class Operating:
    """Thresholds by number of enrolled clips, way of scoring and FAR, and the calibration.

    Attributes
    ----------
    thresholds : dict
        By ``(enrolled, by, far)``, such as ``(3, "mean", 0.01)``.
    calibration : Calibration or None
        For one enrolled clip.
    """

    thresholds: Mapping[tuple[int, str, float], Threshold] = field(default_factory=dict)
    calibration: Calibration | None = None

    @classmethod
    def choose(cls, scores: Mapping[tuple[int, str], TrainingScores]) -> "Operating":
        """Choose all thresholds and the calibration; those without enough comparisons lack."""
        found = {
            (*how, far): Threshold.at_far(some, far) for how, some in scores.items() for far in FARS
        }
        single = scores.get((1, MEAN))
        thresholds = {key: one for key, one in found.items() if one is not None}
        return cls(thresholds, Calibration.fit(single) if single else None)

    def to_json(self) -> dict[str, Any]:
        """Return the values as JSON holds them."""
        chosen = [*self.thresholds.values(), *([self.calibration] if self.calibration else [])]
        calibration = self.calibration
        return {
            "subjects": sorted(set().union(*(one.subjects for one in chosen))),
            "thresholds": [
                {
                    "enrolled": n, "by": by, "far": far, "similarity": one.similarity,
                    "impostors": one.n_impostors,
                }
                for (n, by, far), one in self.thresholds.items()
            ],
            "calibration": calibration
            and {"slope": calibration.slope, "offset": calibration.offset},
        }  # fmt: skip

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> "Operating":
        """Read the result of :meth:`to_json`.

        Raises
        ------
        KeyError, TypeError, ValueError
            When the values are not such a result.
        """
        subjects, fitted = frozenset(map(str, facts["subjects"])), facts["calibration"]
        thresholds = {
            (int(one["enrolled"]), str(one["by"]), float(one["far"])): Threshold(
                float(one["similarity"]), float(one["far"]), int(one["impostors"]), subjects,
                _MADE_HERE,
            )
            for one in facts["thresholds"]
        }  # fmt: skip
        if fitted is None:
            return cls(thresholds)
        slope, offset = float(fitted["slope"]), float(fitted["offset"])
        return cls(thresholds, Calibration(slope, offset, subjects, _MADE_HERE))
