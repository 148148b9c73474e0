"""Building, whole: the same bytes every time, one bad file costs one file, frames stay true."""

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from fmdata.catalog import Dataset
from fmdata.catalog.errors import DatasetError, UsageError
from fmdata.catalog.keys import fold
from fmdata.catalog.verify.dataset import verify
from fmdata.pipeline.build import build
from fmdata.pipeline.settings import BuildSettings
from fmdata.pipeline.work.outcome import Outcome
from fmdata.synth.compounds import synth_compounds
from fmdata.synth.settings import CompoundSettings


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
    """The dataset of `few`, built in this process, with compounds. Not to be changed."""
    path = few.parent / "dataset"
    build(few, path, BuildSettings(), workers=0)
    synth_compounds(path, CompoundSettings(k=2))
    return path


class Recorder:
    """Keeps what a build reports of its progress."""

    def __init__(self) -> None:
        self.reads: list[tuple[int, int]] = []
        self.start: tuple[int, int] | None = None
        self.outcomes: list[Outcome] = []

    def read(self, done: int, recordings: int) -> None:
        self.reads.append((done, recordings))

    def started(self, recordings: int, done: int) -> None:
        self.start = (recordings, done)

    def outcome(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("workers", [1, 2])
def test_the_same_bytes_again_with_one_worker_and_with_two(
    few: Path, built: Path, tmp_path: Path, workers: int
) -> None:
    again = tmp_path / "elsewhere"
    build(few, again, BuildSettings(), workers=workers)
    synth_compounds(again, CompoundSettings(k=2))
    assert files(again) == files(built)


def test_what_is_done_is_not_done_again(few: Path, built: Path) -> None:
    before = files(built)
    recorder = Recorder()
    result = build(few, built, BuildSettings(), workers=0, progress=recorder)
    assert recorder.reads == [(n, 8) for n in range(9)]
    assert (recorder.start, recorder.outcomes) == ((8, 8), [])
    assert (result.reused, result.frames) == (8, 0)
    assert files(built) == before


def test_only_what_has_changed_is_made_again(few: Path, built: Path, tmp_path: Path) -> None:
    raw, path = tmp_path / "raw", tmp_path / "dataset"
    shutil.copytree(few, raw)
    shutil.copytree(built, path)
    shutil.copy(raw / "s01/smile/01.mp4", raw / "s01/smile/03.mp4")  # a new one
    (raw / "s02/smile/02.mp4").unlink()  # one that is gone
    recorder = Recorder()
    build(raw, path, BuildSettings(), workers=0, progress=recorder)
    assert recorder.start == (8, 7)
    # A fresh build of the same input has the very same actions.
    build(raw, tmp_path / "fresh", BuildSettings(), workers=0)
    assert files(path / "actions") == files(tmp_path / "fresh/actions")
    # The compounds are now those of other actions, and are said to be.
    assert Dataset(path).card.stale
    assert [f.what for f in verify(path)] == [
        "stale: the actions have changed since the compounds were made"
    ]
    synth_compounds(path, CompoundSettings(k=2))
    assert verify(path) == []


def test_shards_in_which_nothing_changes_are_not_written_again(
    few: Path, built: Path, tmp_path: Path
) -> None:
    """A new subject in a fold of its own: the others' shards are the very same files."""
    raw, path = tmp_path / "raw", tmp_path / "dataset"
    shutil.copytree(few, raw)
    shutil.copytree(built, path)
    taken = {fold(subject, 0) for subject in ("s01", "s02")}
    new = next(name for name in (f"n{i}" for i in range(99)) if fold(name, 0) not in taken)
    (raw / new / "smile").mkdir(parents=True)
    shutil.copy(raw / "s01/smile/01.mp4", raw / new / "smile")
    inodes = {file.stat().st_ino for file in (path / "actions").iterdir()}
    build(raw, path, BuildSettings(), workers=0)
    after = [file.stat().st_ino for file in (path / "actions").iterdir()]
    assert inodes < set(after)
    assert len(after) == len(inodes) + 2
    build(raw, tmp_path / "fresh", BuildSettings(), workers=0)
    assert files(path / "actions") == files(tmp_path / "fresh/actions")


def test_an_interrupted_build_goes_on(
    few: Path, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(Recorder):
        def outcome(self, outcome: Outcome) -> None:
            super().outcome(outcome)
            if len(self.outcomes) == 3:
                raise KeyboardInterrupt

    path = tmp_path / "dataset"
    with pytest.raises(KeyboardInterrupt):
        build(few, path, BuildSettings(), workers=0, progress=Interrupted())
    assert not (path / "fmdata.json").exists()
    processed = []
    monkeypatch.setattr("fmdata.pipeline.stages._make", _counting(processed))
    build(few, path, BuildSettings(), workers=0)
    assert len(processed) == 5
    assert files(path / "actions") == files(built / "actions")
    assert {p.name for p in path.iterdir()} == {"actions", "dropped.parquet", "fmdata.json"}


def _counting(calls: list) -> Callable:
    from fmdata.pipeline.stages import _make

    def make(*arguments: object) -> None:
        calls.append(arguments)
        _make(*arguments)

    return make


def test_one_bad_file_costs_one_file(
    few: Path, built: Path, tmp_path: Path, numbered_video: Callable
) -> None:
    raw, path = tmp_path / "raw", tmp_path / "dataset"
    shutil.copytree(few, raw)
    whole = (raw / "s01/smile/01.mp4").read_bytes()
    (raw / "s01/smile/text.mp4").write_text("this is a text file\n")
    (raw / "s01/smile/cut.mp4").write_bytes(whole[: len(whole) // 2])
    numbered_video(raw / "s02/smile/nobody.mp4", 10)
    result = build(raw, path, BuildSettings(), workers=2)
    assert result.card.recordings == 11 == result.card.actions.samples + len(result.dropped)
    dropped = {d["take"]: d for d in pq.read_table(path / "dropped.parquet").to_pylist()}
    reasons = {take: (d["stage"], d["reason"]) for take, d in dropped.items()}
    assert reasons == {
        "text": ("decode", "unreadable"),
        "cut": ("decode", "unreadable"),  # an mp4's index stands at its end, so it is gone
        "nobody": ("landmarks", "no_face"),
    }
    assert dropped["nobody"]["detail"] == "no face in any of 10 frames"
    assert verify(path) == []
    # The good ones are bit for bit what they are without the bad ones beside them.
    one, other = Dataset(path), Dataset(built)
    assert one.actions.keys == other.actions.keys
    for clip in one.actions:
        assert clip.avi() == other.actions[clip.key].avi()
        assert clip.facts().equals(other.actions[clip.key].facts())


def test_a_face_seen_too_seldom_is_dropped_and_a_short_gap_is_filled(
    tmp_path: Path, numbered_video: Callable, portrait: np.ndarray
) -> None:
    """Of 40 frames the middle 2, or 12, are grey."""

    def video(gone: int) -> Callable[[int], np.ndarray]:
        grey = np.full_like(portrait, 128)
        return lambda n: grey if 20 <= n < 20 + gone else portrait

    for take, gone in (("short", 2), ("long", 12)):
        target = tmp_path / "raw/s01/still" / f"{take}.mp4"
        target.parent.mkdir(parents=True, exist_ok=True)
        numbered_video(target, 40, picture=video(gone))
    result = build(tmp_path / "raw", tmp_path / "dataset", BuildSettings(), workers=0)
    assert [(d.take, d.reason) for d in result.dropped] == [("long", "face_lost")]
    assert "a face in 28 of 40 frames (70%)" in result.dropped[0].detail
    clip = Dataset(tmp_path / "dataset").actions["s01-still-short"]
    detected = clip.column("detected")
    assert clip.n_frames == 40
    assert list(np.flatnonzero(~detected)) == [20, 21]
    # The gap is bridged: nothing jumps by more than the detector's jitter.
    steps = np.abs(np.diff(clip.landmarks, axis=0)).max()
    assert steps < 3
    assert clip.motion is None  # nobody moved


def test_a_library_fault_is_told_as_such_and_tried_again(
    few: Path, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network falls over on every recording of s02; later it is well again."""
    from fmdata.pipeline import stages as chain

    whole = chain.spot
    calls = iter(range(100))

    def sick(*arguments: object, in_doubt: bool = False) -> object:
        if not in_doubt and next(calls) >= 4:
            raise RuntimeError("out of order")
        return whole(*arguments, in_doubt=in_doubt)

    path = tmp_path / "dataset"
    monkeypatch.setattr(chain, "spot", sick)
    result = build(few, path, BuildSettings(), workers=0)
    assert {(d.subject, d.stage, d.reason, d.detail) for d in result.dropped} == {
        ("s02", "spot", "failed", "RuntimeError: out of order")
    }
    monkeypatch.setattr(chain, "spot", whole)
    assert build(few, path, BuildSettings(), workers=0).reused == 4
    assert files(path / "actions") == files(built / "actions")


def test_other_settings_are_refused_and_nothing_is_touched(few: Path, built: Path) -> None:
    before = files(built)
    with pytest.raises(UsageError, match=r"made with size = 112(.|\n)*wanted: size = 96"):
        build(few, built, BuildSettings(size=96), workers=0)
    assert files(built) == before


def test_a_folder_of_something_else_is_not_built_into(few: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("three years")
    with pytest.raises(UsageError, match="not a dataset"):
        build(few, tmp_path, BuildSettings(), workers=0)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


RATES = {
    "constant": {"fps": 25},
    "variable": {"times_s": np.cumsum([0, *np.tile([0.02, 0.05, 0.03, 0.08], 10)])[:40]},
    "rotated": {"fps": 30, "turn": 90},
    "b-frames": {"fps": 30, "b_frames": 3},
}


@pytest.mark.parametrize("kind", RATES)
def test_frame_n_of_the_clip_shows_n(
    kind: str, tmp_path: Path, numbered_video: Callable, portrait: np.ndarray
) -> None:
    """The number stands under the chin, inside the crop; it is read back from the clip's JPEGs."""
    (tmp_path / "raw/s01/numbers").mkdir(parents=True)
    options = RATES[kind] | {"picture": portrait, "box": (180, 370, 192, 32)}
    video = numbered_video(tmp_path / "raw/s01/numbers/01.mp4", 40, **options)
    build(tmp_path / "raw", tmp_path / "dataset", BuildSettings(size=224), workers=0)
    clip = Dataset(tmp_path / "dataset").actions["s01-numbers-01"]
    height, width = portrait.shape[:2]
    shown = [
        video.number(cv2.warpAffine(pixels, matrix, (width, height), flags=cv2.WARP_INVERSE_MAP))
        for pixels, matrix in zip(clip.frames(), clip.transform, strict=True)
    ]
    assert shown == list(range(40))
    assert clip.column("timestamps") == pytest.approx(video.times_s, abs=1e-3)


def test_another_seed_of_the_folds_does_not_reuse_rows_of_the_first(
    few: Path, tmp_path: Path
) -> None:
    class Interrupted(Recorder):
        def outcome(self, outcome: Outcome) -> None:
            raise KeyboardInterrupt

    path = tmp_path / "dataset"
    with pytest.raises(KeyboardInterrupt):
        build(few, path, BuildSettings(), workers=0, progress=Interrupted())
    build(few, path, BuildSettings(seed=7), workers=0)
    assert verify(path) == []


@pytest.mark.parametrize("step", range(6))
def test_a_build_that_dies_while_its_shards_are_put_in_place_can_be_finished(
    few: Path, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Each renaming of the commit fails in its turn; the next build ends with the same bytes."""
    raw, path = tmp_path / "raw", tmp_path / "dataset"
    shutil.copytree(few, raw)
    shutil.copytree(built, path)
    (raw / "s02/smile/02.mp4").unlink()
    whole, renamed = Path.replace, iter(range(100))

    def fails(self: Path, target: Path) -> Path:
        # The shards' own files are renamed before; count from the staged card on.
        if "new/fmdata.json" in str(target) or died:
            died.append(True)
            if next(renamed) == step:
                raise OSError(5, "the machine went down", str(self))
        return whole(self, target)

    died: list[bool] = []
    monkeypatch.setattr(Path, "replace", fails)
    if step < 5:  # staged card, actions, dropped.parquet, card; what was staged is cleared away
        with pytest.raises(OSError, match="went down"):
            build(raw, path, BuildSettings(), workers=0)
    else:
        build(raw, path, BuildSettings(), workers=0)
    monkeypatch.undo()
    result = build(raw, path, BuildSettings(), workers=0)
    assert result.card.actions.samples == 7
    assert [f.what for f in verify(path)] == [
        "stale: the actions have changed since the compounds were made"
    ]
    assert not (path / ".work").exists()


def test_damaged_shards_are_made_again_and_never_copied(
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
    recorder = Recorder()
    build(few, path, BuildSettings(), workers=0, progress=recorder)
    assert len(recorder.outcomes) == 4
    assert files(path) == files(built)
    # The same for a Parquet file that is no longer one, or gone.
    parquet = path / "actions/shard-00001.parquet"
    parquet.write_bytes(parquet.read_bytes()[:100])
    (path / "actions/shard-00000.parquet").unlink()
    build(few, path, BuildSettings(), workers=2)
    assert files(path) == files(built)
    # The same for compounds, and for the list of what was dropped.
    (path / "compounds/shard-00000.tar").unlink()
    (path / "dropped.parquet").unlink()
    build(few, path, BuildSettings(), workers=0)
    synth_compounds(path, CompoundSettings(k=2))
    assert files(path) == files(built)


def test_other_recordings_do_not_replace_a_dataset(
    raw_path: Path, built: Path, tmp_path: Path
) -> None:
    before = files(built)
    shutil.copytree(raw_path / "s03", tmp_path / "raw/s03")
    with pytest.raises(UsageError, match="none of them from these recordings"):
        build(tmp_path / "raw", built, BuildSettings(), workers=0)
    assert files(built) == before


def test_two_builds_into_one_folder_at_once_are_refused(few: Path, tmp_path: Path) -> None:
    path = tmp_path / "dataset"

    class Second(Recorder):
        def outcome(self, outcome: Outcome) -> None:
            with pytest.raises(UsageError, match="another command is writing"):
                build(few, path, BuildSettings(), workers=0)
            super().outcome(outcome)

    recorder = Second()
    build(few, path, BuildSettings(), workers=0, progress=recorder)
    assert len(recorder.outcomes) == 8


def test_an_action_all_of_whose_takes_were_dropped_is_said(few: Path, tmp_path: Path) -> None:
    raw, path = tmp_path / "raw", tmp_path / "dataset"
    shutil.copytree(few / "s01", raw / "s01")
    (raw / "s01/aaa").mkdir()
    (raw / "s01/aaa/01.mp4").write_text("not a video")
    build(raw, path, BuildSettings(), workers=0)
    part = synth_compounds(path, CompoundSettings(k=1)).card.compounds
    assert part.notes == ["s01: no compound with aaa (no usable take)"]
    labels = Dataset(path).compounds.table(["label"])["label"].to_pylist()
    assert sorted(labels) == [4, 5, 7, 8]  # of 3 × 3; those of aaa are 0 to 3, and 6
