"""Only what fmdata made is replaced or removed; a half may lie on another disk."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fmdata.catalog.dataset import Dataset
from fmdata.catalog.errors import UsageError
from fmdata.catalog.privacy.forget import forget
from fmdata.catalog.storage.pack import change
from fmdata.catalog.storage.place import MARK, require_place
from fmdata.catalog.verify.dataset import verify
from fmdata.synth.compounds import synth_compounds
from fmdata.synth.settings import CompoundSettings
from tests.helpers.datasets import make_up
from tests.helpers.folders import read_files

COMMANDS: dict[str, Callable[[Path], object]] = {
    "build": lambda path: make_up(path, ["s01", "s02"], k=0),
    "synth-compound": lambda path: synth_compounds(path, CompoundSettings(k=1, shard_mb=1)),
    "forget": lambda path: forget(path, "s02"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a dataset of two subjects with compounds; read only."""
    return make_up(tmp_path_factory.mktemp("made") / "dataset", ["s01", "s02"], k=2)


@pytest.fixture
def dataset(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "dataset"))


def file_for_folder(dataset: Path, half: str) -> Path:
    shutil.rmtree(dataset / half)
    (dataset / half).write_text("mine")
    return dataset / half


def dangling_link(dataset: Path, half: str) -> Path:
    shutil.rmtree(dataset / half)
    (dataset / half).symlink_to(dataset.parent / "nowhere")
    return dataset / half


def link_to_a_file(dataset: Path, half: str) -> Path:
    (dataset.parent / "thesis.txt").write_text("mine")
    shutil.rmtree(dataset / half)
    (dataset / half).symlink_to(dataset.parent / "thesis.txt")
    return dataset / half


def link_to_another_dataset(dataset: Path, half: str) -> Path:
    other = Path(shutil.copytree(dataset, dataset.parent / "other"))
    shutil.rmtree(dataset / half)
    (dataset / half).symlink_to(other / half)
    return dataset / half


def link_to_a_foreign_folder(dataset: Path, half: str) -> Path:
    (dataset.parent / "photos").mkdir()
    (dataset.parent / "photos/holiday.jpg").write_text("mine")
    shutil.rmtree(dataset / half)
    (dataset / half).symlink_to(dataset.parent / "photos")
    return dataset / half / "holiday.jpg"


def link_to_itself(dataset: Path, half: str) -> Path:
    shutil.rmtree(dataset / half)
    (dataset / half).symlink_to(dataset)
    return dataset / half


def foreign_file_among_the_shards(dataset: Path, half: str) -> Path:
    (dataset / half / "notes.txt").write_text("mine")
    return dataset / half / "notes.txt"


def linked_card(dataset: Path, half: str) -> Path:
    (dataset / "fmdata.json").rename(dataset.parent / "card.json")
    (dataset / "fmdata.json").symlink_to(dataset.parent / "card.json")
    return dataset / "fmdata.json"


def linked_list(dataset: Path, half: str) -> Path:
    (dataset / "dropped.parquet").rename(dataset.parent / "dropped.parquet")
    (dataset / "dropped.parquet").symlink_to(dataset.parent / "dropped.parquet")
    return dataset / "dropped.parquet"


def linked_work(dataset: Path, half: str) -> Path:
    (dataset.parent / "scratch").mkdir()
    (dataset.parent / "scratch/mine.txt").write_text("mine")
    (dataset / ".work").symlink_to(dataset.parent / "scratch")
    return dataset / ".work"


def foreign_work(dataset: Path, half: str) -> Path:
    (dataset / ".work/new").mkdir(parents=True)
    (dataset / ".work/new/thesis.txt").write_text("mine")
    (dataset / ".work/a.part").write_text("mine")
    return dataset / ".work"


def file_for_the_work(dataset: Path, half: str) -> Path:
    (dataset / ".work").write_text("mine")
    return dataset / ".work"


def file_for_the_locks(dataset: Path, half: str) -> Path:
    (dataset / ".lock").write_text("mine")
    return dataset / ".lock"


STRANGE = [
    file_for_folder, dangling_link, link_to_a_file, link_to_another_dataset, link_to_itself,
    link_to_a_foreign_folder, foreign_file_among_the_shards,
]  # fmt: skip
STRANGE_ELSEWHERE = [
    linked_card, linked_list, linked_work, foreign_work, file_for_the_work, file_for_the_locks,
]  # fmt: skip
CASES = [(strange, half) for strange in STRANGE for half in ("actions", "compounds")]
CASES += [(strange, "") for strange in STRANGE_ELSEWHERE]


