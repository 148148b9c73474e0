"""Where a run keeps what a later one may use again: in folders named by what made them."""

import hashlib
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType


def kept(folder: Path, name: str, settings: object, packages: Iterable[ModuleType]) -> Path:
    """Return a folder for what these settings and packages make; what others made is removed.

    Parameters
    ----------
    folder : Path
        Where the folder is to lie.
    name : str
        What its name begins with; a digest follows.
    settings : object
        Anything that JSON holds.
    packages : iterable of module
        A change to any file in or below them is another folder.
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
