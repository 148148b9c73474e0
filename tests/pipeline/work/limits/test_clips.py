"""`--max-pose-range` and `--max-frames`: another limit decodes no finished clip again."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from fmdata.catalog import Dataset
from fmdata.catalog.errors import UsageError
from fmdata.catalog.types import Recording
from fmdata.catalog.verify.dataset import verify
from fmdata.pipeline import stages
from fmdata.pipeline.build import Built, build
from fmdata.pipeline.reading.decode import Frame
from fmdata.pipeline.reading.length import listed_frames
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.pipeline.work.digest import Maker
from fmdata.pipeline.work.limits.clips import drop_beyond
from fmdata.pipeline.work.outcome import ReadyClip
from fmdata.synth.compounds import synth_compounds
from fmdata.synth.settings import CompoundSettings
from fmdata.synth.simulator.settings import SimulateSettings
from fmdata.synth.simulator.simulate import simulate
from tests.helpers.folders import assert_same_files, read_files
from tests.helpers.progress import BuildProgress, InterruptedBuild
from tests.helpers.videos import write_numbered_video

pytestmark = pytest.mark.slow

IN_PROCESS = RunSettings(workers=0)


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return four takes of one action, with strong head motion."""
    path = tmp_path_factory.mktemp("steady") / "raw"
    simulate(
        path,
        SimulateSettings(subjects=1, actions=1, takes=4, head="strong", size=256, lead=False),
    )
    return path


@pytest.fixture(scope="module")
def built(raw: Path) -> Path:
    """Return a dataset of all of them, with compounds. Read only."""
    path = raw.parent / "dataset"
    build(raw, path, BuildSettings(), IN_PROCESS)
    synth_compounds(path, CompoundSettings(k=2))
    return path


@pytest.fixture(scope="module")
def limits(built: Path) -> tuple[float, float]:
    """Return limits that keep one clip, and three, of the four."""
    ranges = sorted(clip.row["pose_range"] for clip in Dataset(built).actions)
    assert ranges[1] - ranges[0] > 0.2
    assert ranges[3] - ranges[2] > 0.2
    return (ranges[0] + ranges[1]) / 2, (ranges[2] + ranges[3]) / 2


def limited(raw: Path, path: Path, limit: float | None) -> tuple[Built, int]:
    """Build with a limit; return the result and the number of recordings processed."""
    progress, settings = BuildProgress(), BuildSettings(max_pose_range=limit)
    result = build(raw, path, settings, IN_PROCESS, progress=progress)
    return result, progress.processed


def test_another_limit_processes_only_the_clips_that_come_back(
    raw: Path, built: Path, limits: tuple[float, float], tmp_path: Path
) -> None:
    narrow, wide = limits
    path = tmp_path / "dataset"
    shutil.copytree(built, path)
    result, processed = limited(raw, path, wide)
    assert (result.clips, len(result.dropped), result.removed, processed) == (
        3,
        1,
        1,
        0,
    )
    result, processed = limited(raw, path, narrow)
    assert (result.clips, len(result.dropped), result.removed, processed) == (
        1,
        3,
        2,
        0,
    )
    assert result.card.recordings == 4
    assert [f.problem for f in verify(path)] == [
        "stale: the actions have changed since the compounds were made"
    ]
    # A fresh build with this limit has the same actions and the same dropped recordings.
    result, processed = limited(raw, tmp_path / "fresh", narrow)
    assert (result.clips, processed) == (1, 4)
    fresh, before = read_files(tmp_path / "fresh"), read_files(path)
    del fresh["fmdata.json"]
    assert {name: before[name] for name in fresh} == fresh
    # The same build again changes nothing.
    assert limited(raw, path, narrow)[1] == 0
    assert read_files(path) == before
    # With a wider limit two clips come back; the third, still too unsteady, is not processed.
    result, processed = limited(raw, path, wide)
    assert (result.clips, processed) == (3, 2)
    assert limited(raw, path, None)[1] == 1
    assert_same_files(path, built)  # so the compounds match the actions again


