"""Motion of the eyelids, as measured in the pixels."""

from dataclasses import dataclass

import numpy as np

from fmdata.catalog.types import ArrayRepr


@dataclass(frozen=True, repr=False)
class Lids(ArrayRepr):
    """Displacement of the eyelids from their positions in the wide-open eye.

    Attributes
    ----------
    down : float64 [T, 2, 2]
        Downward displacement of the middle of the upper and of the lower lid, of the image's left
        and right eye, in interocular distances (IOD); limited to a part of the eye's height.
    known : bool [T, 2]
        False where the displacement of the left or of the right eye's lids could not be measured.
    height : float64 [2]
        Height of the left and of the right eye, wide open, in IOD.
    """

    down: np.ndarray
    known: np.ndarray
    height: np.ndarray
