"""Landmarks: from an RGB frame to the faces in it. The contract, and the backends by name.

A backend is a class with a ``detect`` method that returns a list of :class:`Face`, an empty one
when there is no face. It never turns a fault of its library into "no face": a fault is raised. It
keeps no memory of earlier frames, so that a frame's result does not depend on where decoding
began; whom to follow is decided in :mod:`fmdata.pipeline.person`, for all backends. Another
backend is one new file and one line in :func:`open_landmarker`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from fmdata.catalog.errors import ModelError, UsageError
from fmdata.catalog.types import ArrayRepr

BACKENDS = ("mediapipe", "fan")


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


def check_backend(name: str) -> None:
    """Raise UsageError for a name that is no backend's."""
    if name not in BACKENDS:
        raise UsageError(
            f"landmark backend {name!r}",
            wanted=f"one of {', '.join(BACKENDS)}",
            where="--landmarks",
            todo="choose one of those",
        )


def open_landmarker(name: str = "mediapipe", model: Path | None = None) -> Landmarker:
    """Return a ready backend; `model` names its weights' file, or their folder.

    Raises
    ------
    UsageError
        For a name that is no backend's.
    ModelError
        When the backend's weights cannot be had, or its library does not start.
    """
    check_backend(name)
    try:
        if name == "fan":
            from fmdata.pipeline.landmarks_fan import FanLandmarker

            return FanLandmarker(model)
        from fmdata.pipeline.landmarks_mediapipe import MediaPipeLandmarker

        return MediaPipeLandmarker(model)
    except (ImportError, OSError, RuntimeError) as fault:
        raise ModelError(
            f"the landmark backend {name} does not start: {fault}",
            wanted=f"a working {name}",
            where="this Python environment and machine",
            todo="install what the message names (for fan: pip install 'fmdata[fan]'), "
            "or run on another machine",
        ) from fault
