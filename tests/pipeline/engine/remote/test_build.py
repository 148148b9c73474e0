"""Builds from and to URLs on one machine: a store in memory, and folders as `file://` URLs."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFile
from PIL import Image

from fmdata.catalog.errors import DatasetError, FmdataError, InputError, UsageError
from fmdata.catalog.remote import lease, store
from fmdata.catalog.remote.lease import LOCK
from fmdata.catalog.remote.store import Store
from fmdata.pipeline.build import build
from fmdata.pipeline.engine.remote import scratch
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.pipeline.work.built import Built
from fmdata.pipeline.work.review.override import read_overrides
from tests.helpers.far_end import FarEnd, Killed
from tests.helpers.folders import assert_same_files, read_files
from tests.helpers.videos import make_distinct, write_numbered_video

pytestmark = pytest.mark.slow
SETTINGS = BuildSettings(size=64)
HOW = RunSettings(workers=0)
RAW, OUT = "far://bucket/raw", "far://bucket/dataset"


@pytest.fixture(autouse=True)
def own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fixed_face: None, no_second_pass: None
) -> Iterator[Path]:
    """Yield the folder below which this process has its own; the store is empty."""
    monkeypatch.setattr(store, "BACKOFF_S", 0.0)
    monkeypatch.setattr(lease, "_SETTLE_S", 0.0)
    store._opened.cache_clear()
    FarEnd.reset()
    (tmp_path / "own").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "own"))
    scratch._guarded.cache_clear()
    yield tmp_path / "own"
    scratch._guarded.cache_clear()
    FarEnd.reset()


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Return a folder of recordings of three subjects, one of them no video; also at `RAW`."""
    folder = tmp_path / "raw"
    record(folder, "s01/smile/1", "s01/smile/2", "s02/frown/1", "s03/frown/1")
    (folder / "s03/frown/2.mp4").write_bytes(b"no video")
    upload(folder)
    return folder


def record(raw: Path, *names: str) -> None:
    """Record ten frames of grey for each name, each file with other bytes."""
    for name in names:
        path = raw / f"{name}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = np.full((96, 160, 3), 128, np.uint8)
        make_distinct(write_numbered_video(path, 10, picture=picture).path, name)


def upload(folder: Path) -> None:
    """Make the recordings at `RAW` those of a folder."""
    for name in FarEnd.files("bucket/raw"):
        Store(RAW).remove(name)
    for name in read_files(folder):
        Store(RAW).upload(folder / name, name)


def dataset() -> dict[str, bytes]:
    return FarEnd.files("bucket/dataset")


def said(built: Built) -> str:
    """Return the report of a build without its place and speed."""
    return re.sub(r"; \d+ frames/s", "", str(built)).replace(str(built.out), "OUT")


def left_in(own: Path) -> list[Path]:
    return [path for path in own.rglob("*") if path.is_file()]


def test_the_bytes_and_the_report_are_those_of_a_local_build(
    raw: Path, tmp_path: Path, own: Path
) -> None:
    built = build(RAW, OUT, SETTINGS, HOW)
    local = build(raw, tmp_path / "local", SETTINGS, HOW)
    assert dataset() == read_files(tmp_path / "local")
    assert said(built) == said(local)
    assert left_in(own) == []


@pytest.mark.parametrize("ends", [("far", "here"), ("here", "far"), ("file", "file")])
def test_either_end_may_be_a_folder(raw: Path, tmp_path: Path, ends: tuple[str, str]) -> None:
    build(raw, tmp_path / "local", SETTINGS, HOW)
    before = {"far": RAW, "here": raw, "file": raw.as_uri()}[ends[0]]
    folder = tmp_path / "dataset"
    after = {"far": OUT, "here": folder, "file": folder.as_uri()}[ends[1]]
    build(before, after, SETTINGS, HOW)
    if ends[1] == "far":
        assert dataset() == read_files(tmp_path / "local")
    else:
        assert_same_files(folder, tmp_path / "local")
        assert not (folder / ".work").exists()


def test_failing_requests_change_nothing(raw: Path, tmp_path: Path, own: Path) -> None:
    """One in twenty, and a file that breaks off while it is written."""
    FarEnd.fails = staticmethod(lambda n: OSError("slow down") if n % 20 == 0 else None)
    build(RAW, OUT, SETTINGS, HOW)
    FarEnd.works()
    build(raw, tmp_path / "local", SETTINGS, HOW)
    assert dataset() == read_files(tmp_path / "local")
    assert left_in(own) == []


def test_a_place_that_cannot_be_reached_ends_the_build_and_leaves_nothing_here(
    raw: Path, own: Path
) -> None:
    FarEnd.fails = staticmethod(lambda n: OSError("no route") if n > 60 else None)
    with pytest.raises(FmdataError, match="a request failed, tried 5 times"):
        build(RAW, OUT, SETTINGS, HOW)
    assert left_in(own) == []
    assert "fmdata.json" not in dataset()