def test_unsteady_recordings_are_dropped_with_their_pose_range(
    raw: Path, built: Path, limits: tuple[float, float], tmp_path: Path
) -> None:
    path = tmp_path / "dataset"
    shutil.copytree(built, path)
    limited(raw, path, limits[1])
    (row,) = pq.read_table(path / "dropped.parquet").to_pylist()
    (clip,) = (c for c in Dataset(built).actions if c.row["pose_range"] > limits[1])
    assert (row["stage"], row["reason"], row["take"]) == ("landmarks", "unsteady", clip.take)
    assert (row["pose_range"], row["digest"]) == (clip.row["pose_range"], clip.row["digest"])
    assert f"{clip.row['pose_range']:.1f} degrees, wanted at most" in row["detail"]
    assert "--max-pose-range" in row["detail"]


def test_an_interrupted_build_is_resumed_with_another_limit(
    raw: Path, built: Path, tmp_path: Path
) -> None:
    path, none = tmp_path / "dataset", BuildSettings(max_pose_range=0)
    with pytest.raises(KeyboardInterrupt):
        build(raw, path, none, IN_PROCESS, progress=InterruptedBuild(after=3))
    result, processed = limited(raw, path, None)
    assert (result.clips, result.reused, processed) == (4, 3, 1)
    assert_same_files(path / "actions", built / "actions")


def test_the_limit_is_not_part_of_the_identity_of_a_recording() -> None:
    recording = Recording(Path("raw/a.mp4"), "a.mp4", "s01", "smile", "01")
    one, other = BuildSettings(), BuildSettings(max_pose_range=15.0, max_frames=9)
    identities = [Maker(made).identify(recording, "content", "") for made in (one, other)]
    assert identities[0] == identities[1]
    assert BuildSettings(**other.to_json()) == other != one


@pytest.mark.parametrize(
    ("pose_range", "limit", "kept"),
    [(20.0, None, True), (20.0, 20.0, True), (20.1, 20.0, False), (float("nan"), 20.0, False)],
)
def test_a_pose_range_at_the_limit_is_kept_and_an_unknown_one_is_not(
    pose_range: float, limit: float | None, kept: bool
) -> None:
    recording = Recording(Path("raw/a.mp4"), "a.mp4", "s01", "smile", "01")
    clip = ReadyClip(1, 1, pose_range, lambda: pytest.fail("it is not loaded"))
    settings = BuildSettings(max_pose_range=limit)
    assert (drop_beyond(recording, clip, settings) is None) == kept


def test_a_negative_limit_is_refused() -> None:
    with pytest.raises(UsageError, match="--max-pose-range -1"):
        BuildSettings(max_pose_range=-1)


@pytest.mark.usefixtures("fixed_face")
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_recording_of_too_many_frames_is_dropped_before_it_is_decoded(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the index of an mp4; an mkv has none, and is decoded up to the limit."""
    raw = tmp_path / "raw"
    (raw / "s01/still").mkdir(parents=True)
    for take, n in (("short", 10), ("long", 11)):
        write_numbered_video(raw / f"s01/still/{take}{suffix}", n)
    begun: list[str] = []
    whole = stages.decode

    def counting(recording: Recording, *options: Any) -> Iterator[Frame]:
        for frame in whole(recording, *options):
            begun.append(recording.take)
            yield frame

    monkeypatch.setattr(stages, "decode", counting)
    short = BuildSettings(size=64, max_frames=10)
    result = build(raw, tmp_path / "dataset", short, IN_PROCESS)
    assert [(d.take, d.stage, d.reason) for d in result.dropped] == [
        ("long", "decode", "too_large")
    ]
    assert "more than 10 frames" in result.dropped[0].detail
    assert "--max-frames" in result.dropped[0].detail
    assert ("long" in begun) == (suffix == ".mkv")
    # With a higher limit it is built, with the old one dropped again, and no clip is made anew.
    progress = BuildProgress()
    result = build(raw, tmp_path / "dataset", BuildSettings(size=64), IN_PROCESS, progress=progress)
    assert (result.clips, result.dropped, progress.processed) == (2, [], 1)
    begun.clear()
    build(raw, tmp_path / "dataset", short, IN_PROCESS)
    assert begun == []
    build(raw, tmp_path / "fresh", short, IN_PROCESS)
    assert_same_files(tmp_path / "dataset", tmp_path / "fresh")


def test_a_folder_of_images_is_counted_and_a_span_is_not(tmp_path: Path) -> None:
    for n in range(7):
        (tmp_path / f"{n}.png").touch()
    (tmp_path / "notes.txt").touch()
    recording = Recording(tmp_path, "a", "s01", "smile", "01")
    assert listed_frames(recording) == 7
    assert listed_frames(replace(recording, start_s=1.0)) == 0
