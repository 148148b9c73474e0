"""A dataset at a URL reads like its folder, through a cache that stays small and holds no error."""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from filelock import FileLock

from fmdata.catalog import Dataset
from fmdata.catalog.errors import DatasetError, UsageError
from fmdata.catalog.remote import cache as cache_module
from fmdata.catalog.remote.cache import CacheSettings
from fmdata.catalog.remote.push import push
from fmdata.catalog.storage.card import NAME
from tests.helpers.compounds import content_of
from tests.helpers.datasets import make_up
from tests.helpers.far_end import FarEnd, Killed

URL = "far://lab"


@pytest.fixture
def pair(versions: tuple[Path, Path], tmp_path: Path) -> list[Path]:
    """Copy both versions into folders that may be changed."""
    return [Path(shutil.copytree(v, tmp_path / v.name)) for v in versions]


@pytest.fixture(scope="session")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a dataset of several shards of actions, 0.5 to 1.5 MB each; read only."""
    subjects = [f"s{i:02d}" for i in range(8)]
    return make_up(tmp_path_factory.mktemp("wide") / "dataset", subjects, k=1)


def sizes(folder: Path) -> dict[str, int]:
    """Return the sizes of the files that count, of whatever dataset, by name."""
    found = {}
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # a whole file has just replaced its part
            if path.is_file() and path.name not in (NAME, ".lock"):
                found[str(path.relative_to(folder))] = path.stat().st_size
    return found


def test_all_is_as_in_the_folder_and_the_cache_is_never_larger_than_allowed(
    wide: Path, tmp_path: Path, far: type[FarEnd]
) -> None:
    push(wide, URL)
    settings = CacheSettings(folder=tmp_path / "cache", megabytes=2)
    found: list[int] = []
    far.after = staticmethod(lambda: found.append(sum(sizes(tmp_path / "cache").values())))
    here, there = Dataset(wide), Dataset(URL, settings)
    for clip, same in zip(here.actions, there.actions, strict=True):
        assert (clip.frames() == same.frames()).all()
        assert clip.frames_table().equals(same.frames_table())
        assert clip.lbp_npy() == same.lbp_npy()
    for clip, same in zip(here.compounds, there.compounds, strict=True):
        assert clip.row == same.row
        assert content_of(clip)[1:] == content_of(same)[1:]
    assert here.dropped().equals(there.dropped())
    assert 1.5e6 < max(found) <= 2e6
    total = sum(f.bytes for p in here.card.parts for s in p.shards for f in s.files.values())
    assert total > 8e6


def test_a_second_reader_asks_only_for_the_card(
    wide: Path, tmp_path: Path, far: type[FarEnd]
) -> None:
    push(wide, URL)
    settings = CacheSettings(folder=tmp_path)
    first = [clip.avi() for clip in Dataset(URL, settings).actions]
    far.works()
    assert [clip.avi() for clip in Dataset(URL, settings).actions] == first
    assert far.requests == 2  # the card's size, and the card


def test_the_least_recently_used_files_leave(wide: Path, tmp_path: Path) -> None:
    push(wide, URL)
    dataset = Dataset(URL, CacheSettings(folder=tmp_path, megabytes=3))
    shards = [dataset.actions.opened(shard) for shard in dataset.card.actions.shards]
    for shard in shards[:2]:
        shard.fetch()
    for shard in shards[2:]:
        shard.fetch()
        shards[0].fetch()
    names = {Path(name).name.partition(".")[0] for name in sizes(tmp_path)}
    assert {"shard-00000", shards[-1].shard.name} <= names
    assert "shard-00001" not in names


def test_a_reader_amid_a_push_gets_its_own_dataset_or_an_error_and_the_next_one_the_new_one(
    pair: list[Path], tmp_path: Path, far: type[FarEnd]
) -> None:
    """A push is killed at every third request; what is read is of one card, whichever it is."""
    contents = [{clip.key: clip.avi() for clip in Dataset(v).actions} for v in pair]
    outcomes = set()
    for stop in range(1, 400, 3):
        FarEnd.reset()
        push(pair[0], URL)
        settings = CacheSettings(folder=tmp_path / str(stop))
        reader = Dataset(URL, settings)
        next(iter(reader.actions)).avi()
        far.works()
        far.fails = staticmethod(lambda n, stop=stop: Killed() if n == stop else None)
        try:
            push(pair[1], URL, replace=True)
            finished = True
        except Killed:
            finished = False
        far.works()
        for read in (
            lambda reader=reader: reader,
            lambda settings=settings: Dataset(URL, settings),
        ):
            try:
                found = {clip.key: clip.avi() for clip in read().actions}
                outcomes.add(contents.index(found))
            except DatasetError as error:
                outcomes.add("changed" if "was changed" in error.got else "unfinished")
        if finished:
            break
    assert finished
    assert outcomes == {0, 1, "changed", "unfinished"}


def test_what_a_new_dataset_at_the_url_no_longer_has_leaves_the_cache(
    pair: list[Path], tmp_path: Path
) -> None:
    """s01 is in the older version alone."""
    settings = CacheSettings(folder=tmp_path / "cache")
    push(pair[0], URL)
    for clip in Dataset(URL, settings).actions:
        clip.avi()
    assert with_s01(tmp_path / "cache")
    push(pair[1], URL, replace=True)
    Dataset(URL, settings)
    assert not with_s01(tmp_path / "cache")


def with_s01(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*") if p.is_file() and b"s01-smile" in p.read_bytes()]


def test_damage_at_the_far_end_is_an_error_and_leaves_nothing_in_the_cache(
    wide: Path, tmp_path: Path, far: type[FarEnd]
) -> None:
    push(wide, URL)
    name = "/lab/actions/shard-00000.tar"
    data = far.store[name].getvalue()
    far.store[name].seek(700)
    far.store[name].write(bytes(10))
    dataset = Dataset(URL, CacheSettings(folder=tmp_path))
    with pytest.raises(DatasetError, match=r"shard-00000\.tar is not as its card says"):
        dataset.actions[0].avi()
    assert not list(tmp_path.rglob("shard-00000.tar*"))
    far.store[name].seek(0)
    far.store[name].write(data)
    assert dataset.actions[0].avi() == Dataset(wide).actions[0].avi()


def test_failing_requests_are_made_again(wide: Path, tmp_path: Path, far: type[FarEnd]) -> None:
    push(wide, URL)
    far.fails = staticmethod(lambda n: OSError("slow down") if n % 3 == 0 else None)
    clips = [clip.avi() for clip in Dataset(URL, CacheSettings(folder=tmp_path)).actions]
    assert clips == [clip.avi() for clip in Dataset(wide).actions]


def test_too_small_a_cache_is_refused_with_advice(
    wide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(wide, URL)
    dataset = Dataset(URL, CacheSettings(folder=tmp_path, megabytes=1))
    monkeypatch.setattr(cache_module, "PATIENCE_S", 0.0)
    largest = max(dataset.card.actions.shards, key=lambda shard: shard.tar.bytes)
    opened = dataset.actions.opened(largest)
    with (
        pytest.raises(DatasetError, match="all files of the cache are in use"),
        opened.reading(opened.tar),
        opened.reading(opened.frames),
    ):
        pass
    monkeypatch.setattr(cache_module.Cache, "__init__", _tiny)
    with pytest.raises(UsageError, match="a cache of 0 MB for a file of"):
        dataset.actions.opened(dataset.card.actions.shards[-1]).fetch()


def _tiny(self: cache_module.Cache, settings: CacheSettings) -> None:
    self._folder, self._max = settings.place, 1000


READER = """
import sys
from pathlib import Path
from fmdata.catalog import Dataset
from fmdata.catalog.remote.cache import CacheSettings
url, folder, start = sys.argv[1:]
dataset = Dataset(url, CacheSettings(folder=Path(folder), megabytes=2))
clips = len(dataset.actions)
print("begins", flush=True)
for _ in range(3):
    for i in range(clips):
        dataset.actions[(int(start) + i) % clips].avi()
