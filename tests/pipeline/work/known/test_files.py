"""A build with nothing to do reads no file: what has not changed is known by its facts."""

import hashlib
import os
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from fmdata.catalog.storage.card import FileFacts
from fmdata.pipeline.build import build
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.pipeline.work.known.files import KnownFiles, facts_of
from tests.helpers.folders import read_files
from tests.helpers.videos import make_distinct, write_numbered_video

SMALL = BuildSettings(size=64)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder that is used in place of the user's cache."""
    monkeypatch.setenv("FMDATA_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.slow
@pytest.mark.usefixtures("cache", "fixed_face", "no_second_pass")
def test_a_build_with_nothing_to_do_reads_no_recording_and_no_shard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clip, a dropped recording and a folder of images; --rehash reads all of them."""
    raw, path = tmp_path / "raw", tmp_path / "dataset"
    (raw / "s01/still").mkdir(parents=True)
    picture = np.full((96, 160, 3), 128, np.uint8)
    for take in ("01", "02"):
        video = write_numbered_video(raw / f"s01/still/{take}.mp4", 4, picture=picture).path
        make_distinct(video, take)
    (raw / "s01/still/03.mp4").write_text("no video")
    (raw / "s01/still/04").mkdir()
    (raw / "s01/still/04/1.png").write_text("no image")
    result = build(raw, path, SMALL, RunSettings(workers=0))
    assert (result.clips, len(result.dropped)) == (2, 2)
    before, whole = read_files(path), hashlib.file_digest
    read: list[str] = []

    def counting(file: object, *names: str) -> object:
        read.append(Path(str(getattr(file, "name", ""))).name)
        return whole(file, *names)

    monkeypatch.setattr(hashlib, "file_digest", counting)
    result = build(raw, path, SMALL, RunSettings(workers=0))
    assert (result.reused, len(result.dropped)) == (4, 2)
    assert set(read) <= {"dropped.parquet"}
    # A new recording is read, and its shard is written; the others are not read.
    read.clear()
    make_distinct(write_numbered_video(raw / "s01/still/05.mp4", 4, picture=picture).path, "05")
    assert build(raw, path, SMALL, RunSettings(workers=0)).reused == 4
    assert "05.mp4" in read
    assert not {"01.mp4", "02.mp4", "03.mp4", "1.png"} & set(read)
    (raw / "s01/still/05.mp4").unlink()
    build(raw, path, SMALL, RunSettings(workers=0, prune=True))
    assert read_files(path) == before
    read.clear()
    build(raw, path, SMALL, RunSettings(workers=0, rehash=True))
    assert {"01.mp4", "02.mp4", "03.mp4", "1.png", "shard-00000.tar"} <= set(read)


@pytest.mark.usefixtures("cache")
def test_a_file_is_known_until_anything_of_it_changes(tmp_path: Path) -> None:
    """Other content is noticed where size and time were set back, too."""
    path, dataset = tmp_path / "a.mp4", tmp_path / "dataset"
    path.write_bytes(b"one")
    known = KnownFiles(dataset)
    assert known.digest(facts_of([path])) is None
    known.keep(facts_of([path]), sha256(path))
    known.save()
    assert KnownFiles(dataset).digest(facts_of([path])) == sha256(path)
    assert KnownFiles(tmp_path / "another").digest(facts_of([path])) is None
    assert KnownFiles(dataset, rehash=True).digest(facts_of([path])) is None
    at = path.stat()
    path.write_bytes(b"two")
    os.utime(path, ns=(at.st_atime_ns, at.st_mtime_ns))
    assert KnownFiles(dataset).digest(facts_of([path])) is None


def test_files_that_are_gone_leave_the_index_which_never_shows_a_digest(
    tmp_path: Path, cache: Path
) -> None:
    paths = [tmp_path / "a.mp4", tmp_path / "b.mp4"]
    known = KnownFiles(tmp_path / "dataset")
    for path in paths:
        path.write_bytes(path.name.encode())
        known.keep(facts_of([path]), sha256(path))
    known.save()
    [index] = (cache / "files").iterdir()
    data = index.read_bytes()
    assert len(data) == 96
    assert not any(bytes.fromhex(sha256(path))[:4] in data for path in paths)
    again = KnownFiles(tmp_path / "dataset")
    assert again.digest(facts_of(paths[:1]))
    again.save(all_seen=False)  # of a retry, which asks for a few
    assert len(index.read_bytes()) == 96
    again.save()
    assert len(index.read_bytes()) == 48
    index.write_bytes(b"damaged")
    assert KnownFiles(tmp_path / "dataset").digest(facts_of(paths[:1])) is None


@pytest.mark.usefixtures("cache")
def test_a_shard_is_read_once_and_then_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "shard.tar"
    path.write_bytes(b"pixels")
    facts, known = FileFacts.of(path), KnownFiles(tmp_path)
    assert known.holds(facts, path)

    def unread(self: FileFacts, path: Path) -> NoReturn:
        raise AssertionError(f"{path} is read again")

    monkeypatch.setattr(FileFacts, "hold_for", unread)
    assert known.holds(facts, path)
    assert not known.holds(FileFacts(6, "0" * 64), path)
    assert not known.holds(FileFacts(7, facts.sha256), path)
    assert not known.holds(facts, tmp_path / "missing.tar")


def test_without_a_cache_everything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FMDATA_CACHE", "/proc/nowhere")
    known = KnownFiles(tmp_path)
    known.keep("facts", "0" * 64)
    known.save()
    assert KnownFiles(tmp_path).digest("facts") is None
