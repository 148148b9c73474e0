"""Measures of a calibration on unseen subjects."""

from dataclasses import dataclass

import numpy as np

from fmdata.train.verification.comparisons import GROUPS, PAPER, Comparisons, Kind
from fmdata.train.verification.operating import Calibration

N_BINS = 10


@dataclass(frozen=True)
class Calibrated:
    """Quality of a calibrated score, genuine and impostor comparisons as equally many.

    Attributes
    ----------
    error : float
        Expected calibration error: mean absolute difference of the stated probability and the
        share of genuine comparisons, over ten bins of equal weight.
    cllr : float
        Cost of the log-likelihood ratio (Brümmer and du Preez 2006) in bits: 0 is perfect, 1 is a
        score that says nothing.
    stated, observed : float [B]
        Mean probability and share of genuine comparisons of each bin.
    """

    error: float
    cllr: float
    stated: np.ndarray
    observed: np.ndarray


def measure_calibration(comparisons: Comparisons, calibration: Calibration) -> Calibrated | None:
    """Measure on the papers' pairs; None where either side has no comparison.

    Raises
    ------
    InternalError
        When a subject helped to fit the calibration.
    """
    calibration.require_unseen(comparisons)
    genuine = comparisons.similarity[comparisons.of(Kind.GENUINE)]
    impostors = comparisons.similarity[comparisons.of(*GROUPS[PAPER])]
    if not len(genuine) or not len(impostors):
        return None
    ratio = calibration.log_ratio(np.concatenate([genuine, impostors]))
    true = np.arange(len(ratio)) < len(genuine)
    weight = np.where(true, 0.5 / len(genuine), 0.5 / len(impostors))
    cost = np.logaddexp(0, np.where(true, -ratio, ratio)) / np.log(2)
    probability = 1 / (1 + np.exp(-ratio))
    # The middle of each value's weight decides its bin, so all bins weigh about the same, and equal
    # values are never parted.
    _, value = np.unique(probability, return_inverse=True)
    of_value = np.bincount(value, weight)
    middle = np.cumsum(of_value) - of_value / 2
    bins = np.minimum((middle * N_BINS).astype(int), N_BINS - 1)[value]
    of_bin = np.bincount(bins, weight, N_BINS)
    filled = of_bin > 0
    stated = np.bincount(bins, weight * probability, N_BINS)[filled] / of_bin[filled]
    observed = np.bincount(bins, weight * true, N_BINS)[filled] / of_bin[filled]
    error = float(np.sum(of_bin[filled] * np.abs(stated - observed)))
    return Calibrated(error, float(np.sum(weight * cost)), stated, observed)
