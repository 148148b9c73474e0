"""Whole builds: the same bytes every time, one bad file drops one recording, frames stay true."""

import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from fmdata.catalog import Dataset
from fmdata.catalog.errors import DatasetError, UsageError
from fmdata.catalog.keys import fold
from fmdata.catalog.verify.dataset import verify
from fmdata.pipeline import stages
from fmdata.pipeline.build import build
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.pipeline.spotting.spot import Spotting
from fmdata.synth.compounds import synth_compounds
from fmdata.synth.settings import CompoundSettings
from tests.helpers.encoded import write_video
from tests.helpers.folders import assert_same_files, read_files
from tests.helpers.progress import BuildProgress, InterruptedBuild
from tests.helpers.videos import make_distinct, write_numbered_video

pytestmark = pytest.mark.slow

IN_PROCESS = RunSettings(workers=0)


@pytest.fixture(scope="module")
def few(raw_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two subjects, two actions, two takes."""
    raw = tmp_path_factory.mktemp("few") / "raw"
    for subject in ("s01", "s02"):
        for action in ("smile", "jaw_drop"):
            for take in ("01", "02"):
                target = raw / subject / action / f"{take}.mp4"
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(raw_path / subject / action / f"{take}.mp4", target)
    return raw


@pytest.fixture(scope="module")
def built(few: Path) -> Path:
    """Dataset of `few`, built in this process, with compounds. Read only."""
    path = few.parent / "dataset"
    build(few, path, BuildSettings(), IN_PROCESS)
    synth_compounds(path, CompoundSettings(k=2))
    return path


@pytest.mark.parametrize("workers", [1, 2])
def test_one_worker_and_two_give_the_same_bytes(
    few: Path, built: Path, tmp_path: Path, workers: int
) -> None:
    again = tmp_path / "elsewhere"
    build(few, again, BuildSettings(), RunSettings(workers=workers))
    synth_compounds(again, CompoundSettings(k=2))
    assert_same_files(again, built)


def test_finished_work_is_reused(few: Path, built: Path) -> None:
    before = read_files(built)
    reading: list[int] = []

    class Progress(BuildProgress):
        def step(self, n: int = 1) -> None:
            super().step(n)
            reading.append(self.done)

    progress = Progress()
    result = build(few, built, BuildSettings(), IN_PROCESS, progress=progress)
    assert progress.phases == [("build", 8, "recordings")] * 2
    assert reading == list(range(1, 8))
    assert (progress.reused, progress.processed) == (8, 0)
    assert (result.reused, result.frames) == (8, 0)
    assert read_files(built) == before


def test_only_new_recordings_are_processed(few: Path, built: Path, tmp_path: Path) -> None:
    raw, path = tmp_path / "raw", tmp_path / "dataset"
    shutil.copytree(few, raw)
    shutil.copytree(built, path)
    shutil.copy(raw / "s01/smile/01.mp4", raw / "s01/smile/03.mp4")  # new
    make_distinct(raw / "s01/smile/03.mp4", "03")
    (raw / "s02/smile/02.mp4").unlink()  # missing
    progress = BuildProgress()
    how = RunSettings(workers=0, prune=True)
    build(raw, path, BuildSettings(), how, progress=progress)
    assert (progress.reused, progress.processed) == (7, 1)
    # A fresh build of the same input has the same actions.
    build(raw, tmp_path / "fresh", BuildSettings(), IN_PROCESS)
    assert_same_files(path / "actions", tmp_path / "fresh/actions")
    # The compounds are those of other actions, and are reported as stale.
    assert Dataset(path).card.stale
    assert [f.problem for f in verify(path)] == [
        "stale: the actions have changed since the compounds were made"
    ]
    synth_compounds(path, CompoundSettings(k=2))
    assert verify(path) == []


def test_unchanged_shards_are_not_rewritten(few: Path, built: Path, tmp_path: Path) -> None:
    """A new subject has a fold of its own: the shards of the others are the same files."""
    raw, path = tmp_path / "raw", tmp_path / "dataset"
    shutil.copytree(few, raw)
    shutil.copytree(built, path)
    taken = {fold(subject, 0) for subject in ("s01", "s02")}
    new = next(name for name in (f"n{i}" for i in range(99)) if fold(name, 0) not in taken)
    (raw / new / "smile").mkdir(parents=True)
    shutil.copy(raw / "s01/smile/01.mp4", raw / new / "smile")
    make_distinct(raw / new / "smile/01.mp4", new)
    inodes = {file.stat().st_ino for file in (path / "actions").iterdir()}
    build(raw, path, BuildSettings(), IN_PROCESS)
    after = [file.stat().st_ino for file in (path / "actions").iterdir()]
    assert inodes < set(after)
    assert len(after) == len(inodes) + 3
    build(raw, tmp_path / "fresh", BuildSettings(), IN_PROCESS)
    assert_same_files(path / "actions", tmp_path / "fresh/actions")


def test_an_interrupted_build_is_resumed(
    few: Path, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "dataset"
    with pytest.raises(KeyboardInterrupt):
        build(few, path, BuildSettings(), IN_PROCESS, progress=InterruptedBuild(after=3))
    assert not (path / "fmdata.json").exists()
    made, make = [], stages._make

    def counting(*arguments: Any) -> None:
        made.append(arguments)
        make(*arguments)

    monkeypatch.setattr(stages, "_make", counting)
    build(few, path, BuildSettings(), IN_PROCESS)
    assert len(made) == 5
    assert_same_files(path / "actions", built / "actions")
    assert {p.name for p in path.iterdir()} == {"actions", "dropped.parquet", "fmdata.json"}


def test_a_bad_file_drops_one_recording(few: Path, built: Path, tmp_path: Path) -> None:
    raw, path = tmp_path / "raw", tmp_path / "dataset"
    shutil.copytree(few, raw)
    whole = (raw / "s01/smile/01.mp4").read_bytes()
    (raw / "s01/smile/text.mp4").write_text("this is a text file\n")
    (raw / "s01/smile/cut.mp4").write_bytes(whole[: len(whole) // 2])
    write_numbered_video(raw / "s02/smile/nobody.mp4", 10)
    result = build(raw, path, BuildSettings(), RunSettings(workers=2))
    assert result.card.recordings == 11 == result.card.actions.samples + len(result.dropped)
    dropped = {d["take"]: d for d in pq.read_table(path / "dropped.parquet").to_pylist()}
    reasons = {take: (d["stage"], d["reason"]) for take, d in dropped.items()}
    assert reasons == {
        "text": ("decode", "unreadable"),
        "cut": ("decode", "unreadable"),  # the index at the end of an mp4 is missing
        "nobody": ("landmarks", "no_face"),
    }
    assert dropped["nobody"]["detail"] == "no face in any of 10 frames"
    assert verify(path) == []
    # The bad files change no bit of the clips of the good ones.
    one, other = Dataset(path), Dataset(built)
    assert one.actions.keys == other.actions.keys
    for clip in one.actions:
        assert clip.avi() == other.actions[clip.key].avi()
        assert clip.facts().equals(other.actions[clip.key].facts())
        assert clip.frames_table().equals(other.actions[clip.key].frames_table())


def test_a_long_gap_in_detection_drops_a_recording_and_a_short_one_is_filled(
    tmp_path: Path, portrait: np.ndarray
) -> None:
    """Of 40 frames the middle 2, or 12, are grey."""

    def picture(n: int, gap: int) -> np.ndarray:
        return np.full_like(portrait, 128) if 20 <= n < 20 + gap else portrait

    for take, gap in (("short", 2), ("long", 12)):
        target = tmp_path / "raw/s01/still" / f"{take}.mp4"
        target.parent.mkdir(parents=True, exist_ok=True)
        write_video(target, [picture(n, gap) for n in range(40)])
    result = build(tmp_path / "raw", tmp_path / "dataset", BuildSettings(), IN_PROCESS)
    assert [(d.take, d.reason) for d in result.dropped] == [("long", "face_lost")]
    assert "a face in 28 of 40 frames (70%)" in result.dropped[0].detail
    clip = Dataset(tmp_path / "dataset").actions["s01-still-short"]
    detected = clip.column("detected")
    assert clip.n_frames == 40
    assert list(np.flatnonzero(~detected)) == [20, 21]
    # The gap is interpolated: no point jumps by more than the detector's jitter.
    steps = np.abs(np.diff(clip.landmarks, axis=0)).max()
    assert steps < 3
    assert clip.motion is None  # nobody moved


def test_a_library_error_drops_a_recording_and_the_next_build_retries_it(
    few: Path, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spotting raises on every recording of s02, and works in the next build."""
    whole, calls = stages.spot, iter(range(100))

    def broken(*arguments: Any) -> Spotting:
        if next(calls) >= 4:
            raise RuntimeError("out of order")
        return whole(*arguments)

    path = tmp_path / "dataset"
    monkeypatch.setattr(stages, "spot", broken)
    result = build(few, path, BuildSettings(), IN_PROCESS)
    assert {(d.subject, d.stage, d.reason, d.detail) for d in result.dropped} == {
        ("s02", "spot", "failed", "RuntimeError: out of order")
    }
    monkeypatch.setattr(stages, "spot", whole)
    assert build(few, path, BuildSettings(), IN_PROCESS).reused == 4
    assert_same_files(path / "actions", built / "actions")


def test_other_settings_are_refused_and_the_dataset_stays(few: Path, built: Path) -> None:
    before = read_files(built)
    with pytest.raises(UsageError, match=r"made with size = 112(.|\n)*wanted: size = 96"):
        build(few, built, BuildSettings(size=96), IN_PROCESS)
    assert read_files(built) == before


def test_a_folder_of_other_files_is_refused(few: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("three years")
    with pytest.raises(UsageError, match="not a dataset"):
        build(few, tmp_path, BuildSettings(), IN_PROCESS)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


RATES = {
    "constant": {"fps": 25},
    "variable": {"times_s": np.cumsum([0, *np.tile([0.02, 0.05, 0.03, 0.08], 10)])[:40]},
    "rotated": {"fps": 30, "turn": 90},
    "b-frames": {"fps": 30, "b_frames": 3},
}


@pytest.mark.parametrize("kind", RATES)
def test_frame_n_of_the_clip_shows_n(kind: str, tmp_path: Path, portrait: np.ndarray) -> None:
    """The number is under the chin, inside the crop, and is read from the clip's JPEGs."""
    (tmp_path / "raw/s01/numbers").mkdir(parents=True)
    options = RATES[kind] | {"picture": portrait, "box": (180, 370, 192, 32)}
    video = write_numbered_video(tmp_path / "raw/s01/numbers/01.mp4", 40, **options)
    build(tmp_path / "raw", tmp_path / "dataset", BuildSettings(size=224), IN_PROCESS)
    clip = Dataset(tmp_path / "dataset").actions["s01-numbers-01"]
    height, width = portrait.shape[:2]
    shown = [
        video.number(cv2.warpAffine(pixels, matrix, (width, height), flags=cv2.WARP_INVERSE_MAP))
        for pixels, matrix in zip(clip.frames(), clip.transform, strict=True)
    ]
    assert shown == list(range(40))
    assert clip.timestamps == pytest.approx(video.times_s, abs=1e-3)


def test_another_seed_of_the_folds_does_not_reuse_rows_of_the_first(
    few: Path, tmp_path: Path
) -> None:
    path = tmp_path / "dataset"
    with pytest.raises(KeyboardInterrupt):
        build(few, path, BuildSettings(), IN_PROCESS, progress=InterruptedBuild(after=1))
    build(few, path, BuildSettings(seed=7), IN_PROCESS)
    assert verify(path) == []


@pytest.mark.parametrize("step", range(10))
def test_a_build_that_fails_during_its_commit_is_finished_by_the_next(
    few: Path, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Each rename of the commit fails in turn; the next build gives the same bytes."""
    raw, path = tmp_path / "raw", tmp_path / "dataset"
    how = RunSettings(workers=0, prune=True)
    shutil.copytree(few, raw)
    shutil.copytree(built, path)
    (raw / "s02/smile/02.mp4").unlink()
    whole, renamed = Path.replace, iter(range(100))

    def fails(self: Path, target: Path) -> Path:
        # The shards' own files are renamed before; the count begins at the staged card.
        is_staged = "new/fmdata.json" in str(target)
        if is_staged or (begun and self.is_relative_to(path)):
            begun.append(True)
            if next(renamed) == step:
                raise OSError(5, "the machine went down", str(self))
        return whole(self, target)

    begun: list[bool] = []
    monkeypatch.setattr(Path, "replace", fails)
    if step < 9:  # staged card, three files of two shards, dropped.parquet, card
        with pytest.raises(OSError, match="went down"):
            build(raw, path, BuildSettings(), how)
    else:
        build(raw, path, BuildSettings(), how)
    monkeypatch.undo()
    result = build(raw, path, BuildSettings(), how)
    assert result.card.actions.samples == 7
    assert [f.problem for f in verify(path)] == [
        "stale: the actions have changed since the compounds were made"
    ]
    assert not (path / ".work").exists()


def test_damaged_shards_are_rebuilt_and_never_copied(
    few: Path, built: Path, tmp_path: Path
) -> None:
    path = tmp_path / "dataset"
    shutil.copytree(built, path)
    tar = path / "actions/shard-00000.tar"
    data = bytearray(tar.read_bytes())
    data[len(data) // 2] ^= 1
    tar.write_bytes(data)
    with pytest.raises(DatasetError, match="not as they were written: shard-00000"):
        synth_compounds(path, CompoundSettings(k=3))
    progress = BuildProgress()
    build(few, path, BuildSettings(), IN_PROCESS, progress=progress)
    assert progress.processed == 4
    assert_same_files(path, built)
    # The same for a Parquet file that is truncated or missing.
    parquet = path / "actions/shard-00001.parquet"
    parquet.write_bytes(parquet.read_bytes()[:100])
    (path / "actions/shard-00000.parquet").unlink()
    build(few, path, BuildSettings(), RunSettings(workers=2))
    assert_same_files(path, built)
    # The same for compounds, and for the list of dropped recordings.
    (path / "compounds/shard-00000.tar").unlink()
    (path / "dropped.parquet").unlink()
    build(few, path, BuildSettings(), IN_PROCESS)
    synth_compounds(path, CompoundSettings(k=2))
    assert_same_files(path, built)


def test_a_dataset_of_other_recordings_is_not_replaced(
    raw_path: Path, built: Path, tmp_path: Path
) -> None:
    before = read_files(built)
    shutil.copytree(raw_path / "s03", tmp_path / "raw/s03")
    with pytest.raises(UsageError, match="none of them from these recordings"):
        build(tmp_path / "raw", built, BuildSettings(), IN_PROCESS)
    assert read_files(built) == before


@pytest.mark.long
def test_two_builds_into_one_folder_at_once_are_refused(few: Path, tmp_path: Path) -> None:
    path = tmp_path / "dataset"

    class SecondBuild(BuildProgress):
        def on_processed(self) -> None:
            with pytest.raises(UsageError, match="another command is writing"):
                build(few, path, BuildSettings(), IN_PROCESS)

    progress = SecondBuild()
    build(few, path, BuildSettings(), IN_PROCESS, progress=progress)
    assert progress.processed == 8


def test_an_action_without_usable_takes_is_noted_and_keeps_its_labels(
    few: Path, tmp_path: Path
) -> None:
    raw, path = tmp_path / "raw", tmp_path / "dataset"
    shutil.copytree(few / "s01", raw / "s01")
    (raw / "s01/aaa").mkdir()
    (raw / "s01/aaa/01.mp4").write_text("not a video")
    build(raw, path, BuildSettings(), IN_PROCESS)
    part = synth_compounds(path, CompoundSettings(k=1)).card.compounds
    assert part.notes == ["s01: no compound with aaa (no usable take)"]
    labels = Dataset(path).compounds.table(["label"])["label"].to_pylist()
    assert sorted(labels) == [4, 5, 7, 8]  # of 3 × 3; those of aaa are 0 to 3, and 6