print("ends")
"""


@pytest.mark.slow
def test_four_processes_share_a_small_cache_and_one_may_be_killed(
    wide: Path, tmp_path: Path
) -> None:
    """The cache holds a quarter of the dataset, and each process begins elsewhere in it."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", READER, wide.as_uri(), str(tmp_path), str(8 * i)],
            stdout=subprocess.PIPE, text=True, env=os.environ,
        )
        for i in range(4)
    ]  # fmt: skip
    found = []
    assert processes[0].stdout.readline() == "begins\n"
    time.sleep(0.05)
    processes[0].send_signal(signal.SIGKILL)
    while any(process.poll() is None for process in processes):
        with FileLock(tmp_path / ".lock"):  # nobody takes room, or makes it, during the look
            found.append(sum(sizes(tmp_path).values()))
        time.sleep(0.01)
    assert [process.wait() for process in processes] == [-signal.SIGKILL, 0, 0, 0]
    assert 1.5e6 < max(found) <= 2e6
    assert all("ends" in process.communicate()[0] for process in processes[1:])
    settings = CacheSettings(folder=tmp_path, megabytes=2)
    again = [clip.avi() for clip in Dataset(wide.as_uri(), settings).actions]
    assert again == [clip.avi() for clip in Dataset(wide).actions]
