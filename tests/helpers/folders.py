"""Comparison of folders, byte by byte."""

from collections.abc import Collection
from pathlib import Path


def read_files(folder: Path) -> dict[str, bytes]:
    """Return the content of every file below a folder, by its path in the folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def assert_same_files(folder: Path, reference: Path, but: Collection[str] = ()) -> None:
    """Assert that two folders hold the same files with the same bytes, `but` for some names."""
    found, wanted = (
        {name: data for name, data in read_files(one).items() if name not in but}
        for one in (folder, reference)
    )
    assert sorted(found) == sorted(wanted)
    different = [name for name, content in found.items() if content != wanted[name]]
    assert not different, f"{folder} and {reference} differ in {different}"
