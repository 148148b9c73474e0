"""Errors of the machine during a build: a clear message, and at most the work in flight is lost.

Long tests, with a disk that is really full, are in bench/chaos.
"""

import errno
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

from fmdata.catalog import Dataset
from fmdata.catalog.errors import RecordingError, UsageError
from fmdata.catalog.storage.lock import WORK
from fmdata.catalog.storage.place import MARK
from fmdata.catalog.storage.work import Unit
from fmdata.catalog.types import Recording
from fmdata.pipeline import stages
from fmdata.pipeline.build import build
from fmdata.pipeline.cropping import encode
from fmdata.pipeline.engine.run import digest_all
from fmdata.pipeline.reading.decode import Frame
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.pipeline.work.digest import Identity
from fmdata.pipeline.work.job import Job
from fmdata.pipeline.work.outcome import done_before
from tests.helpers.command import fmdata
from tests.helpers.folders import assert_same_files

pytestmark = pytest.mark.slow

SMALL, IN_PROCESS = BuildSettings(size=64), RunSettings(workers=0)
FULL = OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_ends_the_run_and_drops_no_recording(
    raw: Path, reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full from the second recording's AVI on, which is tried again alone."""
    whole, written = encode.write_avi, iter(range(100))

    def full(*arguments: object, **options: object) -> int:
        if next(written) >= 1:
            raise FULL
        return whole(*arguments, **options)

    monkeypatch.setattr(encode, "write_avi", full)
    with pytest.raises(OSError, match="No space left"):
        build(raw, tmp_path / "dataset", SMALL, IN_PROCESS)
    left = [path.name for path in (tmp_path / "dataset" / WORK).iterdir() if path.name != MARK]
    assert [len(name) for name in left] == [64]  # the first recording's unit, and nothing temporary
    monkeypatch.undo()
    assert build(raw, tmp_path / "dataset", SMALL, IN_PROCESS).reused == 1
    assert_same_files(tmp_path / "dataset", reference)


def test_a_full_disk_while_the_shards_are_written_costs_no_unit(
    raw: Path, reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise FULL

    monkeypatch.setattr("fmdata.catalog.storage.tars.writer.TarWriter.add", full)
    with pytest.raises(OSError, match="No space left"):
        build(raw, tmp_path / "dataset", SMALL, IN_PROCESS)
    assert not (tmp_path / "dataset/fmdata.json").exists()
    monkeypatch.undo()
    assert build(raw, tmp_path / "dataset", SMALL, IN_PROCESS).reused == 3
    assert_same_files(tmp_path / "dataset", reference)


def test_damaged_units_are_made_again(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run ends before its shards; then the units of all clips and dropped recordings are damaged.

    Each table is empty, garbage or without a column, and the next run reuses none of the six units.
    A unit with truncated landmarks, pictures or LBP maps is not reused either.
    """

    def stops(*_: object) -> None:
        raise FULL

    def without_a_column(file: Path) -> None:
        if file.suffix == ".parquet":
            pq.write_table(pq.read_table(file).drop_columns(["reason"]), file)
        else:
            name = {"row.arrow": "turned", "frames.arrow": "pose"}[file.name]
            feather.write_feather(
                feather.read_table(file, memory_map=False).drop_columns([name]),
                file, compression="uncompressed",
            )  # fmt: skip

    shutil.copytree(raw, tmp_path / "raw")
    for take in ("04", "05", "06"):
        (tmp_path / f"raw/s01/still/{take}.mp4").write_text(f"no video {take}")
    path = tmp_path / "dataset"
    monkeypatch.setattr("fmdata.pipeline.build.publish", stops)
    with pytest.raises(OSError, match="No space left"):
        build(tmp_path / "raw", path, SMALL, IN_PROCESS)
    monkeypatch.undo()
    shutil.copytree(path, tmp_path / "damaged")
    clips = sorted((shutil.copytree(path, tmp_path / "cut") / WORK).glob("*/clip.avi"))
    for clip, name in zip(clips, ("landmarks.npy", "clip.avi", "lbp.npy"), strict=True):
        assert done_before(Unit(clip.parent)) is not None
        os.truncate(clip.parent / name, (clip.parent / name).stat().st_size // 2)
        assert done_before(Unit(clip.parent)) is None
    build(tmp_path / "raw", path, SMALL, IN_PROCESS)
    for name in ("row.arrow", "dropped.parquet"):
        empty, garbage, lacking = sorted((tmp_path / "damaged").rglob(name))
        empty.write_bytes(b"")
        garbage.write_bytes(np.random.default_rng(0).bytes(1000))
        without_a_column(lacking)
    result = build(tmp_path / "raw", tmp_path / "damaged", SMALL, IN_PROCESS)
    assert (result.reused, len(result.dropped), result.card.actions.samples) == (0, 3, 3)
    assert_same_files(tmp_path / "damaged", path)


def test_lbp_maps_use_the_disk_as_they_are_written(tmp_path: Path) -> None:
    """A full disk is then an OSError; a memory map of a sparse file would crash the process."""
    maps, n, grey = tmp_path / "a.npy", 40, np.full((64, 64, 3), 128, np.uint8)
    sizes = []

    def frames() -> Iterator[Frame]:
        for i in range(n):
            sizes.append(maps.stat().st_size)
            yield Frame(i, i / 25, grey)

    still = np.tile(np.array([[1, 0, 0], [0, 1, 0]], np.float32), (n, 1, 1))
    encode.encode(
        frames(), still, fps=25, size=64, jpeg_quality=95, avi=tmp_path / "a.avi", lbp_maps=maps
    )
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
def test_a_shortage_of_memory_or_handles_is_not_blamed_on_the_file(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, code: int, reason: str
) -> None:
    """The machine may have enough a moment later, and the next build retries what `failed`."""

    def short(*_: object, **__: object) -> None:
        of_ffmpeg = av.error.classes.get(code, av.error.OSError)
        raise (of_ffmpeg if where in ("opened", "decoded") else OSError)(code, "short")

    path = tmp_path / "images" if where == "image read" else raw / "s01/still/01.mp4"
    (tmp_path / "images").mkdir()
    (tmp_path / "images/1.png").touch()
    place = {
        "opened": "fmdata.pipeline.reading.container.opening.av.open",
        "decoded": "fmdata.pipeline.reading.video._ticks",
        "image read": "fmdata.pipeline.reading.images.Path.read_bytes",
        "hashed": "fmdata.pipeline.work.digest.hashlib.file_digest",
    }[where]
    monkeypatch.setattr(place, short)
    recording = Recording(path, "a", "s01", "still", "01")
    if where == "hashed":
        (job,) = digest_all([recording], SMALL)
        assert isinstance(job.identity, RecordingError)
        found = job.identity.reason
    else:
        monkeypatch.setattr(stages, "_landmarker", lambda *_: None)
        job = Job(recording, Identity("content", "digest"))
        outcome = stages.process(job, SMALL, tmp_path / "work")
        assert outcome.dropped is not None
        found = outcome.dropped.reason
    if where == "decoded":
        reason = "failed"  # as for every decoder error that is not in the data
    assert found == reason


def test_nothing_depends_on_the_clock(
    raw: Path, reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock jumps by years at every reading; the files' times are 1970, 2033 and 2096."""
    copy = tmp_path / "raw"
    shutil.copytree(raw, copy)
    for i, path in enumerate(sorted(copy.rglob("*.mp4"))):
        os.utime(path, (0, i * 2_000_000_000))
    jumps = np.random.default_rng(0)
    monkeypatch.setattr(time, "time", lambda: float(jumps.uniform(0, 4e9)))
    build(copy, tmp_path / "dataset", SMALL, IN_PROCESS)
    for path in copy.rglob("*.mp4"):
        os.utime(path, (1e9, 1e9))
    assert build(copy, tmp_path / "dataset", SMALL, IN_PROCESS).reused == 3
    assert_same_files(tmp_path / "dataset", reference)


def test_a_folder_that_cannot_be_written_is_a_clear_error(raw: Path, tmp_path: Path) -> None:
    """In /sys nobody may make a folder, not even root."""
    run = fmdata("build", "--subjects", raw, "--out", "/sys/dataset", cwd=tmp_path)
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
            build(raw, path, SMALL, IN_PROCESS)
        process.kill()
    build(raw, path, SMALL, IN_PROCESS)
    assert len(Dataset(path).actions) == 3
