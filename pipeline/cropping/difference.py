"""Difference of two pictures; a module of its own, because a synthesis needs nothing else here."""

import cv2
import numpy as np


def frame_difference(one: np.ndarray, other: np.ndarray) -> float:
    """Return the mean absolute difference, 0 to 255, of two uint8 images of the same shape."""
    return float(cv2.norm(one, other, cv2.NORM_L1)) / one.size
