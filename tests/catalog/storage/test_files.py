"""A final name never belongs to a partial file or folder."""

from pathlib import Path

import pytest

from fmdata.catalog.storage.files import (
    atomic_file,
    atomic_folder,
    remove_folder,
    remove_temporaries,
    write_atomically,
)


def fill_half(path: Path) -> None:
    with atomic_file(path) as file:
        file.write(b"ne")
        raise RuntimeError("half-way")


def test_a_failed_write_leaves_only_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    write_atomically(path, b"old")
    with pytest.raises(RuntimeError, match="half-way"):
        fill_half(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_appears_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "unit"
    with atomic_folder(path) as folder:
        (folder / "a").write_bytes(b"1")
        assert not path.exists()
    assert (path / "a").read_bytes() == b"1"
    with pytest.raises(RuntimeError, match="half-way"), atomic_folder(path) as folder:
        raise RuntimeError("half-way")
    assert (path / "a").read_bytes() == b"1"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupted_removal_leaves_no_partial_folder_under_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "unit"
    for name in ("a", "b"):
        path.mkdir(exist_ok=True)
        (path / name).write_bytes(b"1")

    def interrupted(folder: Path, ignore_errors: bool = False) -> None:
        if Path(folder).exists():
            (Path(folder) / "a").unlink()
            raise SystemExit

    monkeypatch.setattr("fmdata.catalog.storage.files.shutil.rmtree", interrupted)
    with pytest.raises(SystemExit):
        remove_folder(path)
    monkeypatch.undo()
    assert not path.exists()
    remove_temporaries(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_files_and_folders_are_removed_by_the_same_functions(tmp_path: Path) -> None:
    for kind in ("file", "folder"):
        path, doomed = tmp_path / kind, tmp_path / f"{kind}.gone.part"
        path.mkdir() if kind == "folder" else path.write_text("x")
        doomed.write_text("of an interrupted removal")
        remove_folder(path)
        assert not path.exists()
        assert not doomed.exists()
    (tmp_path / "a.part").write_text("x")
    (tmp_path / "b.part").mkdir()
    remove_temporaries(tmp_path)
    assert list(tmp_path.iterdir()) == []