def test_a_build_killed_at_any_request_is_continued_by_the_same_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over an old dataset of which shards get other names; from the first request to the last."""
    raw, numbers = tmp_path / "raw", iter(range(99))
    record(raw, "s01/smile/1", "s03/frown/1")
    upload(raw)

    def run() -> None:
        monkeypatch.setenv("FMDATA_CACHE", str(tmp_path / f"cache{next(numbers)}"))
        build(RAW, OUT, SETTINGS, HOW)

    run()
    record(raw, "s02/wink/1")
    upload(raw)
    before = dict(FarEnd.store)
    FarEnd.works()
    run()
    requests, wanted = FarEnd.requests, dataset()
    assert requests > 50
    for at in range(5, requests, requests // 6):
        FarEnd.store.clear()
        FarEnd.store.update(before)
        FarEnd.works()
        FarEnd.fails = staticmethod(lambda n, at=at: Killed() if n >= at else None)
        with pytest.raises(Killed):
            run()
        FarEnd.works()
        if LOCK in dataset():  # this process has not ended, as one that was killed has
            Store(OUT).remove(LOCK)
        run()
        assert dataset() == wanted, f"killed at request {at} of {requests}"


@pytest.mark.parametrize("name", ["clip.avi", "row.arrow"])
def test_a_damaged_unit_is_made_again_by_the_next_run(raw: Path, tmp_path: Path, name: str) -> None:
    """Of the same size; a build was stopped before it made a shard."""

    def stop() -> None:
        if any("/shards/" in name for name in dataset()):
            raise Killed

    FarEnd.after = staticmethod(stop)
    with pytest.raises(Killed):
        build(RAW, OUT, SETTINGS, HOW)
    FarEnd.works()
    for left in [one for one in dataset() if one == LOCK or "/shards/" in one]:
        Store(OUT).remove(left)
    unit = next(one for one in dataset() if one.endswith(f"/{name}"))
    Store(OUT).write(unit, bytes(len(dataset()[unit])))
    with pytest.raises(DatasetError, match="another checksum"):
        build(RAW, OUT, SETTINGS, HOW)
    build(RAW, OUT, SETTINGS, HOW)
    build(raw, tmp_path / "local", SETTINGS, HOW)
    assert dataset() == read_files(tmp_path / "local")


def test_a_second_build_knows_what_is_done(raw: Path, tmp_path: Path) -> None:
    """Nothing new: no recording is read, and no file is written but the lock."""
    build(RAW, OUT, SETTINGS, HOW)
    first = dict(FarEnd.store)
    read = []
    whole = Store.blocks

    def reading(self: Store, name: str, n_bytes: int | None = None) -> Iterator[bytes]:
        read.append(name)
        return whole(self, name, n_bytes)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "blocks", reading)
        again = build(RAW, OUT, SETTINGS, HOW)
    assert (again.clips, again.reused) == (4, 5)
    assert not [name for name in read if name.endswith((".mp4", ".tar"))]
    assert FarEnd.store.keys() == first.keys()
    assert all(FarEnd.store[name] is file for name, file in first.items())


def test_clips_come_go_and_change_as_in_a_folder(raw: Path, tmp_path: Path) -> None:
    """A new subject renames shards; a limit leaves clips out; a review reads curves of frames."""
    local = tmp_path / "local"
    marks = tmp_path / "marks.csv"
    marks.write_text("key,onset,apex,offset,action\ns01-smile-1,2,,7,grin\n")

    def both(settings: BuildSettings, **options: Path) -> None:
        chosen = {name: read_overrides(path) for name, path in options.items()}
        upload(raw)
        how = RunSettings(workers=0, prune=True)
        far, here = (build(*ends, settings, how, **chosen) for ends in ((RAW, OUT), (raw, local)))
        assert dataset() == read_files(local)
        assert said(far) == said(here)

    both(SETTINGS)
    record(raw, *(f"s{n}/smile/1" for n in range(10, 14)))
    both(SETTINGS)
    both(BuildSettings(size=64, keep="subject != 's02'"))
    both(SETTINGS)
    both(SETTINGS, overrides=marks)
    marks.write_text("key\n")
    both(SETTINGS, overrides=marks)
    shutil.rmtree(raw / "s01")
    both(SETTINGS)


def test_tables_and_folders_of_images_are_read_as_in_a_folder(raw: Path, tmp_path: Path) -> None:
    for i in range(12):
        path = raw / "s05/nod/1" / f"{i:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((96, 160, 3), 100 + i, np.uint8)).save(path)
    (raw / "s05/nod/2").write_bytes((raw / "s01/smile/1.mp4").read_bytes()[:-1])  # of no extension
    upload(raw)
    build(RAW, OUT, SETTINGS, HOW)
    build(raw, tmp_path / "local", SETTINGS, HOW)
    assert dataset() == read_files(tmp_path / "local")
    (raw / "recordings.csv").write_text(
        "path,subject,action,take,onset,apex,offset,mood\n"
        "s01/smile/1.mp4,ann,smile,1,2,,6,good\n"
        "s05/nod/1,bob,nod,1,,,,bad\n"
    )
    upload(raw)
    build(RAW, "far://bucket/other", SETTINGS, HOW)
    build(raw, tmp_path / "table", SETTINGS, HOW)
    assert FarEnd.files("bucket/other") == read_files(tmp_path / "table")


def test_every_motion_is_spotted_as_in_a_folder(raw: Path, tmp_path: Path) -> None:
    """Sessions are units without a clip; here none has a motion, so each is dropped."""
    settings = BuildSettings(size=64, every_motion=True)
    far, here = build(RAW, OUT, settings, HOW), build(raw, tmp_path / "local", settings, HOW)
    assert dataset() == read_files(tmp_path / "local")
    assert said(far) == said(here)
    assert {one.reason for one in far.dropped} == {"no_motion", "unreadable"}


def test_a_recording_that_changes_or_vanishes_during_the_build_is_dropped(raw: Path) -> None:
    """After it was digested; the next build retries it."""
    from fmdata.pipeline.engine.remote import job

    whole, seen = job.fetch_recording, []

    def changing(url: str, recording: object, names: tuple[str, ...], folder: Path) -> object:
        if not seen:
            Store(RAW).write("s01/smile/1.mp4", b"another")
            Store(RAW).remove("s01/smile/2.mp4")
        seen.append(names)
        return whole(url, recording, names, folder)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "fetch_recording", changing)
        built = build(RAW, OUT, SETTINGS, HOW)
    details = {one.source: one.detail for one in built.dropped if one.reason == "failed"}
    assert sorted(details) == ["s01/smile/1.mp4", "s01/smile/2.mp4"]
    assert "changed" in details["s01/smile/1.mp4"]
    assert "missing" in details["s01/smile/2.mp4"]


def test_a_link_at_a_url_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.mp4").touch()
    (tmp_path / "raw/s01/smile").mkdir(parents=True)
    (tmp_path / "raw/s01/smile/01.mp4").symlink_to(tmp_path / "elsewhere.mp4")
    with pytest.raises(InputError, match=r"1 links: s01/smile/01\.mp4"):
        build((tmp_path / "raw").as_uri(), OUT, SETTINGS, HOW)


def test_two_builds_of_one_place_do_not_mix(raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second is refused; one that has lost the place stops before it changes the dataset."""
    monkeypatch.setattr(lease, "RENEW_S", 0.05)
    monkeypatch.setattr(lease, "_POLL_S", 0.02)
    with lease.held(Store(OUT)), pytest.raises(UsageError, match="another command is writing"):
        build(RAW, OUT, SETTINGS, HOW)

    def lost() -> None:
        if any("/shards/" in name for name in dataset()):
            FarEnd.after = staticmethod(lambda: None)
            Store(OUT).write(LOCK, b'{"owner": "other"}')

    FarEnd.after = staticmethod(lost)
    with pytest.raises(UsageError, match="another command has begun"):
        build(RAW, OUT, SETTINGS, HOW)
    assert "fmdata.json" not in dataset()


