"""A pushed copy has the bytes of the dataset, and a reader never finds half of one."""

import shutil
import signal
import subprocess
import sys
import time
from itertools import count
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from fmdata.catalog.errors import DatasetError, UsageError
from fmdata.catalog.remote.contents import MARK
from fmdata.catalog.remote.copies import copies_of
from fmdata.catalog.remote.push import push
from fmdata.catalog.storage.place import COPIES
from fmdata.catalog.verify.dataset import verify
from tests.helpers.command import fmdata
from tests.helpers.far_end import FarEnd, Killed
from tests.helpers.folders import read_files

URL = "far://bucket/lab"
CARD = "fmdata.json"


def content(dataset: Path) -> dict[str, bytes]:
    """Return the files of a dataset without its list of copies, and locks of killed readers."""
    files = read_files(dataset).items()
    return {name: data for name, data in files if name != COPIES and not name.startswith(".lock/")}


def there() -> dict[str, bytes]:
    return FarEnd.files("bucket/lab")


def replaced(dataset: Path, version: Path) -> None:
    """Put another version into a folder, as a build does; the list of copies stays."""
    for entry in list(dataset.iterdir()):
        if entry.name != COPIES:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    shutil.copytree(version, dataset, dirs_exist_ok=True)


@pytest.mark.parametrize("url", ["far://bucket/lab", "file", "path"])
def test_a_copy_has_the_same_bytes_and_is_sent_once(
    dataset: Path, tmp_path: Path, url: str
) -> None:
    folder = tmp_path / "copies/lab"
    url = {"file": folder.as_uri(), "path": str(folder)}.get(url, url)
    first, second = push(dataset, url), push(dataset, url)
    assert (read_files(folder) if folder.exists() else there()) == content(dataset)
    assert len(first.sent) == first.files == len(content(dataset)) - 1
    assert (second.sent, second.sent_bytes, second.removed) == ([], 0, [])
    assert verify(dataset) == []  # the list of copies belongs to a dataset
    if folder.exists():
        assert verify(folder, deep=True) == []


def test_another_version_replaces_the_copy_and_its_old_files_go(
    dataset: Path, versions: tuple[Path, Path]
) -> None:
    push(dataset, URL)
    replaced(dataset, versions[1])
    pushed = push(dataset, URL)
    assert there() == content(versions[1])
    assert pushed.removed
    assert all(name.startswith("compounds/") for name in pushed.removed)


def test_a_reader_finds_the_old_dataset_or_none_or_the_new_one(
    dataset: Path, versions: tuple[Path, Path], far: type[FarEnd]
) -> None:
    """The whole place is looked at after each request of a push that replaces a copy."""
    push(dataset, URL)
    replaced(dataset, versions[1])
    old, new = map(content, versions)
    seen = []

    def look() -> None:
        found = {name: data for name, data in there().items() if not name.startswith(".new/")}
        seen.append("none" if CARD not in found else ["old", "new"][[old, new].index(found)])

    far.after = staticmethod(look)
    push(dataset, URL)
    assert list(dict.fromkeys(seen)) == ["old", "none", "new"]
    assert seen == sorted(seen, key=["old", "none", "new"].index)


def test_a_push_killed_at_any_request_is_completed_by_the_next(
    dataset: Path, versions: tuple[Path, Path], far: type[FarEnd]
) -> None:
    """After each kill the place holds the old dataset, none, or the new one."""
    push(dataset, URL)
    before = there()
    replaced(dataset, versions[1])
    for last in count(1):
        far.reset()
        for name, data in before.items():
            far().pipe_file(f"/bucket/lab/{name}", data)
        far.requests = 0
        far.fails = staticmethod(lambda number, last=last: Killed() if number == last else None)
        try:
            push(dataset, URL)
        except Killed:
            found = {n: d for n, d in there().items() if not n.startswith(".new/")}
            assert CARD not in found or found in (before, content(versions[1]))
        else:
            break
        far.works()
        push(dataset, URL)
        assert there() == content(versions[1])
    assert last > 30


def test_a_first_push_killed_at_any_request_leaves_no_card_and_is_completed(
    dataset: Path, far: type[FarEnd]
) -> None:
    wanted = content(dataset)
    for last in count(1):
        far.reset()
        (dataset / COPIES).unlink(missing_ok=True)
        far.fails = staticmethod(lambda number, last=last: Killed() if number == last else None)
        try:
            push(dataset, URL)
        except Killed:
            assert CARD not in there() or there().items() >= wanted.items()
            assert not any(there()) or copies_of(dataset) == [URL]
        else:
            break
        far.works()
        push(dataset, URL)
        assert there() == wanted
    assert last > 30


def test_one_request_in_twenty_may_fail(dataset: Path, far: type[FarEnd]) -> None:
    """An upload that fails leaves half a file, which the next try replaces."""
    failed = []

    def fails(number: int) -> BaseException | None:
        if number % 20 == 0:
            failed.append(number)
            return TimeoutError("no answer") if number % 40 else ConnectionError("cut off")
        return None

    far.fails = staticmethod(fails)
    push(dataset, URL)
    assert len(failed) > 3
    assert there() == content(dataset)


