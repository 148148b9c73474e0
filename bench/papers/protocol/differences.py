"""Paired differences over subjects: intervals, Holm's correction, and detectable differences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, stdtr, stdtrit

from fmdata.train.verification.bootstrap import (
    DRAWS,
    LEVEL,
    MIN_SUBJECTS,
    interval,
    subject_weights,
)

POWER = 0.8
MIN_BEYOND = 10


@dataclass(frozen=True)
class Estimate:
    """A mean over subjects.

    Attributes
    ----------
    mean, low, high : float
        The mean and its 95 % interval; NaN ends for a single subject.
    error : float
        Standard error by the bootstrap.
    p : float
        Two-sided p-value of a mean of 0: 1 minus the level of the widest interval without 0.
    n : int
        Number of subjects.
    """

    mean: float
    low: float
    high: float
    error: float
    p: float
    n: int

    @property
    def reach(self) -> float:
        """Half the width of the interval."""
        return (self.high - self.low) / 2

    def detectable(self, level: float) -> float:
        """Return the smallest difference that a test at `level` finds with a power of 80 %.

        Student's t takes the place of the normal distribution: the error is itself estimated from
        n subjects.
        """
        if self.n < 2:
            return float("nan")
        t = stdtrit(self.n - 1, 1 - level / 2) + stdtrit(self.n - 1, POWER)
        return float(t * self.error)


def estimate(values: Sequence[float] | np.ndarray, draws: int = DRAWS) -> Estimate:
    """Return the mean of subjects' values, float [S], with interval and p-value.

    Raises
    ------
    ValueError
        For no value.
    """
    x = np.asarray(values, np.float64)
    n, nan = len(x), float("nan")
    if n == 0:
        raise ValueError("no subject to estimate a mean from")
    mean = float(x.mean())
    if n == 1:
        return Estimate(mean, nan, nan, nan, 1.0, 1)
    means = subject_weights(n, draws) @ x / n
    low, high = interval(means, n)
    # The bootstrap's variance is that with n in the denominator.
    error = float(means.std() * np.sqrt(n / (n - 1)))
    p = _p_value(means, mean / error if error else 0.0, n)
    return Estimate(mean, float(low), float(high), error, p, n)


def _p_value(means: np.ndarray, ratio: float, n: int) -> float:
    """Return the level at which :func:`interval` just reaches 0.

    Where fewer than ten draws lie beyond 0, too few to count, or subjects are few, it is that of
    Student's t for the mean's `ratio` to its standard error.
    """
    if np.ptp(means) == 0:
        return 1.0 if means[0] == 0 else 0.0
    beyond = min((means <= 0).sum(), (means >= 0).sum())
    if beyond < MIN_BEYOND or n < MIN_SUBJECTS:
        t = abs(ratio)
    else:
        t = -ndtri(min(beyond / len(means), 0.5)) * np.sqrt((n - 1) / n)
    return float(min(1.0, 2 * stdtr(n - 1, -t)))


def paired(more: Mapping[str, float], less: Mapping[str, float]) -> Estimate:
    """Return the mean difference of two rows over the subjects that both have.

    Raises
    ------
    ValueError
        When they have no subject in common.
    """
    shared = sorted(more.keys() & less.keys())
    if not shared:
        raise ValueError("two rows without a subject in common")
    return estimate(np.array([more[name] - less[name] for name in shared]))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted by Holm's step-down procedure (1979), in the given order."""
    order = np.argsort(p_values, kind="stable")
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = largest
    return adjusted


def holm_levels(p_values: Sequence[float], level: float = 1 - LEVEL) -> list[float]:
    """Return the level at which Holm's procedure tests each p-value, in the given order."""
    ranks = np.argsort(np.argsort(p_values, kind="stable"))
    return [level / (len(p_values) - int(rank)) for rank in ranks]
