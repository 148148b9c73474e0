"""A pulled dataset has the bytes of the copy; a folder holds its old dataset or the new one."""

import shutil
from itertools import count
from pathlib import Path

import pytest

from fmdata.catalog.dataset import Dataset
from fmdata.catalog.errors import DatasetError, UsageError
from fmdata.catalog.remote.contents import MARK
from fmdata.catalog.remote.copies import copies_of
from fmdata.catalog.remote.pull import pull
from fmdata.catalog.remote.push import push
from fmdata.catalog.storage.place import COPIES
from fmdata.catalog.verify.dataset import verify
from tests.helpers.far_end import FarEnd, Killed
from tests.helpers.folders import read_files

URL = "far://bucket/lab"


def content(dataset: Path) -> dict[str, bytes]:
    return {name: data for name, data in read_files(dataset).items() if name != COPIES}


@pytest.mark.parametrize("url", ["far://bucket/lab", "memory://bucket/lab", "file"])
def test_a_pulled_dataset_is_the_one_that_was_pushed(
    dataset: Path, tmp_path: Path, url: str
) -> None:
    url = (tmp_path / "copy").as_uri() if url == "file" else url
    push(dataset, url)
    first = pull(url, tmp_path / "pulled")
    second = pull(url, tmp_path / "pulled")
    assert content(tmp_path / "pulled") == content(dataset)
    assert verify(tmp_path / "pulled", deep=True) == []
    assert (len(first.fetched), second.fetched) == (first.files, [])
    assert copies_of(tmp_path / "pulled") == [url]


def test_only_what_differs_is_fetched(
    dataset: Path, versions: tuple[Path, Path], tmp_path: Path
) -> None:
    """A shard that the folder has under another name is not fetched; old ones are removed."""
    push(dataset, URL)
    pull(URL, tmp_path / "pulled")
    newer = Path(shutil.copytree(versions[1], tmp_path / "newer"))
    push(newer, URL, replace=True)
    fetched = pull(URL, tmp_path / "pulled").fetched
    assert content(tmp_path / "pulled") == content(newer)
    assert verify(tmp_path / "pulled", deep=True) == []
    shards = {name.partition(".")[0] for name in fetched if name.startswith("actions")}
    assert len(shards) < len(Dataset(newer).card.actions.shards)


def test_a_damaged_file_is_fetched_again(dataset: Path, tmp_path: Path) -> None:
    push(dataset, URL)
    pull(URL, tmp_path / "pulled")
    (tmp_path / "pulled/actions/shard-00000.parquet").write_bytes(b"damage")
    (tmp_path / "pulled/dropped.parquet").unlink()
    pull(URL, tmp_path / "pulled")
    assert content(tmp_path / "pulled") == content(dataset)


def test_a_pull_killed_at_any_request_is_completed_by_the_next(
    dataset: Path, versions: tuple[Path, Path], tmp_path: Path, far: type[FarEnd]
) -> None:
    """Until then the folder holds the older dataset; files that were fetched are kept."""
    push(versions_copy := Path(shutil.copytree(versions[1], tmp_path / "newer")), URL)
    (dataset / COPIES).write_text(f"{URL}\n")
    folder = tmp_path / "folder"
    for last in count(1):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(dataset, folder)
        far.works()
        far.fails = staticmethod(lambda number, last=last: Killed() if number == last else None)
        try:
            pull(URL, folder)
        except Killed:
            Dataset(folder)
            found = {n: d for n, d in content(folder).items() if not n.startswith(".work/")}
            assert found == content(dataset)
        else:
            break
        far.works()
        pull(URL, folder)
        assert content(folder) == content(versions_copy)
        assert verify(folder) == []
    assert last > 5


def test_one_request_in_twenty_may_fail(dataset: Path, tmp_path: Path, far: type[FarEnd]) -> None:
    push(dataset, URL)
    far.works()
    far.fails = staticmethod(lambda n: ConnectionError("cut off") if n % 20 == 0 else None)
    pull(URL, tmp_path / "pulled")
    assert far.requests > 20
    assert content(tmp_path / "pulled") == content(dataset)


def test_a_damaged_copy_is_refused_and_the_folder_stays(dataset: Path, tmp_path: Path) -> None:
    push(dataset, URL)
    file = FarEnd.store["/bucket/lab/actions/shard-00000.tar"]
    file.seek(1000)
    file.write(b"damage")
    with pytest.raises(DatasetError, match=r"actions/shard-00000\.tar is not as its card says"):
        pull(URL, tmp_path / "pulled")
    assert not (tmp_path / "pulled/fmdata.json").exists()


def test_a_copy_that_is_replaced_during_a_pull_is_not_mixed(
    dataset: Path, versions: tuple[Path, Path], tmp_path: Path, far: type[FarEnd]
) -> None:
    newer = Path(shutil.copytree(versions[1], tmp_path / "newer"))
    push(dataset, URL)
    far.works()

    def replaces() -> None:
        if far.requests == 4:
            far.after = staticmethod(lambda: None)
            push(newer, URL, replace=True)

    far.after = staticmethod(replaces)
    with pytest.raises(DatasetError, match="changed while it was fetched"):
        pull(URL, tmp_path / "pulled")
    assert not (tmp_path / "pulled/fmdata.json").exists()
    pull(URL, tmp_path / "pulled")
    assert content(tmp_path / "pulled") == content(newer)
    assert verify(tmp_path / "pulled") == []


def test_an_unfinished_push_is_no_dataset(dataset: Path, tmp_path: Path) -> None:
    push(dataset, URL)
    del FarEnd.store["/bucket/lab/fmdata.json"]
    with pytest.raises(DatasetError, match=r"fmdata\.json is missing"):
        pull(URL, tmp_path / "pulled")
    FarEnd().pipe_file(f"/bucket/lab/{MARK}", b"mark")
    with pytest.raises(DatasetError, match="a push is not finished"):
        pull(URL, tmp_path / "pulled")
    assert not (tmp_path / "pulled").exists()


def test_a_folder_with_anything_else_is_refused(
    dataset: Path, versions: tuple[Path, Path], tmp_path: Path
) -> None:
    push(dataset, URL)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/thesis.pdf").write_bytes(b"years of work")
    with pytest.raises(UsageError, match="not a dataset of fmdata"):
        pull(URL, tmp_path / "thesis")
    assert read_files(tmp_path / "thesis") == {"thesis.pdf": b"years of work"}
    other = Path(shutil.copytree(versions[1], tmp_path / "other"))
    with pytest.raises(UsageError, match="another dataset is in this folder"):
        pull(URL, other)
    assert read_files(other) == read_files(versions[1])
    pull(URL, other, replace=True)
    assert content(other) == content(dataset)
