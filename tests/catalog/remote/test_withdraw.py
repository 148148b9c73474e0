"""`forget` names the copies that still have a subject, and with a URL removes it there."""

from itertools import count
from pathlib import Path

import pytest

from fmdata.catalog.errors import UsageError
from fmdata.catalog.remote.push import push
from fmdata.catalog.remote.withdraw import withdraw
from fmdata.catalog.storage.place import COPIES, INTRODUCTION
from tests.helpers.command import fmdata
from tests.helpers.far_end import FarEnd, Killed
from tests.helpers.folders import read_files

URL = "far://bucket/lab"


def content(dataset: Path) -> dict[str, bytes]:
    return {name: data for name, data in read_files(dataset).items() if name != COPIES}


def test_copies_that_still_have_the_subject_are_named(dataset: Path) -> None:
    """`s02` has clips in one copy and none in the other; a third cannot be reached."""
    other = "far://bucket/other"
    push(dataset, URL)
    withdraw(dataset, "s02")
    push(dataset, other)
    with (dataset / COPIES).open("a") as file:
        file.write("nowhere://bucket/lab\n")
    gone = withdraw(dataset, "s01")
    assert gone.left == []
    here, there, nowhere = gone.copies
    assert f"{URL} still has s01: remove s01 there with the same command and --at {URL}" in here
    assert f"{other} still has s01" in there
    assert "nowhere://bucket/lab could not be looked at" in nowhere
    assert "may have s01" in nowhere


def test_a_dropped_recording_counts_as_having_the_subject(dataset: Path) -> None:
    """The other subjects' shards are equal in both; the dropped list alone names `s02`."""
    push(dataset, URL)
    withdraw(dataset, "s01", URL)
    push(dataset, "far://bucket/second")
    gone = withdraw(dataset, "s02")
    assert all("still has s02" in line for line in gone.copies)


def test_a_subject_is_removed_from_folder_and_copy(dataset: Path) -> None:
    """Every byte there is one of the folder's, in which the subject was searched for."""
    push(dataset, URL)
    assert any(b"s02-smile" in data for data in FarEnd.files("bucket/lab").values())
    gone = withdraw(dataset, "s02", URL)
    files = FarEnd.files("bucket/lab")
    assert files == content(dataset)
    assert not any(b"s02-smile" in data for data in files.values())
    assert (gone.left, gone.copies) == ([], [])
    assert "deleted at far://bucket/lab, or replaced: actions/shard-0000" in str(gone)
    assert "old versions" in str(gone)


def test_a_copy_may_follow_later(dataset: Path) -> None:
    """The folder has lost the subject already; the copy loses it by the printed command."""
    push(dataset, URL)
    withdraw(dataset, "s02")
    gone = withdraw(dataset, "s02", URL)
    assert gone.here is None
    assert FarEnd.files("bucket/lab") == content(dataset)


def test_a_removal_killed_at_the_copy_is_completed_by_the_same_command(
    dataset: Path, far: type[FarEnd]
) -> None:
    """The folder has lost the subject; the copy is killed at each request in turn."""
    push(dataset, URL)
    before = far.files("bucket/lab")
    withdraw(dataset, "s02")
    for last in count(1):
        far.reset()
        for name, data in before.items():
            far().pipe_file(f"/bucket/lab/{name}", data)
        far.works()
        far.fails = staticmethod(lambda number, last=last: Killed() if number == last else None)
        try:
            withdraw(dataset, "s02", URL)
        except Killed:
            far.works()
            if far.files("bucket/lab") != content(dataset):
                withdraw(dataset, "s02", URL)
        else:
            break
        assert far.files("bucket/lab") == content(dataset)
    assert last > 30


def test_a_wrong_name_changes_nothing(dataset: Path) -> None:
    push(dataset, URL)
    before = FarEnd.files("bucket/lab")
    with pytest.raises(UsageError, match="no subject 's03'; nothing was changed"):
        withdraw(dataset, "s03", URL)
    assert FarEnd.files("bucket/lab") == before


def test_a_place_that_is_no_copy_is_refused_before_anything_is_removed(dataset: Path) -> None:
    before = read_files(dataset)
    with pytest.raises(UsageError, match="not a known copy of this dataset"):
        withdraw(dataset, "s02", URL)
    assert read_files(dataset) == before


def test_unsearched_files_at_the_copy_are_findings(dataset: Path, far: type[FarEnd]) -> None:
    push(dataset, URL)
    far().pipe_file("/bucket/lab/slides.pdf", b"a face of s02")
    gone = withdraw(dataset, "s02", URL)
    (finding,) = gone.left
    assert (finding.where, "not searched" in finding.problem) == (f"{URL}/slides.pdf", True)
    assert "slides.pdf" in str(gone)


@pytest.mark.slow
def test_the_commands_do_all_this(dataset: Path, tmp_path: Path) -> None:
    """Also with --quiet, copies that still have the subject are named."""
    for name in ("one", "two"):
        assert fmdata("push", tmp_path / name, "dataset", cwd=tmp_path).returncode == 0
    forgotten = fmdata("forget", "s02", "dataset", "--yes", "--quiet", cwd=tmp_path)
    assert forgotten.returncode == 0, forgotten.stderr
    assert forgotten.stdout.count("still has s02") == 2
    at = (tmp_path / "one").as_uri()
    run = fmdata("forget", "s02", "dataset", "--yes", "--at", at, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert read_files(tmp_path / "one") == {
        name: data for name, data in content(dataset).items() if name not in INTRODUCTION
    }
    assert f"{(tmp_path / 'two').as_uri()} still has s02" in run.stdout
    pulled = fmdata("pull", at, "pulled", cwd=tmp_path)
    assert pulled.returncode == 0, pulled.stderr
    assert fmdata("verify", "pulled", "--deep", cwd=tmp_path).returncode == 0