def all_bytes(folder: Path) -> dict[str, bytes | str]:
    """Return every file with its bytes, and every link with its target; links not followed."""
    found: dict[str, bytes | str] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            found[str(path)] = str(path.readlink())
        elif path.is_file():
            found[str(path)] = path.read_bytes()
        else:
            found[str(path)] = "folder"
    return found


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("strange", "half"), CASES)
def test_what_is_not_ours_is_refused_and_nothing_is_touched(
    dataset: Path, strange: Callable[[Path, str], Path], command: str, half: str
) -> None:
    where = strange(dataset, half)
    before = all_bytes(dataset.parent)
    with pytest.raises(UsageError) as caught:
        COMMANDS[command](dataset)
    assert str(where) in caught.value.where
    assert all_bytes(dataset.parent) == before


@pytest.mark.parametrize(
    "names",
    [
        ["actions/shard-00000.tar"],  # other programs call their shards so too
        ["compounds/a.txt"],
        [".work/a.part"],
        ["readme.md"],
    ],
    ids=lambda names: names[0],
)
def test_a_folder_that_is_no_dataset_is_no_place_for_one(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / "out" / name).parent.mkdir(parents=True)
        (tmp_path / "out" / name).write_text("mine")
    before = all_bytes(tmp_path)
    with pytest.raises(UsageError, match="nothing was changed"), change(tmp_path / "out"):
        pass
    assert all_bytes(tmp_path) == before


def test_a_file_and_a_link_that_leads_nowhere_are_no_place_for_a_dataset(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("file", "link"):
        with pytest.raises(UsageError, match="not a folder"), change(tmp_path / name):
            pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "link"]


def test_a_dataset_in_a_linked_folder_is_one(dataset: Path, made: Path) -> None:
    link = dataset.parent / "link"
    link.symlink_to(dataset)
    forget(link, "s02")
    assert verify(link) == verify(dataset) == []


def another_disk(tmp_path: Path) -> Path:
    """Return an empty folder on another file system than the tests' folder, if there is one."""
    for place in (Path("/dev/shm"), Path.cwd(), Path("/var/tmp")):
        if place.is_dir() and place.stat().st_dev != tmp_path.stat().st_dev:
            folder = place / f"fmdata-test-{os.getpid()}"
            folder.mkdir()
            return folder
    pytest.skip("one file system only")


def test_both_halves_may_lie_on_another_disk(tmp_path: Path, made: Path) -> None:
    """Built, spliced and forgotten through links: the same files, none on the first disk."""
    disk = another_disk(tmp_path)
    try:
        path = tmp_path / "dataset"
        path.mkdir()
        for half in ("actions", "compounds"):
            (disk / half).mkdir()
            (path / half).symlink_to(disk / half)
        make_up(path, ["s01", "s02"], k=2)
        for half in ("actions", "compounds"):
            assert (path / half).is_symlink()
            assert read_files(disk / half) == read_files(made / half)
        assert verify(path, deep=True) == []
        inodes = {p.stat().st_ino for p in disk.rglob("*.tar")}
        assert forget(path, "s02").left == []
        assert all(p.stat().st_ino in inodes for p in disk.rglob("*.tar"))  # linked, not copied
        assert {clip.subject for clip in Dataset(path).actions} == {"s01"}
        assert verify(path, deep=True) == []
        assert not (path / ".work").exists()
    finally:
        shutil.rmtree(disk)


def test_a_remnant_in_a_linked_half_is_found(dataset: Path) -> None:
    shutil.move(dataset / "compounds", dataset.parent / "far")
    (dataset / "compounds").symlink_to(dataset.parent / "far")
    extra = dataset.parent / "far/extra.tar"
    shutil.copy(dataset / "compounds/shard-00000.tar", extra)
    assert [Path(f.where).name for f in verify(dataset)] == ["extra.tar"]


def test_unfinished_work_is_marked_and_its_mark_goes_last(tmp_path: Path) -> None:
    path = tmp_path / "dataset"

    def killed() -> None:
        with change(path):
            (path / ".work" / ("a" * 64)).mkdir()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        killed()
    assert (path / ".work" / MARK).read_text().startswith("Unfinished work of fmdata")
    require_place(path)
    with change(path):
        pass
    assert not path.exists()


def test_a_command_killed_before_the_mark_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "dataset/.work").mkdir(parents=True)
    make_up(tmp_path / "dataset", ["s01"], k=0)
    assert verify(tmp_path / "dataset") == []
