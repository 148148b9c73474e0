"""Recordings that are gone: a disk that is not mounted deletes no clip."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from fmdata.catalog import Dataset
from fmdata.catalog.errors import UsageError
from fmdata.pipeline.build import build
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.pipeline.work.limits.vanished import require_present
from tests.helpers.command import assert_refused, fmdata
from tests.helpers.folders import read_files
from tests.helpers.videos import make_distinct, write_numbered_video

SMALL = BuildSettings(size=64)
CLIPS = {f"{subject}-{n:02}": subject for subject in ("ann", "ben", "cleo") for n in range(12)}


@pytest.mark.slow
@pytest.mark.usefixtures("fixed_face")
def test_an_empty_mount_point_in_place_of_a_subject_deletes_nothing(tmp_path: Path) -> None:
    """The folder of a subject is there and empty; with --prune that is meant."""
    raw, path = tmp_path / "raw", tmp_path / "dataset"
    for subject in ("ann", "ben"):
        for take in ("01", "02"):
            (raw / subject / "still").mkdir(parents=True, exist_ok=True)
            picture = np.full((96, 160, 3), 128, np.uint8)
            video = raw / subject / "still" / f"{take}.mp4"
            make_distinct(write_numbered_video(video, 4, picture=picture).path, subject + take)
    build(raw, path, SMALL, RunSettings(workers=0))
    before = read_files(path)
    shutil.rmtree(raw / "ben")
    (raw / "ben").mkdir()
    run = fmdata("build", "--subjects", raw, "--out", path, "--size", "64", cwd=tmp_path)
    assert_refused(run, 2, "2 of 4 clips", "all of ben", "--prune")
    assert read_files(path) == before
    result = build(raw, path, SMALL, RunSettings(workers=0, prune=True))
    assert result.removed == 2
    assert Dataset(path).actions.keys == ["ann-still-01", "ann-still-02"]


@pytest.mark.slow
@pytest.mark.usefixtures("fixed_face")
def test_files_that_a_failed_copy_left_empty_cost_no_clip(tmp_path: Path) -> None:
    """As of files that cannot be read, the clips of the last build stand in for them."""
    raw, path = tmp_path / "raw", tmp_path / "dataset"
    videos = [raw / subject / "still/01.mp4" for subject in ("ann", "ben")]
    for video in videos:
        video.parent.mkdir(parents=True)
        picture = np.full((96, 160, 3), 128, np.uint8)
        make_distinct(write_numbered_video(video, 4, picture=picture).path, str(video))
    build(raw, path, SMALL, RunSettings(workers=0))
    before = read_files(path)
    videos[1].write_bytes(b"")
    result = build(raw, path, SMALL, RunSettings(workers=0))
    assert (result.clips, result.removed, result.unread) == (2, 0, ["ben-still-01"])
    assert read_files(path) == before
    result = build(raw, tmp_path / "fresh", SMALL, RunSettings(workers=0))
    assert [(one.stage, one.detail) for one in result.dropped] == [
        ("discover", "the file is empty")
    ]


def test_a_tenth_of_the_clips_may_vanish_but_no_whole_subject() -> None:
    out = Path("dataset")
    few = set(CLIPS) - {"ann-00", "ben-01", "cleo-02"}  # 3 of 36
    require_present(CLIPS, few, out, prune=False)
    with pytest.raises(UsageError, match=r"4 of 36 clips: ann-00, .*\n.*90%(.|\n)*--prune"):
        require_present(CLIPS, few - {"ann-03"}, out, prune=False)
    alone = CLIPS | {"dora-00": "dora"}
    with pytest.raises(UsageError, match="1 of 37 clips: all of dora"):
        require_present(alone, set(CLIPS), out, prune=False)
    require_present(alone, {"ann-00"}, out, prune=True)
    require_present({}, set(), out, prune=False)


def test_recordings_of_another_dataset_are_refused_with_prune_too() -> None:
    with pytest.raises(UsageError, match="36 clips, none of them from these recordings"):
        require_present(CLIPS, {"zoe-00"}, Path("dataset"), prune=True)
