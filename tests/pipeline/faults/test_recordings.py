"""Recordings that vanish, change or cannot be read during a build: no finished clip is lost."""

import errno
import hashlib
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from fmdata.catalog import Dataset
from fmdata.catalog.errors import InputError, RecordingError
from fmdata.catalog.storage.avi import write_avi
from fmdata.catalog.storage.lock import WORK
from fmdata.catalog.types import Recording
from fmdata.pipeline import stages
from fmdata.pipeline.build import build
from fmdata.pipeline.cropping import encode
from fmdata.pipeline.reading.decode import decode
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.pipeline.work import digest
from tests.helpers.folders import assert_same_files

pytestmark = pytest.mark.slow

SMALL, IN_PROCESS = BuildSettings(size=64), RunSettings(workers=0)
LINKED = RunSettings(workers=0, follow_links=True)


def test_a_recording_that_vanishes_is_dropped_until_it_is_back(
    raw: Path, reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is removed between discovery and decoding."""
    copy = tmp_path / "raw"
    shutil.copytree(raw, copy)
    gone, whole = copy / "s01/still/02.mp4", stages.decode

    def vanishes(recording: Recording, *options: object) -> object:
        gone.unlink(missing_ok=True)
        return whole(recording, *options)

    monkeypatch.setattr(stages, "decode", vanishes)
    result = build(copy, tmp_path / "dataset", SMALL, IN_PROCESS)
    monkeypatch.undo()
    assert [(d.take, d.reason) for d in result.dropped] == [("02", "failed")]
    assert "it became unreadable during the build: No such file" in result.dropped[0].detail
    shutil.copy(raw / "s01/still/02.mp4", gone)
    build(copy, tmp_path / "dataset", SMALL, IN_PROCESS)
    assert_same_files(tmp_path / "dataset", reference)


def test_a_read_error_drops_one_recording_until_it_can_be_read(
    raw: Path, reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every recording is read whole before it is decoded, so a bad sector cuts no clip short."""
    whole, read = hashlib.file_digest, iter(range(100))

    def fails(file: object, *arguments: str) -> object:
        if str(getattr(file, "name", "")).endswith("03.mp4") and next(read) == 0:
            raise OSError(errno.EIO, "Input/output error")
        return whole(file, *arguments)

    monkeypatch.setattr(hashlib, "file_digest", fails)
    result = build(raw, tmp_path / "dataset", SMALL, IN_PROCESS)
    assert [(d.take, d.detail) for d in result.dropped] == [("03", "Input/output error")]
    build(raw, tmp_path / "dataset", SMALL, IN_PROCESS)
    assert_same_files(tmp_path / "dataset", reference)


def test_a_missing_disk_costs_no_finished_clip(raw: Path, reference: Path, tmp_path: Path) -> None:
    """The recordings are links into a store; first one file is missing, then the whole store."""
    copy, store, path = tmp_path / "raw", tmp_path / "store", tmp_path / "dataset"
    shutil.copytree(raw, store)
    (copy / "s01/still").mkdir(parents=True)
    for take in ("01", "02", "03"):
        (copy / f"s01/still/{take}.mp4").symlink_to(store / f"s01/still/{take}.mp4")
    build(copy, path, SMALL, LINKED)
    assert_same_files(path, reference)
    (store / "s01/still/02.mp4").rename(tmp_path / "02.mp4")
    result = build(copy, path, SMALL, LINKED)
    assert (result.dropped, result.unread) == ([], ["s01-still-02"])
    assert_same_files(path, reference)
    store.rename(tmp_path / "away")
    result = build(copy, path, SMALL, LINKED)
    assert result.unread == [f"s01-still-{take}" for take in ("01", "02", "03")]
    assert_same_files(path, reference)


@pytest.mark.parametrize("code", [errno.EIO, errno.EMFILE])
def test_a_read_error_costs_no_finished_clip(
    raw: Path, reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    build(raw, tmp_path / "dataset", SMALL, IN_PROCESS)
    whole = hashlib.file_digest

    def fails(file: object, *arguments: str) -> object:
        if str(getattr(file, "name", "")).endswith(".mp4"):
            raise OSError(code, os.strerror(code))
        return whole(file, *arguments)

    monkeypatch.setattr(hashlib, "file_digest", fails)
    again = RunSettings(workers=0, rehash=True)
    result = build(raw, tmp_path / "dataset", SMALL, again)
    assert len(result.unread) == 3
    assert_same_files(tmp_path / "dataset", reference)


def test_an_error_in_every_recording_leaves_a_finished_dataset_as_it_is(
    raw: Path, reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With another version of the stages, everything is processed again, and the network fails."""

    def broken(*arguments: object) -> None:
        raise RuntimeError("out of order")

    build(raw, tmp_path / "dataset", SMALL, IN_PROCESS)
    monkeypatch.setattr(digest, "STAGES_VERSION", -1)
    monkeypatch.setattr(stages, "follow", broken)
    with pytest.raises(InputError) as caught:
        build(raw, tmp_path / "dataset", SMALL, IN_PROCESS)
    assert "RuntimeError: out of order" in str(caught.value)
    shutil.rmtree(tmp_path / "dataset" / WORK)
    assert_same_files(tmp_path / "dataset", reference)


def test_a_file_that_changes_during_the_build_is_retried(
    raw: Path, reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another video replaces the file before it is decoded; then the first one is back."""
    copy = tmp_path / "raw"
    shutil.copytree(raw, copy)
    video, whole = copy / "s01/still/02.mp4", stages.decode

    def swapped(recording: Recording, *options: object) -> object:
        if recording.path == video:
            shutil.copy(raw / "s01/still/03.mp4", video)
        return whole(recording, *options)

    monkeypatch.setattr(stages, "decode", swapped)
    result = build(copy, tmp_path / "dataset", SMALL, IN_PROCESS)
    monkeypatch.undo()
    [dropped] = result.dropped
    assert (dropped.take, dropped.reason) == ("02", "failed")
    assert dropped.detail == "it changed during the build"
    shutil.copy(raw / "s01/still/02.mp4", video)
    build(copy, tmp_path / "dataset", SMALL, IN_PROCESS)
    assert_same_files(tmp_path / "dataset", reference)


def test_a_recording_whose_image_vanishes_is_dropped_until_it_is_back(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "raw/s01/still/01"
    folder.mkdir(parents=True)
    for frame in decode(Recording(raw / "s01/still/01.mp4", "a", "s01", "still", "01")):
        cv2.imwrite(str(folder / f"{frame.index}.png"), frame.rgb[..., ::-1])
    image, whole = folder / "3.png", stages.decode

    def vanishes(recording: Recording, *options: object) -> object:
        if image.exists():
            image.rename(tmp_path / "3.png")
        return whole(recording, *options)

    monkeypatch.setattr(stages, "decode", vanishes)
    result = build(tmp_path / "raw", tmp_path / "dataset", SMALL, IN_PROCESS)
    monkeypatch.undo()
    assert [d.reason for d in result.dropped] == ["failed"]
    (tmp_path / "3.png").rename(image)
    assert (
        build(tmp_path / "raw", tmp_path / "dataset", SMALL, IN_PROCESS).card.actions.samples == 1
    )


def test_attempts_at_an_unreadable_file_are_counted(tmp_path: Path) -> None:
    """A pipe that nobody writes to; later there is a second one."""
    folder, path = tmp_path / "raw/s01/still", tmp_path / "dataset"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "01.mp4")
    for attempts, retry in ((1, False), (2, False), (3, True)):
        result = build(tmp_path / "raw", path, SMALL, RunSettings(workers=0, retry_dropped=retry))
        assert [(d.take, d.attempts) for d in result.dropped] == [("01", attempts)]
    os.mkfifo(folder / "02.mp4")
    result = build(tmp_path / "raw", path, SMALL, IN_PROCESS)
    assert [(d.take, d.attempts) for d in result.dropped] == [("01", 4), ("02", 1)]


def test_only_a_changed_recording_is_made_again(raw: Path, tmp_path: Path) -> None:
    """One byte differs that no frame shows; name, size and time stay the same."""
    copy, path = tmp_path / "raw", tmp_path / "dataset"
    shutil.copytree(raw, copy)
    build(copy, path, SMALL, IN_PROCESS)
    before = {clip.key: clip.row["source_sha256"] for clip in Dataset(path).actions}
    video = copy / "s01/still/02.mp4"
    data, times = bytearray(video.read_bytes()), video.stat()
    data[data.rindex(b"Lavf")] ^= 1  # the name of the program that wrote it
    video.write_bytes(data)
    os.utime(video, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert build(copy, path, SMALL, IN_PROCESS).reused == 2
    after = {clip.key: clip.row["source_sha256"] for clip in Dataset(path).actions}
    assert [key for key in after if after[key] != before[key]] == ["s01-still-02"]


def test_a_damaged_jpeg_of_a_motion_jpeg_video_is_not_a_frame(tmp_path: Path) -> None:
    """The sixth JPEG ends half-way; a decoder would show grey for the missing half."""
    noise = np.random.default_rng(0).integers(0, 255, (12, 64, 64, 3), np.uint8)
    jpegs = [encode.encode_jpeg(picture, 90) for picture in noise]
    path = tmp_path / "01.avi"
    write_avi(path, jpegs, fps=25, size=64)
    recording = Recording(path, "01.avi", "s01", "still", "01")
    assert len(list(decode(recording))) == 12
    data, length = path.read_bytes(), len(jpegs[5]) // 2
    at = data.index(jpegs[5]) + length
    path.write_bytes(data[:at] + b"\xff" * length + data[at + length :])
    with pytest.raises(RecordingError, match="truncated"):
        list(decode(recording))
