"""Recordings that cannot be read, vanish or change under a build: no finished clip is lost."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from fmdata.catalog import Dataset
from fmdata.catalog.errors import InputError, RecordingError
from fmdata.catalog.storage.avi import write_avi
from fmdata.catalog.storage.lock import WORK
from fmdata.catalog.types import Recording
from fmdata.pipeline import stages as chain
from fmdata.pipeline.build import build
from fmdata.pipeline.cropping import encode
from fmdata.pipeline.reading.decode import decode
from fmdata.pipeline.settings import BuildSettings
from fmdata.pipeline.work import digest as identify

SMALL = BuildSettings(size=64)
Intact = Callable[[Path], None]


def test_a_recording_that_vanishes_is_dropped_and_comes_back(
    raw: Path, intact: Intact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Removed between its discovery and its decoding."""
    copy = tmp_path / "raw"
    shutil.copytree(raw, copy)
    gone, whole = copy / "s01/still/02.mp4", chain.decode

    def vanishes(recording: object) -> object:
        gone.unlink(missing_ok=True)
        return whole(recording)

    monkeypatch.setattr(chain, "decode", vanishes)
    result = build(copy, tmp_path / "dataset", SMALL, workers=0)
    monkeypatch.undo()
    assert [(d.take, d.reason) for d in result.dropped] == [("02", "failed")]
    assert "could be read no longer: No such file" in result.dropped[0].detail
    shutil.copy(raw / "s01/still/02.mp4", gone)
    build(copy, tmp_path / "dataset", SMALL, workers=0)
    intact(tmp_path / "dataset")


