"""The eyelids' motion, measured in the pictures."""

from dataclasses import dataclass

import numpy as np

from fmdata.catalog.types import ArrayRepr


@dataclass(frozen=True, repr=False)
class Lids(ArrayRepr):
    """How far the lids have moved from where they are when the eyes are wide open.

    Attributes
    ----------
    down : float64 [T, 2, 2]
        Of the left and the right eye of the image, how far the middle of the upper and of the lower
        lid has moved down, in interocular distances; a part of the eye's height at most.
    known : bool [T, 2]
        Whether that is known of the left and of the right eye.
    height : float64 [2]
        Of the left and of the right eye wide open, in interocular distances.
    """

    down: np.ndarray
    known: np.ndarray
    height: np.ndarray
