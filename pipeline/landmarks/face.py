"""The contract of a landmark backend: from an RGB frame to the faces in it.

A backend has one method, ``detect``, which returns a list of :class:`Face`, empty when there is no
face. A backend raises the errors of its library; it never turns one into "no face". It keeps no
memory of earlier frames, so the result of a frame does not depend on where decoding began. The
choice among several faces is made in :mod:`fmdata.pipeline.landmarks.person`, for all backends.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from fmdata.catalog.printable import ArrayRepr


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


REGION_SIDE = 256  # of the picture that a :class:`RegionLandmarker` takes, in pixels
REGION_SCALE = 1.5  # its side, over the longer side of the box around the face's landmarks


@runtime_checkable
class RegionLandmarker(Landmarker, Protocol):
    """A backend that finds the landmarks of a face in a known place too, without detecting it."""

    def landmarks_in(self, region: np.ndarray) -> np.ndarray | None:
        """Find the landmarks of an upright face that is in the middle of a square picture.

        Parameters
        ----------
        region : uint8 [REGION_SIDE, REGION_SIDE, 3]
            RGB; `REGION_SCALE` times as large as the face.

        Returns
        -------
        float64 [N, 3] or None
            In pixels of the picture; None without a face.
        """
