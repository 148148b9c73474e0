"""Room on the disk: one recording is too large for it, or it is full."""

import errno
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from fmdata.catalog.errors import RecordingError
from fmdata.catalog.verify.dataset import verify
from fmdata.pipeline.build import build
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.pipeline.work.limits import room
from fmdata.pipeline.work.limits.room import MIN_ROOM, alone_in, require_room
from tests.helpers.videos import write_numbered_video

MEGABYTES = 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Yield an empty file system of a few megabytes."""
    path = tmp_path / "small"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "none", str(path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system may be mounted on this machine")
    yield path
    subprocess.run(["umount", str(path)], check=True)


@pytest.mark.slow
@pytest.mark.usefixtures("fixed_face", "no_second_pass")
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_recording_that_does_not_fit_on_the_disk_is_dropped_and_the_others_are_built(
    small_disk: Path, tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its index before it is decoded; without one, when it has filled the disk."""
    # Of two thousand numbers, some follow one another like two shots.
    monkeypatch.setattr("fmdata.pipeline.stages.within_one_shot", lambda frames: frames)
    raw = tmp_path / "raw"
    (raw / "s01/still").mkdir(parents=True)
    for take, n in (("01", 10), ("02", 2200), ("03", 10)):
        path = raw / f"s01/still/{take}{suffix}"
        write_numbered_video(path, n, picture=np.full((96, 160, 3), 100 + int(take), np.uint8))
    settings = BuildSettings(size=64)
    result = build(raw, small_disk / "dataset", settings, RunSettings(workers=0))
    [dropped] = result.dropped
    assert (dropped.take, dropped.reason) == ("02", "too_large")
    assert dropped.stage == ("decode" if suffix == ".mp4" else "encode")
    assert "--retry-dropped" in dropped.detail
    assert result.clips == 2
    assert verify(small_disk / "dataset") == []


@pytest.mark.slow
@pytest.mark.usefixtures("fixed_face", "no_second_pass")
def test_a_clip_that_fits_once_and_not_twice_is_dropped_and_the_others_are_built(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its unit fits, and so would end every build at the copying into a shard."""
    monkeypatch.setattr("fmdata.pipeline.stages.within_one_shot", lambda frames: frames)
    (tmp_path / "raw/s01/still").mkdir(parents=True)
    noise = np.random.default_rng(0).integers(0, 255, (96, 160, 3), dtype=np.uint8)
    for take, n in (("01", 10), ("02", 1100), ("03", 10)):
        write_numbered_video(tmp_path / f"raw/s01/still/{take}.mkv", n, picture=noise)
    settings = BuildSettings(lbp=False)
    result = build(tmp_path / "raw", small_disk / "dataset", settings, RunSettings(workers=0))
    assert [(one.take, one.reason) for one in result.dropped] == [("02", "too_large")]
    assert result.clips == 2
    assert verify(small_disk / "dataset") == []


@pytest.mark.parametrize(
    ("code", "own", "left", "finished", "too_large"),
    [
        (errno.ENOSPC, MIN_ROOM, 2, MIN_ROOM + 1, True),
        (errno.ENOSPC, MIN_ROOM, 2, MIN_ROOM + 2, False),  # the others do not fit twice
        (errno.ENOSPC, MIN_ROOM // 2, MIN_ROOM, 0, True),  # files without a name took the rest
        (errno.ENOSPC, MIN_ROOM, 10 * MIN_ROOM, 0, False),  # a disk without room for names
        (errno.ENOSPC, MIN_ROOM - 1, 0, 0, False),  # a disk that is full, whatever is built
        (errno.EDQUOT, MIN_ROOM, 2, 0, False),
        (errno.EROFS, MIN_ROOM, 2, 0, False),
    ],
)
def test_a_recording_is_too_large_when_the_others_fit_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    code: int, own: int, left: int, finished: int, too_large: bool,
) -> None:  # fmt: skip
    """Sparse files stand for its unit, and for the finished ones."""
    for name, size in (("own", own), ("others", finished)):
        (tmp_path / name).mkdir()
        with (tmp_path / name / "clip.avi").open("wb") as file:
            file.truncate(size)
    disk = SimpleNamespace(free=left)
    monkeypatch.setattr(room.shutil, "disk_usage", lambda _: disk)
    error = OSError(code, "no room")
    with (
        pytest.raises(RecordingError if too_large else OSError),
        alone_in(tmp_path, tmp_path / "own"),
    ):
        raise error


def test_the_room_for_a_clip_is_asked_for_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a frame 478 points and 112 x 112 texture: 18,280 bytes at least."""
    disk = SimpleNamespace(free=100_000_000)
    monkeypatch.setattr(room.shutil, "disk_usage", lambda _: disk)
    require_room(2_700, BuildSettings(), tmp_path)
    with pytest.raises(RecordingError, match="too_large"):
        require_room(2_800, BuildSettings(), tmp_path)
    require_room(2_800, BuildSettings(lbp=False), tmp_path)
    disk.free = MIN_ROOM // 2  # a disk that is full for all of them
    require_room(2_800, BuildSettings(), tmp_path)
