"""Measures of detected action units: F1 at a threshold, and the area under the ROC curve."""

import numpy as np
from sklearn.metrics import precision_recall_curve, roc_auc_score


def f1_of_units(predicted: np.ndarray, true: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the F1 of each unit over the frames in which it is known.

    Parameters
    ----------
    predicted, true, known : bool [N, K]
        Predicted presence, true presence, and a mask of the frames where the truth is known.

    Returns
    -------
    float64 [K]
        NaN for a unit that is never present: its F1 is undefined.
    """
    hits = (predicted & true & known).sum(axis=0)
    n_predicted, n_true = (predicted & known).sum(axis=0), (true & known).sum(axis=0)
    return np.where(n_true > 0, 2 * hits / np.maximum(n_predicted + n_true, 1), np.nan)


def auc_of_units(scores: np.ndarray, true: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the area under the ROC curve of each unit; 0.5 is chance.

    Parameters
    ----------
    scores : float [N, K]
        Higher where a unit is more likely present.
    true, known : bool [N, K]
        As for :func:`f1_of_units`.

    Returns
    -------
    float64 [K]
        NaN for a unit that is always present, or never.
    """
    areas = np.full(true.shape[1], np.nan)
    for k in range(true.shape[1]):
        here = known[:, k]
        if 0 < true[here, k].sum() < here.sum():
            areas[k] = roc_auc_score(true[here, k], scores[here, k])
    return areas


def best_thresholds(scores: np.ndarray, true: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the threshold of each unit at which its F1 is highest; a score above it is present.

    Parameters as for :func:`auc_of_units`.

    Returns
    -------
    float64 [K]
        Midway to the next lower score; 0 for a unit that is never present.
    """
    thresholds = np.zeros(true.shape[1])
    for k in range(true.shape[1]):
        here = known[:, k]
        if not true[here, k].any():
            continue
        precision, recall, at = precision_recall_curve(true[here, k], scores[here, k])
        f1 = 2 * precision * recall / np.maximum(precision + recall, np.finfo(float).tiny)
        best = int(np.argmax(f1[:-1]))
        lower = at[best - 1] if best else at[best] - 1
        thresholds[k] = (at[best] + lower) / 2
    return thresholds


def prevalences(true: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the share of the known frames that show each unit, float64 [K]; NaN if none known."""
    n = known.sum(axis=0)
    shares: np.ndarray = np.where(n > 0, (true & known).sum(axis=0) / np.maximum(n, 1), np.nan)
    return shares
