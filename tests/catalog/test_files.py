"""A name never stands for half a file."""

from pathlib import Path

import pytest

from fmdata.catalog.files import atomic_file, atomic_folder, write_atomically


def fill_half(path: Path) -> None:
    with atomic_file(path) as file:
        file.write(b"ne")
        raise RuntimeError("half-way")


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    write_atomically(path, b"old")
    with pytest.raises(RuntimeError, match="half-way"):
        fill_half(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_appears_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "unit"
    with atomic_folder(path) as folder:
        (folder / "a").write_bytes(b"1")
        assert not path.exists()
    assert (path / "a").read_bytes() == b"1"
    with pytest.raises(RuntimeError, match="half-way"), atomic_folder(path) as folder:
        raise RuntimeError("half-way")
    assert (path / "a").read_bytes() == b"1"
    assert list(tmp_path.iterdir()) == [path]
