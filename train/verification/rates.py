"""Error rates of verification: false acceptance, false rejection, equal error rate; with bands.

A comparison is accepted when its similarity is at least the threshold. FAR is the share of accepted
impostors, FRR the share of rejected genuine comparisons. Counts are kept by subject, so that a
bootstrap over subjects is a product of matrices: a comparison of two subjects has the product of
their weights (the vertex bootstrap of Snijders and Borgatti 1999).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fmdata.train.verification.bootstrap import interval, subject_weights
from fmdata.train.verification.comparisons import Comparisons, Kind

MAX_THRESHOLDS = 1024
BAND_DRAWS = 1000


@dataclass(frozen=True)
class Interval:
    """A number and its 95 % interval over subjects; NaN ends where there are too few subjects."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        if np.isnan(self.low):
            return f"{self.value:.3f} [no interval]"
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"

    @property
    def complement(self) -> "Interval":
        """The interval of one minus the number."""
        return Interval(1 - self.value, 1 - self.high, 1 - self.low)


@dataclass(frozen=True)
class Tally:
    """Counts of accepted comparisons at each of B thresholds, by pair of subjects.

    Attributes
    ----------
    units : int [U, 2]
        Subjects of each unit; twice the same for comparisons within a subject.
    accepted : int64 [U, B]
        Number of comparisons at or above each threshold.
    total : int64 [U]
        Number of comparisons.
    """

    units: np.ndarray
    accepted: np.ndarray
    total: np.ndarray

    @classmethod
    def of(cls, some: Comparisons, thresholds: np.ndarray) -> "Tally":
        """Count comparisons at ascending thresholds, float [B]."""
        units, unit = np.unique(np.sort(some.who, axis=1), axis=0, return_inverse=True)
        # A score belongs to the bin after the last threshold that it reaches.
        bins = np.searchsorted(thresholds, some.similarity, side="right")
        n_bins = len(thresholds) + 1
        flat = np.bincount(unit.reshape(-1) * n_bins + bins, minlength=len(units) * n_bins)
        counts = flat.reshape(len(units), n_bins)
        below = counts.cumsum(axis=1)[:, :-1]
        total = counts.sum(axis=1)
        return cls(units, total[:, None] - below, total)

    def shares(self, weights: np.ndarray) -> np.ndarray:
        """Return the accepted share in each draw, [D, S] weights to float [D, B]; NaN for none."""
        one, other = self.units.T
        of_unit = np.where(one == other, weights[:, one], weights[:, one] * weights[:, other])
        of_unit = of_unit.astype(np.float64)
        total = of_unit @ self.total
        with np.errstate(invalid="ignore", divide="ignore"):
            shares: np.ndarray = (of_unit @ self.accepted) / total[:, None]
        return shares