def test_a_place_that_never_answers_is_given_up_after_five_tries(
    dataset: Path, far: type[FarEnd]
) -> None:
    far.fails = staticmethod(lambda number: ConnectionError("cut off"))
    with pytest.raises(DatasetError, match="tried 5 times: cut off"):
        push(dataset, URL)
    assert far.requests == 5


def test_what_cannot_succeed_later_is_not_retried(dataset: Path, far: type[FarEnd]) -> None:
    far.fails = staticmethod(lambda number: PermissionError("access denied"))
    with pytest.raises(DatasetError, match="tried once: access denied"):
        push(dataset, URL)
    assert far.requests == 1


def test_bytes_changed_at_the_far_end_are_sent_again(dataset: Path) -> None:
    """The size and the card are right, so that only the bytes read back differ."""
    push(dataset, URL)
    file = FarEnd.store["/bucket/lab/actions/shard-00000.tar"]
    file.seek(1000)
    file.write(b"damage")
    assert there() != content(dataset)
    assert push(dataset, URL).sent == ["actions/shard-00000.tar"]
    assert there() == content(dataset)


def test_a_damaged_dataset_is_not_pushed_over_a_copy(
    dataset: Path, versions: tuple[Path, Path]
) -> None:
    push(dataset, URL)
    replaced(dataset, versions[1])
    tar = dataset / "actions/shard-00000.tar"
    damaged = tar.read_bytes()[:-1] + b"x"
    for damage in (lambda: tar.write_bytes(damaged), tar.unlink):
        damage()
        with pytest.raises(DatasetError, match="not as its card says; the copy is unchanged"):
            push(dataset, URL)
    whole = {name: data for name, data in there().items() if not name.startswith(".new/")}
    assert whole == content(versions[0])


def test_a_place_with_other_files_is_refused_and_keeps_them(
    dataset: Path, far: type[FarEnd]
) -> None:
    far().pipe_file("/bucket/lab/thesis.pdf", b"years of work")
    with pytest.raises(UsageError, match=r"not a dataset of fmdata: thesis\.pdf"):
        push(dataset, URL)
    assert there() == {"thesis.pdf": b"years of work"}
    assert copies_of(dataset) == []


def test_other_files_beside_a_copy_stay(dataset: Path, far: type[FarEnd]) -> None:
    push(dataset, URL)
    for name in ("README.md", "actions/notes.txt", ".new/mine"):
        far().pipe_file(f"/bucket/lab/{name}", b"mine")
    pushed = push(dataset, URL)
    assert sorted(pushed.foreign) == [".new/mine", "README.md", "actions/notes.txt"]
    assert len(there()) == len(content(dataset)) + 3


def test_another_dataset_is_replaced_only_where_one_says_so(versions: tuple[Path, Path],
                                                            tmp_path: Path) -> None:  # fmt: skip
    older, newer = (Path(shutil.copytree(v, tmp_path / v.name)) for v in versions)
    push(older, URL)
    with pytest.raises(UsageError, match="another dataset is there"):
        push(newer, URL)
    assert there() == content(older)
    assert copies_of(newer) == []
    push(newer, URL, replace=True)
    assert there() == content(newer)


def test_the_push_that_began_first_stops_when_another_begins(
    dataset: Path, far: type[FarEnd]
) -> None:
    def begins() -> None:
        if far.requests == 12:
            MemoryFileSystem().pipe_file(f"/{MARK}", b"another push")
            FarEnd.store[f"/bucket/lab/{MARK}"] = MemoryFileSystem.store.pop(f"/{MARK}")

    far.after = staticmethod(begins)
    with pytest.raises(UsageError, match="another push to this place has begun"):
        push(dataset, URL)
    assert CARD not in there()


SLOW = """
import sys, time
from fsspec.implementations.local import LocalFileSystem
put = LocalFileSystem.put_file
def slow(self, *arguments, **options):
    put(self, *arguments, **options)
    time.sleep(0.3)
LocalFileSystem.put_file = slow
from fmdata.cli import main
main()
"""


def test_a_killed_process_leaves_no_readable_copy_and_the_command_completes_it(
    dataset: Path, tmp_path: Path
) -> None:
    """A real process, ended by SIGKILL amid its uploads; the copy is a folder of this disk."""
    copy = tmp_path / "copy"
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, "push", copy.as_uri(), str(dataset)], cwd=tmp_path,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    until = time.monotonic() + 120
    while len(list(copy.rglob("shard-*"))) < 2 and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (copy / CARD).exists()
    assert 0 < len(list(copy.rglob("shard-*"))) < len(content(dataset)) - 2
    run = fmdata("push", copy.as_uri(), dataset, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert "were there" in run.stdout
    assert " 0 were there" not in run.stdout
    assert read_files(copy) == content(dataset)
