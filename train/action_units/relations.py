"""The relation matrix M of action units: co-occurrence of each pair.

The RRL paper (2023, section 2.3) only says "the correlation between AU labels in the training set",
of which three readings are implemented. M is computed from the training subjects, never from the
held-out ones.
"""

import numpy as np

FORMS = ("conditional", "symmetric", "pearson")


def relation_matrix(labels: np.ndarray, form: str = "conditional") -> np.ndarray:
    """Return the relation of every AU to every other.

    Parameters
    ----------
    labels : float [N, K]
        Labels of N frames and K action units: 1 present, 0 absent, NaN unknown. Values between,
        such as those of :func:`fmdata.train.action_units.stand_ins.au_stand_ins`, count
        proportionally. A frame counts for a pair where both are known.
    form : str
        ``conditional``: M_ij = P(j | i). ``symmetric``: the mean of P(j | i) and P(i | j).
        ``pearson``: the correlation of i and j, with negative values set to 0.

    Returns
    -------
    float64 [K, K]
        0 to 1, and 1 on the diagonal. An AU that is never present, or never known, or for
        ``pearson`` constant, has 0 with all others.

    Raises
    ------
    ValueError
        When the form, shape or range is another.
    """
    if form not in FORMS:
        raise ValueError(f"form is {form!r}, wanted one of {FORMS}")
    labels = np.asarray(labels, np.float64)
    if labels.ndim != 2:
        raise ValueError(f"labels have shape {list(labels.shape)}, wanted [N, K]")
    known = np.isfinite(labels)
    if ((labels[known] < 0) | (labels[known] > 1)).any():
        raise ValueError("labels outside 0 to 1")
    value, known = np.where(known, labels, 0.0), known.astype(np.float64)
    matrix = _pearson(value, known) if form == "pearson" else _conditional(value, known)
    if form == "symmetric":
        matrix = (matrix + matrix.T) / 2
    np.fill_diagonal(matrix, 1.0)
    return matrix


def _conditional(value: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return P(j | i) over the frames in which both are known."""
    both, first = value.T @ value, value.T @ known
    return _ratio(both, first)


def _pearson(value: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the correlation over the frames in which both are known, at least 0."""
    n = known.T @ known
    mean = _ratio(value.T @ known, n)  # of i, where j is known
    square = _ratio((value**2).T @ known, n)
    variance = square - mean**2
    variance[variance < 1e-12] = 0.0  # rounding error of a constant
    covariance = _ratio(value.T @ value, n) - mean * mean.T
    return np.clip(_ratio(covariance, np.sqrt(variance * variance.T)), 0.0, 1.0)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)