def test_a_read_error_half_way_costs_one_recording_until_it_can_be_read(
    raw: Path, intact: Intact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every recording is read whole before it is decoded, so a bad sector never cuts a clip."""
    import hashlib

    whole, read = hashlib.file_digest, iter(range(100))

    def fails(file: object, *arguments: str) -> object:
        if str(getattr(file, "name", "")).endswith("03.mp4") and next(read) == 0:
            raise OSError(errno.EIO, "Input/output error")
        return whole(file, *arguments)

    monkeypatch.setattr(hashlib, "file_digest", fails)
    result = build(raw, tmp_path / "dataset", SMALL, workers=0)
    assert [(d.take, d.detail) for d in result.dropped] == [("03", "Input/output error")]
    build(raw, tmp_path / "dataset", SMALL, workers=0)
    intact(tmp_path / "dataset")


def test_a_disk_that_is_away_costs_nothing_that_is_done(
    raw: Path, intact: Intact, tmp_path: Path
) -> None:
    """The recordings are links into a store; first one file of it is away, then all of them."""
    copy, store, path = tmp_path / "raw", tmp_path / "store", tmp_path / "dataset"
    shutil.copytree(raw, store)
    (copy / "s01/still").mkdir(parents=True)
    for take in ("01", "02", "03"):
        (copy / f"s01/still/{take}.mp4").symlink_to(store / f"s01/still/{take}.mp4")
    build(copy, path, SMALL, workers=0, follow_links=True)
    intact(path)
    (store / "s01/still/02.mp4").rename(tmp_path / "02.mp4")
    result = build(copy, path, SMALL, workers=0, follow_links=True)
    assert (result.dropped, result.unread) == ([], ["s01-still-02"])
    intact(path)
    store.rename(tmp_path / "away")
    result = build(copy, path, SMALL, workers=0, follow_links=True)
    assert result.unread == [f"s01-still-{take}" for take in ("01", "02", "03")]
    intact(path)


@pytest.mark.parametrize("code", [errno.EIO, errno.EMFILE])
def test_a_read_error_costs_no_clip_that_is_done(
    raw: Path, intact: Intact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    import hashlib

    build(raw, tmp_path / "dataset", SMALL, workers=0)
    whole = hashlib.file_digest

    def fails(file: object, *arguments: str) -> object:
        if str(getattr(file, "name", "")).endswith(".mp4"):
            raise OSError(code, os.strerror(code))
        return whole(file, *arguments)

    monkeypatch.setattr(hashlib, "file_digest", fails)
    result = build(raw, tmp_path / "dataset", SMALL, workers=0)
    assert len(result.unread) == 3
    intact(tmp_path / "dataset")


def test_what_fails_everywhere_leaves_a_finished_dataset_as_it_is(
    raw: Path, intact: Intact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New stages, so that everything is to be made again, and a network that falls over."""

    def falls_over(*arguments: object) -> None:
        raise RuntimeError("out of order")

    build(raw, tmp_path / "dataset", SMALL, workers=0)
    monkeypatch.setattr(identify, "STAGES_VERSION", -1)
    monkeypatch.setattr(chain, "follow", falls_over)
    with pytest.raises(InputError) as fault:
        build(raw, tmp_path / "dataset", SMALL, workers=0)
    assert "RuntimeError: out of order" in str(fault.value)
    shutil.rmtree(tmp_path / "dataset" / WORK)
    intact(tmp_path / "dataset")


def test_a_file_that_changes_at_work_is_tried_again(
    raw: Path, intact: Intact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another video stands in its place while it is decoded; then the first one is back."""
    copy = tmp_path / "raw"
    shutil.copytree(raw, copy)
    video, whole = copy / "s01/still/02.mp4", chain.decode

    def swapped(recording: Recording) -> object:
        if recording.path == video:
            shutil.copy(raw / "s01/still/03.mp4", video)
        return whole(recording)

    monkeypatch.setattr(chain, "decode", swapped)
    result = build(copy, tmp_path / "dataset", SMALL, workers=0)
    monkeypatch.undo()
    [left_out] = result.dropped
    assert (left_out.take, left_out.reason) == ("02", "failed")
    assert left_out.detail == "it changed at work"
    shutil.copy(raw / "s01/still/02.mp4", video)
    build(copy, tmp_path / "dataset", SMALL, workers=0)
    intact(tmp_path / "dataset")


def test_an_image_that_vanishes_at_work_comes_back(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "raw/s01/still/01"
    folder.mkdir(parents=True)
    for frame in decode(Recording(raw / "s01/still/01.mp4", "a", "s01", "still", "01")):
        cv2.imwrite(str(folder / f"{frame.index}.png"), frame.rgb[..., ::-1])
    image, whole = folder / "3.png", chain.decode

    def vanishes(recording: Recording) -> object:
        if image.exists():
            image.rename(tmp_path / "3.png")
        return whole(recording)

    monkeypatch.setattr(chain, "decode", vanishes)
    result = build(tmp_path / "raw", tmp_path / "dataset", SMALL, workers=0)
    monkeypatch.undo()
    assert [d.reason for d in result.dropped] == ["failed"]
    (tmp_path / "3.png").rename(image)
    assert build(tmp_path / "raw", tmp_path / "dataset", SMALL, workers=0).card.actions.samples == 1


def test_attempts_at_what_cannot_be_read_are_counted_too(tmp_path: Path) -> None:
    """A pipe that nobody writes to; later another stands beside it."""
    folder, path = tmp_path / "raw/s01/still", tmp_path / "dataset"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "01.mp4")
    for attempts, retry in ((1, False), (2, False), (3, True)):
        result = build(tmp_path / "raw", path, SMALL, workers=0, retry_dropped=retry)
        assert [(d.take, d.attempts) for d in result.dropped] == [("01", attempts)]
    os.mkfifo(folder / "02.mp4")
    result = build(tmp_path / "raw", path, SMALL, workers=0)
    assert [(d.take, d.attempts) for d in result.dropped] == [("01", 4), ("02", 1)]


def test_a_recording_that_has_changed_is_made_again_and_it_alone(raw: Path, tmp_path: Path) -> None:
    """The same name, size and time; one byte of its content is another, where no frame shows it."""
    copy, path = tmp_path / "raw", tmp_path / "dataset"
    shutil.copytree(raw, copy)
    build(copy, path, SMALL, workers=0)
    before = {clip.key: clip.row["source_sha256"] for clip in Dataset(path).actions}
    video = copy / "s01/still/02.mp4"
    data, times = bytearray(video.read_bytes()), video.stat()
    data[data.rindex(b"Lavf")] ^= 1  # the name of the program that wrote it
    video.write_bytes(data)
    os.utime(video, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert build(copy, path, SMALL, workers=0).reused == 2
    after = {clip.key: clip.row["source_sha256"] for clip in Dataset(path).actions}
    assert [key for key in after if after[key] != before[key]] == ["s01-still-02"]


def test_a_damaged_picture_of_a_motion_jpeg_video_is_not_a_frame(tmp_path: Path) -> None:
    """The sixth picture breaks off half-way; a decoder would show grey in the place of the rest."""
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
