"""What lies in time between known values."""

import numpy as np


def bridged(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Interpolate values [T, ...] where they are not known, bool [T]; hold them at either end.

    Where none is known all are 0.
    """
    if not known.any():
        return np.zeros_like(values)
    t, columns = np.arange(len(values)), values.reshape(len(values), -1).T
    filled = np.stack([np.interp(t, t[known], column[known]) for column in columns], axis=1)
    return filled.reshape(values.shape)
