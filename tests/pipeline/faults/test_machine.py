"""Faults of the machine under a build: told clearly, costing at most the work in flight.

The long ones, with a disk that is really full, are in bench/chaos.
"""

import errno
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

from fmdata.catalog import Dataset
from fmdata.catalog.errors import RecordingError, UsageError
from fmdata.catalog.storage.lock import WORK, writing
from fmdata.catalog.types import Recording
from fmdata.pipeline import stages as chain
from fmdata.pipeline.build import build
from fmdata.pipeline.cropping import encode
from fmdata.pipeline.engine.graph import identify_all
from fmdata.pipeline.reading.decode import Frame
from fmdata.pipeline.settings import BuildSettings
from fmdata.pipeline.work.digest import Identity
from fmdata.pipeline.work.unit import done_before, write_row

SMALL = BuildSettings(size=64)
FULL = OSError(errno.ENOSPC, "No space left on device")
Intact = Callable[[Path], None]
Files = Callable[[Path], dict[str, bytes]]


def test_a_disk_that_fills_ends_the_run_and_costs_no_recording_its_place(
    raw: Path, intact: Intact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second recording's AVI finds no room."""
    whole, written = encode.write_avi, iter(range(100))

    def fills(*arguments: object, **options: object) -> int:
        if next(written) == 1:
            raise FULL
        return whole(*arguments, **options)

    monkeypatch.setattr(encode, "write_avi", fills)
    with pytest.raises(OSError, match="No space left"):
        build(raw, tmp_path / "dataset", SMALL, workers=0)
    left = [path.name for path in (tmp_path / "dataset" / WORK).iterdir()]
    assert [len(name) for name in left] == [64]  # the first one's unit, and nothing temporary
    monkeypatch.undo()
    assert build(raw, tmp_path / "dataset", SMALL, workers=0).reused == 1
    intact(tmp_path / "dataset")


def test_a_disk_that_fills_while_the_shards_are_written(
    raw: Path, intact: Intact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fills(*_: object) -> None:
        raise FULL

    monkeypatch.setattr("fmdata.catalog.storage.shards._add", fills)
    with pytest.raises(OSError, match="No space left"):
        build(raw, tmp_path / "dataset", SMALL, workers=0)
    assert not (tmp_path / "dataset/fmdata.json").exists()
    monkeypatch.undo()
    assert build(raw, tmp_path / "dataset", SMALL, workers=0).reused == 3
    intact(tmp_path / "dataset")


def test_damaged_units_are_made_again(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: Files
) -> None:
    """A run ends before its shards; then every unit is damaged, of clips and of what was dropped.

    A table is empty, or garbage, or lacks a column. The run that goes on reads none of the six. Nor
    would it one whose landmarks, pictures or maps are cut.
    """

    def stops(*_: object) -> None:
        raise FULL

    def without_a_column(file: Path) -> None:
        if file.suffix == ".parquet":
            pq.write_table(pq.read_table(file).drop_columns(["reason"]), file)
        else:
            write_row(
                file.parent, feather.read_table(file, memory_map=False).drop_columns(["pose"])
            )

    shutil.copytree(raw, tmp_path / "raw")
    for take in ("04", "05", "06"):
        (tmp_path / f"raw/s01/still/{take}.mp4").write_text(f"no video {take}")
    path = tmp_path / "dataset"
    monkeypatch.setattr("fmdata.pipeline.build.publish", stops)
    with pytest.raises(OSError, match="No space left"):
        build(tmp_path / "raw", path, SMALL, workers=0)
    monkeypatch.undo()
    shutil.copytree(path, tmp_path / "damaged")
    clips = sorted((shutil.copytree(path, tmp_path / "cut") / WORK).glob("*/clip.avi"))
    for clip, name in zip(clips, ("landmarks.npy", "clip.avi", "lbp.npy"), strict=True):
        assert done_before(clip.parent) is not None
        os.truncate(clip.parent / name, (clip.parent / name).stat().st_size // 2)
        assert done_before(clip.parent) is None
    build(tmp_path / "raw", path, SMALL, workers=0)
    for name in ("row.arrow", "dropped.parquet"):
        empty, garbage, lacking = sorted((tmp_path / "damaged").rglob(name))
        empty.write_bytes(b"")
        garbage.write_bytes(np.random.default_rng(0).bytes(1000))
        without_a_column(lacking)
    result = build(tmp_path / "raw", tmp_path / "damaged", SMALL, workers=0)
    assert (result.reused, len(result.dropped), result.card.actions.samples) == (0, 3, 3)
    assert files(tmp_path / "damaged") == files(path)


def test_the_lbp_maps_take_room_as_they_are_written(tmp_path: Path) -> None:
    """A full disk is then an error; to a memory map of a file with holes it is a dead process."""
    maps, n, grey = tmp_path / "a.npy", 40, np.full((64, 64, 3), 128, np.uint8)
    sizes = []

    def frames() -> Iterator[Frame]:
        for i in range(n):
            sizes.append(maps.stat().st_size)
            yield Frame(i, i / 25, grey)

    still = np.tile(np.array([[1, 0, 0], [0, 1, 0]], np.float32), (n, 1, 1))
    encode.encode(frames(), still, fps=25, settings=SMALL, avi=tmp_path / "a.avi", lbp_maps=maps)
    assert sizes[0] < 64 * 64
    assert sizes == sorted(sizes)
    assert np.load(maps).shape == (n, 64, 64)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (errno.EMFILE, "failed"),
        (errno.ENFILE, "failed"),
        (errno.ENOMEM, "failed"),
        (errno.EACCES, "unreadable"),
    ],
)
@pytest.mark.parametrize("where", ["opened", "decoded", "image read", "hashed"])
def test_what_the_machine_was_short_of_is_not_blamed_on_the_file(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, code: int, reason: str
) -> None:
    """It has enough again a moment later. Only what `failed` is tried again by the next build."""

    def short(*_: object, **__: object) -> None:
        of_ffmpeg = av.error.classes.get(code, av.error.OSError)
        raise (of_ffmpeg if where in ("opened", "decoded") else OSError)(code, "short")

    path = tmp_path / "images" if where == "image read" else raw / "s01/still/01.mp4"
    (tmp_path / "images").mkdir()
    (tmp_path / "images/1.png").touch()
    place = {
        "opened": "fmdata.pipeline.reading.video.av.open",
        "decoded": "fmdata.pipeline.reading.video._ticks",
        "image read": "fmdata.pipeline.reading.images.Path.read_bytes",
        "hashed": "fmdata.pipeline.work.digest.hashlib.file_digest",
    }[where]
    monkeypatch.setattr(place, short)
    recording = Recording(path, "a", "s01", "still", "01")
    if where == "hashed":
        (told,) = identify_all([recording], SMALL)
        assert isinstance(told, RecordingError)
    else:
        monkeypatch.setattr(chain, "_landmarker", lambda *_: None)
        outcome = chain.process(recording, Identity("content", "digest"), SMALL, tmp_path / "work")
        assert outcome.dropped is not None
        told = outcome.dropped
    if where == "decoded":
        reason = "failed"  # as every error of the decoder that does not lie in the data
    assert told.reason == reason


def test_nothing_depends_on_the_clock(
    raw: Path, intact: Intact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock jumps by years at every look, and the recordings are of 1970 and of 2100."""
    copy = tmp_path / "raw"
    shutil.copytree(raw, copy)
    for i, path in enumerate(sorted(copy.rglob("*.mp4"))):
        os.utime(path, (0, i * 2_000_000_000))
    jumps = np.random.default_rng(0)
    monkeypatch.setattr(time, "time", lambda: float(jumps.uniform(0, 4e9)))
    build(copy, tmp_path / "dataset", SMALL, workers=0)
    for path in copy.rglob("*.mp4"):
        os.utime(path, (1e9, 1e9))
    assert build(copy, tmp_path / "dataset", SMALL, workers=0).reused == 3
    intact(tmp_path / "dataset")


def test_a_place_that_may_not_be_written_to_is_told_of(raw: Path) -> None:
    """In /sys nobody may make a folder, not even root."""
    command = [sys.executable, "-c", "from fmdata.cli import main; main()", "build"]
    command += ["--subjects", str(raw), "--out", "/sys/dataset"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert run.returncode == 1
    assert "/sys/dataset" in run.stderr
    assert "to do:" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_lock_ends_with_its_process(raw: Path, tmp_path: Path) -> None:
    path = tmp_path / "dataset"
    script = f"""
from pathlib import Path
from fmdata.catalog.storage.lock import writing
with writing(Path({str(path)!r})):
    Path({str(path / WORK)!r}).mkdir()
    print("held", flush=True)
    input()
"""
    command = [sys.executable, "-c", script]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(UsageError, match="another command is writing"):
            build(raw, path, SMALL, workers=0)
        process.kill()
    build(raw, path, SMALL, workers=0)
    assert len(Dataset(path).actions) == 3


def test_a_folder_that_its_last_holder_removed_is_made_and_held_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The holder comes to nothing, and removes the folder, while the next waits to hold it."""
    from fmdata.catalog.storage import lock

    path, whole = tmp_path / "dataset", lock._lock
    taken = iter(range(100))

    def late(folder: int, dataset: Path) -> None:
        if next(taken) == 0:
            dataset.rmdir()
        whole(folder, dataset)

    monkeypatch.setattr(lock, "_lock", late)
    with writing(path):
        assert path.is_dir()
        monkeypatch.undo()
        with pytest.raises(UsageError, match="another command is writing"), writing(path):
            pass
