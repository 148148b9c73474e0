"""The contract of a landmark backend: from an RGB frame to the faces in it.

A backend has one method, ``detect``, which returns a list of :class:`Face`, empty when there is no
face. A backend raises the errors of its library; it never turns one into "no face". It keeps no
memory of earlier frames, so the result of a frame does not depend on where decoding began. The
choice among several faces is made in :mod:`fmdata.pipeline.landmarks.person`, for all backends.
"""

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
        x and y in pixels of the frame; z in the same unit, smaller when nearer to the camera. N
        is one of :data:`fmdata.catalog.types.N_POINTS`.
    pose : float32 [3]
        Yaw, pitch, roll in degrees, signs as in :class:`fmdata.catalog.types.Track`.
    blendshapes : float32 [52] or None
        Scores, 0 to 1; None for every face of a backend without blendshapes.
    """

    landmarks: np.ndarray
    pose: np.ndarray
    blendshapes: np.ndarray | None


class Landmarker(Protocol):
    """A landmark backend."""

    def detect(self, rgb: np.ndarray) -> list[Face]:
        """Find the faces in an RGB frame, uint8 [H, W, 3], in any order."""
