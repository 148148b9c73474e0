"""Versions of the packages that can change the bytes of a dataset."""

from contextlib import suppress
from importlib import metadata

# Packages whose version can change the bytes of a dataset: always, and with one landmark backend.
TOOLS = ("av", "numpy", "opencv-contrib-python", "pyarrow", "scipy")
_FAN = "face-alignment", "torch"
TOOLS_OF = {"litert": ("ai-edge-litert",), "mediapipe": ("mediapipe",), "fan": _FAN}


def tool_versions(landmarks: str) -> dict[str, str]:
    """Return the versions of the packages that can change the bytes of a dataset.

    `landmarks` is the landmark backend. A package that is not installed is left out.
    """
    versions = {name: metadata.version(name) for name in TOOLS}
    for name in TOOLS_OF.get(landmarks, ()):
        with suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return versions
