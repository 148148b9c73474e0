"""Landmarks: from an RGB frame to the faces in it. The contract, and the backends by name.

A backend is a class with a ``detect`` method that returns a list of :class:`Face`, an empty one
when there is no face. It never turns a fault of its library into "no face": a fault is raised. It
keeps no memory of earlier frames, so that a frame's result does not depend on where decoding
began; whom to follow is decided in :mod:`fmdata.pipeline.landmarks.person`, for all
backends. Another backend is one new file and one line in :func:`open_landmarker`.
"""

from pathlib import Path

from fmdata.catalog.errors import ModelError, UsageError
from fmdata.pipeline.landmarks.face import Landmarker

BACKENDS = ("mediapipe", "fan")


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
            from fmdata.pipeline.landmarks.fan import FanLandmarker

            return FanLandmarker(model)
        from fmdata.pipeline.landmarks.mediapipe import MediaPipeLandmarker

        return MediaPipeLandmarker(model)
    except (ImportError, OSError, RuntimeError) as fault:
        raise ModelError(
            f"the landmark backend {name} does not start: {fault}",
            wanted=f"a working {name}",
            where="this Python environment and machine",
            todo="install what the message names (for fan: pip install 'fmdata[fan]'), "
            "or run on another machine",
        ) from fault
