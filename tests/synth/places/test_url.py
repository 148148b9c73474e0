"""Compounds of a dataset at a URL have the bytes of those that are made in a folder."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fmdata.catalog.errors import DatasetError, FmdataError
from fmdata.catalog.remote import lease, store
from fmdata.catalog.remote.contents import MARK
from fmdata.catalog.remote.lease import LOCK
from fmdata.catalog.remote.push import push
from fmdata.catalog.remote.store import Store
from fmdata.catalog.storage.place import COPIES
from fmdata.pipeline.engine.remote import scratch
from fmdata.synth.compounds import synth_compounds
from fmdata.synth.settings import CompoundSettings
from tests.helpers.datasets import make_up
from tests.helpers.far_end import FarEnd, Killed
from tests.helpers.folders import read_files

URL = "far://lab"
SETTINGS = CompoundSettings(k=2, shard_mb=1)


@pytest.fixture(scope="session")
def actions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a dataset without compounds; read only."""
    return make_up(tmp_path_factory.mktemp("actions") / "dataset", ["s01", "s02", "s03"], k=0)


@pytest.fixture(autouse=True)
def own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, actions: Path) -> Iterator[Path]:
    """Have the dataset in a folder `here` and at `URL`; yield the folder of this process's own."""
    monkeypatch.setattr(store, "BACKOFF_S", 0.0)
    monkeypatch.setattr(lease, "_SETTLE_S", 0.0)
    store._opened.cache_clear()
    FarEnd.reset()
    shutil.copytree(actions, tmp_path / "here")
    push(tmp_path / "here", URL)
    (tmp_path / "here" / COPIES).unlink()
    (tmp_path / "own").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "own"))
    scratch._guarded.cache_clear()
    yield tmp_path / "own"
    scratch._guarded.cache_clear()
    FarEnd.reset()


def left_in(own: Path) -> list[Path]:
    return [path for path in own.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    "settings",
    [SETTINGS, CompoundSettings(k=2, virtual=True), CompoundSettings(k=1, smooth=True)],
    ids=["shards", "virtual", "smooth"],
)
def test_the_bytes_and_the_report_are_those_of_a_folder(
    tmp_path: Path, own: Path, settings: CompoundSettings
) -> None:
    """Requests fail at one in twenty; the same command then finds them made."""
    FarEnd.fails = staticmethod(lambda n: OSError("slow down") if n % 20 == 0 else None)
    far = synth_compounds(URL, settings)
    FarEnd.works()
    here = synth_compounds(tmp_path / "here", settings)
    assert FarEnd.files("lab") == read_files(tmp_path / "here")
    assert str(far).replace(URL, str(tmp_path / "here")) == str(here)
    assert left_in(own) == []
    before = dict(FarEnd.store)
    assert synth_compounds(URL, settings).reused
    assert all(FarEnd.store[name] is file for name, file in before.items())


def test_shards_of_a_run_that_was_killed_are_not_made_again() -> None:
    before, found = dict(FarEnd.store), list[int]()
    FarEnd.works()
    synth_compounds(URL, SETTINGS)
    wanted, requests = FarEnd.files("lab"), FarEnd.requests
    for at in range(20, requests, requests // 3):
        FarEnd.store.clear()
        FarEnd.store.update(before)
        FarEnd.works()
        FarEnd.fails = staticmethod(lambda n, at=at: Killed() if n >= at else None)
        with pytest.raises(Killed):
            synth_compounds(URL, SETTINGS)
        FarEnd.works()
        if LOCK in FarEnd.files("lab"):  # this process has not ended, as one that was killed has
            Store(URL).remove(LOCK)
        found.append(synth_compounds(URL, SETTINGS).found)
        assert FarEnd.files("lab") == wanted, f"killed at request {at} of {requests}"
    assert max(found) > 0


def test_a_place_without_a_dataset_or_with_a_damaged_one_is_refused() -> None:
    with pytest.raises(DatasetError, match="no finished dataset"):
        synth_compounds("far://elsewhere", SETTINGS)
    assert FarEnd.files("elsewhere") == {}
    name = next(name for name in FarEnd.files("lab") if name.endswith(".tar"))
    Store(URL).write(name, b"cut")
    with pytest.raises(FmdataError, match="not as they were written"):
        synth_compounds(URL, SETTINGS)


def test_a_changed_pixel_is_noticed_before_it_is_spliced() -> None:
    """Of the same size; each shard is compared with its checksum when it is fetched."""
    name = next(name for name in FarEnd.files("lab") if name.endswith(".tar"))
    data = bytearray(FarEnd.files("lab")[name])
    data[len(data) // 2] ^= 1
    Store(URL).write(name, bytes(data))
    with pytest.raises(DatasetError, match="another checksum"):
        synth_compounds(URL, SETTINGS)


def test_a_command_that_has_lost_the_place_leaves_the_work_of_the_other() -> None:
    """The other one begins when the change is complete, before what is left over is removed."""
    other = {LOCK: b'{"owner": "other"}', ".work/shards/x/record.json": b"{}"}

    def lost() -> None:
        names = FarEnd.files("lab")
        is_complete = "fmdata.json" in names and ".work/change.json" not in names
        if is_complete and any(name.startswith("compounds/") for name in names):
            FarEnd.after = staticmethod(lambda: None)
            for name, data in other.items():
                Store(URL).write(name, data)

    FarEnd.after = staticmethod(lost)
    with pytest.raises(FmdataError, match="another command has begun"):
        synth_compounds(URL, SETTINGS)
    assert other.items() <= FarEnd.files("lab").items()


def test_a_push_that_begins_before_the_lock_is_taken_is_noticed() -> None:
    def begin() -> None:
        if LOCK in FarEnd.files("lab"):
            FarEnd.after = staticmethod(lambda: None)
            Store(URL).write(MARK, b"a push")

    before, FarEnd.after = FarEnd.files("lab"), staticmethod(begin)
    with pytest.raises(FmdataError, match="a push to this place is not finished"):
        synth_compounds(URL, SETTINGS)
    assert FarEnd.files("lab") == before | {MARK: b"a push"}
