"""The landmark contract: the faces of one frame, and the backend that finds them."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from fmdata.catalog.types import ArrayRepr


@dataclass(frozen=True, repr=False)
class Face(ArrayRepr):
    """One face in one frame.

    Attributes
    ----------
    landmarks : float32 [N, 3]
        x and y in pixels of the frame, z in the same unit, smaller when nearer to the camera. N
        is one of :data:`fmdata.catalog.types.N_POINTS`.
    pose : float32 [3]
        Yaw, pitch, roll in degrees, signs as in :class:`fmdata.catalog.types.Track`.
    blendshapes : float32 [52] or None
        Scores, 0 to 1; None from a backend that has none, for every face.
    """

    landmarks: np.ndarray
    pose: np.ndarray
    blendshapes: np.ndarray | None


class Landmarker(Protocol):
    """What the pipeline asks of a landmark backend."""

    def detect(self, rgb: np.ndarray) -> list[Face]:
        """Find the faces in an RGB frame, uint8 [H, W, 3], in no order that means anything."""
