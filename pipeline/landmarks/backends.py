"""Landmark backends by name. The contract of a backend is in :mod:`fmdata.pipeline.landmarks.face`.

Another backend is one new file, a function here that opens it, and its name in `_BACKENDS`;
docs/pipeline.md lists the entries that it needs elsewhere. Promise: the libraries of a backend are
imported only when it is opened.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fmdata.catalog.errors import ModelError, UsageError
from fmdata.pipeline.landmarks.face import Landmarker
from fmdata.pipeline.landmarks.weights import find


def _mediapipe(model: Path | None, _: str) -> Landmarker:
    from fmdata.pipeline.landmarks.mediapipe import MediaPipeLandmarker

    return MediaPipeLandmarker(model)


def _fan(model: Path | None, device: str) -> Landmarker:
    from fmdata.pipeline.landmarks.fan import FanLandmarker

    return FanLandmarker(model, device)


def _litert(model: Path | None, _: str) -> Landmarker:
    from fmdata.pipeline.landmarks.litert.backend import LiteRTLandmarker

    return LiteRTLandmarker(model)


_BACKENDS = {"litert": _litert, "mediapipe": _mediapipe, "fan": _fan}


def open_landmarker(name: str, model: Path | None = None, device: str = "cpu") -> Landmarker:
    """Open the backend `name`; `model` is the file of its weights, or the folder that holds them.

    `device` is that of the settings, which see that the backend has a use of it.

    Raises
    ------
    UsageError
        When there is no such backend.
    ModelError
        When the weights are missing or have a wrong checksum, there is no such device, or the
        library does not start.
    """
    if name not in _BACKENDS:
        raise UsageError(
            f"landmark backend {name!r}",
            wanted=f"one of {', '.join(_BACKENDS)}",
            where="--landmarks",
            todo="choose one of those",
        )
    with _starting(name):
        return _BACKENDS[name](model, device)


def prepare(name: str, model: Path | None, device: str) -> None:
    """Find the weights of a backend and its device, once, before every process looks for them.

    Raises
    ------
    ModelError
        When the weights are missing or have a wrong checksum, or there is no such device.
    """
    if device != "cpu":
        with _starting(name):
            from fmdata.pipeline.landmarks.fan import require_fan_device

            require_fan_device(device)
    find(name, model)


@contextmanager
def _starting(name: str) -> Iterator[None]:
    """Report the errors of a backend's library as ModelError."""
    try:
        yield
    except (ImportError, OSError, RuntimeError) as error:
        raise ModelError(
            f"the landmark backend {name} does not start: {error}",
            wanted=f"a working {name}",
            where="this Python environment and machine",
            todo="install the packages that the message names (for fan: "
            "pip install 'fmdata[fan]'), or run on another machine",
        ) from error
