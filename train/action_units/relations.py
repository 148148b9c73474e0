"""The relation matrix M of action units: how far one says that another is there too.

The RRL paper (2023, section 2.3) only has "the correlation between AU labels in the training set".
Three readings are on offer; whichever is used, M comes from the subjects trained on, never from
those held out.
"""

import numpy as np

FORMS = ("conditional", "symmetric", "pearson")


def relation_matrix(labels: np.ndarray, form: str = "conditional") -> np.ndarray:
    """Relate every AU to every other.

    Parameters
    ----------
    labels : float [N, K]
        Of N frames and K action units: 1 there, 0 not there, NaN not known. Values between, such
        as those of :func:`fmdata.train.action_units.stand_ins.au_stand_ins`, count as so much
        of a 1. A frame counts for a pair where both are known.
    form : str
        ``conditional``: M_ij = P(j | i). ``symmetric``: the mean of P(j | i) and P(i | j).
        ``pearson``: the correlation of i and j, a negative one as 0.

    Returns
    -------
    float64 [K, K]
        0 to 1, and 1 on the diagonal. An AU that never shows, or is never known, or for
        ``pearson`` never changes, has 0 with all others.

    Raises
    ------
    ValueError
        For another form, shape or range.
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
    """P(j | i) over the frames in which both are known."""
    both, first = value.T @ value, value.T @ known
    return _ratio(both, first)


def _pearson(value: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Correlation over the frames in which both are known, not below 0."""
    n = known.T @ known
    mean = _ratio(value.T @ known, n)  # of i, where j is known
    square = _ratio((value**2).T @ known, n)
    variance = square - mean**2
    variance[variance < 1e-12] = 0.0  # rounding, in one that never changes
    covariance = _ratio(value.T @ value, n) - mean * mean.T
    return np.clip(_ratio(covariance, np.sqrt(variance * variance.T)), 0.0, 1.0)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)
