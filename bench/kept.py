"""Results that are kept for later runs, named by a digest of settings and code."""

import hashlib
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType


def kept(folder: Path, name: str, settings: object, packages: Iterable[ModuleType]) -> Path:
    """Return the folder for results of these settings and packages; remove those of others.

    Parameters
    ----------
    folder : Path
        Parent of the folder.
    name : str
        Beginning of the folder's name; a digest follows.
    settings : object
        Any value that JSON can hold.
    packages : iterable of module
        Packages that the results depend on. A change of any Python file in or below them gives
        another folder.
    """
    digest = hashlib.sha256(json.dumps(settings, default=str).encode())
    _add_code(digest, packages)
    place = folder / f"{name}-{digest.hexdigest()[:12]}"
    for other in folder.glob(f"{name}-*"):
        if other != place:
            shutil.rmtree(other)
    return place


def code_digest(packages: Iterable[ModuleType]) -> str:
    """Return the digest of all Python files in and below some packages, as hexadecimal digits."""
    digest = hashlib.sha256()
    _add_code(digest, packages)
    return digest.hexdigest()


def _add_code(digest: "hashlib._Hash", packages: Iterable[ModuleType]) -> None:
    for package in packages:
        for file in sorted(Path(package.__path__[0]).rglob("*.py")):
            digest.update(file.read_bytes())