def test_a_url_with_a_secret_is_refused_and_the_secret_not_shown(raw: Path) -> None:
    with pytest.raises(UsageError) as caught:
        build("ftp://ann:pass@host/raw", OUT, SETTINGS, HOW)
    assert "pass@" not in str(caught.value)
    assert "environment" in str(caught.value)


def test_a_place_with_other_files_is_refused(raw: Path) -> None:
    Store(OUT).write("thesis.txt", b"mine")
    with pytest.raises(UsageError, match="something that is not a dataset"):
        build(RAW, OUT, SETTINGS, HOW)
    assert dataset() == {"thesis.txt": b"mine"}


@pytest.mark.parametrize("name", ["s01/../../../etc/x.mp4", "s01//2.mp4", "s01/./2.mp4"])
def test_a_name_that_leads_out_of_the_folder_is_refused(name: str) -> None:
    FarEnd.store[f"/bucket/raw/{name}"] = MemoryFile(FarEnd(), name, b"video")
    with pytest.raises(InputError, match="names that no file here can have"):
        build(RAW, OUT, SETTINGS, HOW)


def test_an_empty_place_is_no_folder_of_recordings() -> None:
    with pytest.raises(UsageError, match="there are no files"):
        build(RAW, OUT, SETTINGS, HOW)
