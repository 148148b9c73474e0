"""Bootstrap over subjects: a subject, not a clip or a pair, is drawn with replacement.

Clips of one person are alike, so the number of independent observations is that of the subjects.
"""

from functools import lru_cache

import numpy as np
from scipy.special import ndtr, stdtrit

DRAWS = 10_000
MIN_SUBJECTS = 5  # fewer have too few different draws for percentiles
LEVEL = 0.95


@lru_cache(maxsize=16)
def subject_weights(n_subjects: int, draws: int, seed: int = 0) -> np.ndarray:
    """Draw `n_subjects` subjects with replacement, `draws` times.

    Returns
    -------
    int64 [draws, n_subjects]
        How often each subject was drawn; read only, since equal calls share it.
    """
    generator = np.random.default_rng(seed)
    weights = generator.multinomial(n_subjects, np.full(n_subjects, 1 / n_subjects), draws)
    weights.flags.writeable = False
    return weights


def interval(
    values: np.ndarray, n_subjects: int, level: float = LEVEL
) -> tuple[np.ndarray, np.ndarray]:
    r"""Return the ends of the expanded percentile interval (Hesterberg 2015, section 5.3).

    A plain percentile interval of n subjects is too short, by :math:`\sqrt{(n-1)/n}` and by using
    the normal distribution for Student's t. It is corrected by taking wider percentiles,
    :math:`\Phi(-\sqrt{n/(n-1)}\, t_{\alpha/2,n-1})`. For fewer than five subjects, whose draws do
    not reach so far, it is Student's interval about the mean of the draws.

    Parameters
    ----------
    values : float [D, ...]
        The number in each draw; NaN where a draw does not define it.
    n_subjects : int
        Number of subjects that were drawn from, at least 2.
    level : float
        Wanted coverage.

    Returns
    -------
    low, high : float [...]

    Raises
    ------
    ValueError
        For a single subject: its spread is unknown.
    """
    if n_subjects < 2:
        raise ValueError("an interval over subjects needs at least two of them")
    t = stdtrit(n_subjects - 1, (1 + level) / 2)
    if n_subjects < MIN_SUBJECTS:
        reach = t * np.nanstd(values, axis=0) * np.sqrt(n_subjects / (n_subjects - 1))
        middle = np.nanmean(values, axis=0)
        return middle - reach, middle + reach
    tail = ndtr(-np.sqrt(n_subjects / (n_subjects - 1)) * t)
    low, high = np.nanquantile(values, [tail, 1 - tail], axis=0)
    return low, high
