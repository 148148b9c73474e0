"""Overlap of two motions, by which one counts as the other."""

from typing import Any

import numpy as np

FOUND_IOU = 0.5  # as in the spotting challenges (MEGC)


def iou(onset: Any, offset: Any, other_onset: Any, other_offset: Any) -> Any:
    """Return the frames in both of two motions over those in either, 0 to 1.

    Numbers, or arrays of them; each motion is ``[onset, offset)``.

    >>> float(iou(0, 8, 4, 12))
    0.3333333333333333
    """
    both = np.maximum(0, np.minimum(offset, other_offset) - np.maximum(onset, other_onset))
    return both / (offset - onset + other_offset - other_onset - both)
