"""Folders that keep results for later runs, named by a digest of settings and code."""

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
        Packages that the results depend on. A change of any file in or below them gives another
        folder.
    """
    digest = hashlib.sha256(json.dumps(settings, default=str).encode())
    for package in packages:
        for file in sorted(Path(package.__path__[0]).rglob("*.py")):
            digest.update(file.read_bytes())
    place = folder / f"{name}-{digest.hexdigest()[:12]}"
    for other in folder.glob(f"{name}-*"):
        if other != place:
            shutil.rmtree(other)
    return place