class ErrorRates:
    """FRR of the genuine comparisons and FAR of one group of impostors, over all thresholds.

    Parameters
    ----------
    comparisons : Comparisons
        Scored comparisons.
    impostors : tuple of Kind
        The kinds that count as impostors.

    Attributes
    ----------
    thresholds : float [B]
        Ascending. All distinct similarities where they are few; otherwise quantiles, closer
        together towards the ends.
    n_genuine, n_impostors : int
        Number of comparisons.
    n_subjects : int
        Number of subjects that have such a comparison.
    """

    def __init__(self, comparisons: Comparisons, impostors: tuple[Kind, ...]) -> None:
        some = comparisons.where(comparisons.of(Kind.GENUINE, *impostors)).renumbered()
        genuine, others = some.where(some.of(Kind.GENUINE)), some.where(some.of(*impostors))
        self.n_genuine, self.n_impostors = len(genuine), len(others)
        self.n_subjects = len(some.names)
        # The rate of fewer subjects is the less certain one.
        self._n_least = min(len(np.unique(one.who)) for one in (genuine, others))
        self.thresholds = _thresholds(genuine.similarity, others.similarity)
        self._genuine = Tally.of(genuine, self.thresholds)
        self._impostors = Tally.of(others, self.thresholds)

    @cached_property
    def _once(self) -> np.ndarray:
        return np.ones((1, self.n_subjects))

    @cached_property
    def _weights(self) -> np.ndarray:
        return subject_weights(self.n_subjects, BAND_DRAWS)

    @cached_property
    def frr(self) -> np.ndarray:
        """FRR at each threshold, float [B]."""
        return 1 - self._genuine.shares(self._once)[0]

    @cached_property
    def far(self) -> np.ndarray:
        """FAR at each threshold, float [B]."""
        return self._impostors.shares(self._once)[0]

    @cached_property
    def drawn(self) -> tuple[np.ndarray, np.ndarray]:
        """FRR and FAR of each draw of subjects, float [D, B] each."""
        weights = self._weights
        return 1 - self._genuine.shares(weights), self._impostors.shares(weights)

    @cached_property
    def eer(self) -> Interval:
        """Equal error rate, where FAR and FRR cross."""
        value = float(equal_error_rate(self.frr[None], self.far[None])[0])
        return self._with_band(value, lambda: equal_error_rate(*self.drawn))

    @cached_property
    def roc_area(self) -> float:
        """Area under the ROC: the share of pairs of a genuine and an impostor that are in order."""
        accepted = np.concatenate([[1.0], 1 - self.frr, [0.0]])
        far = np.concatenate([[1.0], self.far, [0.0]])
        return float(np.sum((far[:-1] - far[1:]) * (accepted[:-1] + accepted[1:]) / 2))

    def frr_band(self, far: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends of FRR's interval at some FARs, float [F], ascending: float [F] each."""
        rows = [
            np.interp(far, impostors[::-1], genuine[::-1])
            for genuine, impostors in zip(*self.drawn, strict=True)
            if np.isfinite(genuine).all() and np.isfinite(impostors).all()
        ]
        if not self._varies or not rows:
            return np.full(len(far), np.nan), np.full(len(far), np.nan)
        return _share_interval(np.array(rows), self._n_least)

    @property
    def _varies(self) -> bool:
        return min(len(self._genuine.units), len(self._impostors.units)) > 1

    def _with_band(self, value: float, draw: Callable[[], np.ndarray]) -> Interval:
        if not self._varies:
            return Interval(value, np.nan, np.nan)
        low, high = _share_interval(draw(), self._n_least)
        return Interval(value, float(low), float(high))


def accepted_share(some: Comparisons, threshold: float) -> Interval:
    """Return the share of comparisons at or above a threshold, with its interval.

    Subjects without such a comparison are not drawn. One subject, or one pair of subjects, has no
    interval: every draw gives the same share.
    """
    some = some.renumbered()
    n = len(some.names)
    tally = Tally.of(some, np.array([threshold]))
    value = float(tally.shares(np.ones((1, n)))[0, 0])
    if len(tally.units) < 2:
        return Interval(value, np.nan, np.nan)
    low, high = _share_interval(tally.shares(subject_weights(n, BAND_DRAWS))[:, 0], n)
    return Interval(value, float(low), float(high))


def equal_error_rate(frr: np.ndarray, far: np.ndarray) -> np.ndarray:
    """Return the rate at which FRR and FAR cross, float [D, B] each to float [D].

    Between two thresholds both are taken as straight lines. Below the first threshold all
    comparisons are accepted, above the last one none.
    """
    n = len(frr)
    frr = np.concatenate([np.zeros((n, 1)), frr, np.ones((n, 1))], axis=1)
    far = np.concatenate([np.ones((n, 1)), far, np.zeros((n, 1))], axis=1)
    after = np.argmax(frr >= far, axis=1)
    row, before = np.arange(n), after - 1
    gap_before = far[row, before] - frr[row, before]
    gap_after = frr[row, after] - far[row, after]
    share = gap_before / np.maximum(gap_before + gap_after, np.finfo(float).tiny)
    rate: np.ndarray = frr[row, before] + share * (frr[row, after] - frr[row, before])
    return np.where(np.isnan(frr).any(axis=1) | np.isnan(far).any(axis=1), np.nan, rate)


def _share_interval(shares: np.ndarray, n_subjects: int) -> tuple[np.ndarray, np.ndarray]:
    low, high = interval(shares, n_subjects)
    return np.clip(low, 0, 1), np.clip(high, 0, 1)


def _thresholds(genuine: np.ndarray, impostors: np.ndarray) -> np.ndarray:
    every = np.unique(np.concatenate([genuine, impostors]).astype(np.float64))
    if len(every) <= MAX_THRESHOLDS:
        return every
    # FAR of 0.1 % and FRR of 1 % need close thresholds at the ends of the distributions.
    ends = np.geomspace(1e-5, 0.02, MAX_THRESHOLDS // 8)
    levels = np.concatenate([ends, np.linspace(0.02, 0.98, MAX_THRESHOLDS // 4), 1 - ends])
    chosen = [np.quantile(x, levels, method="nearest") for x in (genuine, impostors) if len(x)]
    return np.unique(np.concatenate([*chosen, every[[0, -1]]]).astype(np.float64))
