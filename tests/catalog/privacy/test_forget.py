"""A removed subject leaves every file, and the others keep every byte, even after a kill."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fmdata.catalog.clip import ActionClip
from fmdata.catalog.dataset import Dataset
from fmdata.catalog.errors import DatasetError, UsageError
from fmdata.catalog.privacy.forget import Forgotten, forget
from fmdata.catalog.privacy.remnants import remnants
from fmdata.catalog.privacy.traces import Traces
from fmdata.catalog.storage.place import MARK, mark_work
from fmdata.catalog.storage.work import UNIT_FRAME_FACTS, Unit
from fmdata.catalog.types import Dropped
from fmdata.catalog.verify.dataset import verify
from fmdata.catalog.verify.finding import Finding
from fmdata.synth.compounds import synth_compounds
from fmdata.synth.settings import CompoundSettings
from tests.helpers.command import fmdata
from tests.helpers.datasets import make_up
from tests.helpers.folders import read_files

ALONE = "s01"  # in fold 5


@pytest.fixture(scope="session")
def shared(of_one_fold: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four subjects of one fold in two shards, one of another fold, two dropped recordings.

    Read only.
    """
    path = tmp_path_factory.mktemp("shared") / "dataset"
    return make_up(path, [*of_one_fold, ALONE], dropped=[of_one_fold[1], ALONE])


@pytest.fixture
def dataset(shared: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(shared, tmp_path / "dataset"))


@pytest.fixture(scope="session")
def without_second(
    of_one_fold: list[str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, bytes]:
    """Files of the same dataset, made without the second subject of the common fold."""
    path = tmp_path_factory.mktemp("without") / "dataset"
    first, _, third, fourth = of_one_fold
    return read_files(make_up(path, [first, third, fourth, ALONE], dropped=[ALONE]))


def test_the_dataset_equals_one_made_without_the_subject(
    dataset: Path, of_one_fold: list[str], without_second: dict[str, bytes]
) -> None:
    before = Dataset(dataset)
    samples = {clip.key: clip.avi() + clip.lbp_npy() for clip in before.actions}
    forgotten = forget(dataset, of_one_fold[1])
    counts = (forgotten.clips, forgotten.compounds, forgotten.dropped)
    assert (counts, forgotten.left) == ((4, 8, 1), [])
    assert forgotten.frames == 2 * 4 * 12  # a JPEG and an LBP map per frame of four clips
    assert read_files(dataset) == without_second
    assert verify(dataset, deep=True) == []
    after = Dataset(dataset).actions
    assert {clip.key: clip.avi() + clip.lbp_npy() for clip in after} == {
        key: data for key, data in samples.items() if not key.startswith(of_one_fold[1])
    }


def test_shards_without_the_subject_are_not_rewritten(dataset: Path, shared: Path) -> None:
    """The only subject of fold 5 has shards of its own; the other shards are renamed."""
    inodes = {p.stat().st_ino: p for p in dataset.rglob("*.tar")}
    assert forget(dataset, ALONE).rewritten == 0
    assert all(p.stat().st_ino in inodes for p in dataset.rglob("*.tar"))
    assert verify(dataset) == []


def test_removal_of_the_last_subject_leaves_an_empty_dataset(tmp_path: Path) -> None:
    path = make_up(tmp_path / "dataset", [ALONE], dropped=[ALONE])
    assert forget(path, ALONE).left == []
    assert len(Dataset(path).actions) == len(Dataset(path).compounds) == 0
    assert verify(path) == []


def test_a_subject_with_dropped_recordings_only_can_be_removed(tmp_path: Path) -> None:
    path = make_up(tmp_path / "dataset", [ALONE], dropped=[ALONE, "ghost"], k=0)
    forgotten = forget(path, "ghost")
    assert (forgotten.clips, forgotten.dropped, forgotten.rewritten) == (0, 1, 0)
    assert Dataset(path).dropped()["subject"].to_pylist() == [ALONE]
    assert verify(path) == []


def test_stale_compounds_lose_the_subject_and_stay_stale(
    dataset: Path, of_one_fold: list[str]
) -> None:
    forget(dataset, of_one_fold[0])
    card = Dataset(dataset).card
    assert not card.stale
    stale = card.with_compounds(type(card.compounds)(**vars(card.compounds) | {"made_from": "0"}))
    stale.write(dataset)
    forget(dataset, of_one_fold[1])
    after = Dataset(dataset)
    assert after.card.stale
    assert of_one_fold[1] not in after.compounds.table(["subject"])["subject"].to_pylist()


def test_an_unknown_subject_is_an_error_and_changes_nothing(dataset: Path) -> None:
    before = read_files(dataset)
    with pytest.raises(
        UsageError, match=r"no subject 's10'(.|\n)*wanted: a subject of this dataset, such as s"
    ):
        forget(dataset, "s10")
    assert read_files(dataset) == before
    with pytest.raises(DatasetError, match="no finished dataset"):
        forget(dataset.parent / "nowhere", "s01")
    assert not (dataset.parent / "nowhere").exists()


def test_clips_of_others_are_not_copied_from_a_damaged_shard(
    dataset: Path, of_one_fold: list[str]
) -> None:
    tar = dataset / "actions/shard-00000.tar"
    data = bytearray(tar.read_bytes())
    data[len(data) // 2] ^= 1
    tar.write_bytes(data)
    before = read_files(dataset)
    with pytest.raises(DatasetError, match="shard-00000 is not as it was written"):
        forget(dataset, of_one_fold[1])
    assert {n: b for n, b in read_files(dataset).items() if ".work" not in n} == before
    # A damaged shard that is not rewritten stays damaged, and verify still finds it.
    assert forget(dataset, ALONE).left == []
    assert [f.where for f in verify(dataset) if "SHA-256" in f.problem] == [str(tar)]


def lay_down_unit(path: Path, clip: ActionClip) -> Unit:
    """Write a clip as a unit of unfinished work, as a build does."""
    unit = Unit(path)
    mark_work(path.parents[1])
    path.mkdir()
    unit.write_facts(clip.facts(), clip.frames_table(UNIT_FRAME_FACTS.names))
    np.save(unit.landmarks, clip.landmarks)
    unit.avi.write_bytes(clip.avi())
    unit.lbp.write_bytes(clip.lbp_npy())
    if clip.has_sound:
        unit.wav.write_bytes(clip.wav())
    return unit


@pytest.mark.parametrize("with_card", [True, False])
def test_only_the_subjects_unfinished_work_is_removed(
    shared: Path, tmp_path: Path, of_one_fold: list[str], with_card: bool
) -> None:
    path, clips = tmp_path / "dataset", Dataset(shared).actions
    if with_card:
        shutil.copytree(shared, path)
    gone, stays = of_one_fold[:2]
    work = path / ".work"
    lay_down_unit(work / ("a" * 64), clips[f"{gone}-smile-01"])
    theirs = lay_down_unit(work / ("b" * 64), clips[f"{stays}-smile-01"]).path
    partial = lay_down_unit(work / f"{'c' * 64}.77.part", clips[f"{stays}-wink-01"]).path
    dropped = Dropped("frown/01.mp4", gone, "frown", "01", "decode", "unreadable", "no video")
    Unit(work / ("d" * 64)).write_dropped(dropped)
    before = read_files(theirs)
    forgotten = forget(path, gone)
    assert (forgotten.units, forgotten.left) == (2, [])
    assert set(work.iterdir()) == {theirs, work / MARK}
    assert read_files(theirs) == before
    assert not partial.exists()


def test_the_command_removes_unfinished_work_where_there_is_no_dataset_yet(
    dataset: Path, tmp_path: Path
) -> None:
    """Nothing is left to introduce to other tools."""
    begun = tmp_path / "begun"
    clip = next(Dataset(dataset).actions.of_subject(ALONE))
    unit = lay_down_unit(begun / ".work" / ("a" * 64), clip)
    run = fmdata("forget", ALONE, "--dataset", begun, "--yes", cwd=tmp_path)
    assert (run.returncode, unit.path.exists()) == (0, False), run.stderr
    assert "1 pieces of unfinished work" in run.stdout


def test_remnants_in_files_of_other_programs_are_reported(
    dataset: Path, of_one_fold: list[str]
) -> None:
    """A picture, a part of one, an old tar, a list, a file's name; not a picture of another."""
    gone, other = of_one_fold[:2]
    clips = Dataset(dataset).actions
    (dataset / "thumb.jpg").write_bytes(clips[f"{gone}-smile-01"].jpegs()[3])
    (dataset / "middle.bin").write_bytes(clips[f"{gone}-smile-01"].jpegs()[4][1501:1806])
    (dataset / "neighbour.jpg").write_bytes(clips[f"{other}-smile-01"].jpegs()[3])
    (dataset / "old").mkdir()
    shutil.copy(dataset / "actions/shard-00000.tar", dataset / "old/copy.tar")
    (dataset / "names.txt").write_text(f"{other}\n{gone}\n")
    (dataset / f"{gone}.txt").write_text("")
    (dataset / "other.txt").write_text(f"x{gone}x")
    left = {Path(f.where).name: f.problem for f in forget(dataset, gone).left}
    assert set(left) == {"thumb.jpg", "middle.bin", "copy.tar", "names.txt", f"{gone}.txt"}
    assert "bytes of its frames" in left["copy.tar"]
    assert left["names.txt"] == f"the name {gone} is in its text"


def test_the_same_frames_under_another_name_are_reported(shared: Path) -> None:
    """As if the removed subject had been recorded again as s01."""
    clip = Dataset(shared).actions[f"{ALONE}-smile-01"]
    found = list(remnants(shared, "somebody", Traces.of("somebody", clip.jpegs())))
    assert {f.problem.split()[0] for f in found} > {f"{ALONE}-smile-01"}
    assert all("holds complete frames or seconds of sound of it" in f.problem for f in found)


class Killed(BaseException):
    """The process ends here."""


class Killer:
    """Kills the process at its nth change to the file system, or never.

    After that no change is made, not even by clean-up code. A folder that is being removed loses
    its first file.
    """

    NEVER = 10**9
    CHANGES = (
        (Path, "replace"), (Path, "unlink"), (Path, "rmdir"), (Path, "mkdir"),
        (os, "link"), (shutil, "rmtree"),
    )  # fmt: skip

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = self.NEVER
        self._rmtree, self._unlink = shutil.rmtree, os.unlink
        for owner, name in self.CHANGES:
            monkeypatch.setattr(owner, name, self._counted(getattr(owner, name)))

    def _counted(self, change: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:
            self.left -= 1
            if self.left == 0 and change is self._rmtree and Path(arguments[0]).is_dir():
                first = next((p for p in Path(arguments[0]).rglob("*") if p.is_file()), None)
                if first:
                    self._unlink(first)
            if self.left <= 0:
                raise Killed
            return change(*arguments, **options)

        return counted


def test_after_a_kill_at_any_step_the_same_command_completes_the_removal(
    tmp_path: Path, of_one_fold: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three subjects in two shards; the removed one is between the other two."""
    first, gone, third = of_one_fold[:3]
    whole = make_up(tmp_path / "whole", [first, gone, third], k=1)
    wanted = read_files(make_up(tmp_path / "wanted", [first, third], k=1))
    clips = Dataset(whole).actions
    killer = Killer(monkeypatch)
    kills = completed = 0
    for step in range(1, 1000):
        path = tmp_path / str(step)
        shutil.copytree(whole, path, copy_function=os.link)
        lay_down_unit(path / ".work" / ("a" * 64), clips[f"{gone}-smile-01"])
        killer.left = step
        try:
            forget(path, gone)
        except Killed:
            kills += 1
        else:
            break
        finally:
            killer.left = Killer.NEVER
        files = read_files(path).items()
        found = {name: data for name, data in files if not name.startswith((".work", ".lock"))}
        try:
            assert forget(path, gone).left == []
            completed += 1
        except UsageError:  # allowed only after a complete removal
            assert found == wanted, f"killed at step {step}"
        assert read_files(path) == wanted, f"killed at step {step}"
    assert read_files(path) == wanted
    assert kills > 30
    # The last steps only delete empty folders, the mark of the work and the lock.
    assert kills - completed <= 8


def test_after_a_kill_within_the_commit_the_next_command_completes_it(
    dataset: Path, of_one_fold: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The change is decided by the staged card; the next command removes another subject."""
    replace = Path.replace

    def killed_before_the_compounds(self: Path, target: Path) -> Path:
        if target.parent == dataset / "compounds":
            raise Killed
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", killed_before_the_compounds)
    with pytest.raises(Killed):
        forget(dataset, of_one_fold[1])
    monkeypatch.undo()
    assert not (dataset / "fmdata.json").exists()
    forget(dataset, of_one_fold[2])
    left = {clip.subject for clip in Dataset(dataset).actions}
    assert left == {of_one_fold[0], of_one_fold[3], ALONE}
    # Remnants of the first subject have not been searched for yet.
    assert [finding.where for finding in verify(dataset)] == [str(dataset / ".work")]
    assert forget(dataset, of_one_fold[1]).left == []
    assert verify(dataset) == []
    assert synth_compounds(dataset, CompoundSettings(k=2, shard_mb=1)).reused


def test_the_result_prints_counts_findings_and_advice() -> None:
    nothing_left = str(Forgotten(clips=4, compounds=8, rewritten=1, shards=3, frames=96))
    first, shards, searched, *advice = nothing_left.splitlines()
    assert first == "4 clips, 8 compounds, 0 dropped recordings, 0 pieces of unfinished work"
    assert shards == "  1 of 3 shards were rewritten"
    assert searched == (
        "  no trace of 96 JPEGs, LBP maps, landmarks and seconds of "
        "sound in any file of the dataset"
    )
    assert [line.split(":")[1] for line in advice] == [
        " remove the recordings there too",
        " delete models, features and figures of runs trained with this subject",
    ]
    left = str(Forgotten(left=[Finding("a\nb.jpg", "bytes of its frames", "delete it")]))
    assert "a\\nb.jpg: bytes of its frames\n  to do: delete it" in left
    assert "no trace" not in left


def test_equal_frames_are_counted_each(shared: Path) -> None:
    """A clip that stands still has one picture, many times."""
    jpeg = Dataset(shared).actions[0].jpegs()[0]
    traces = Traces.of("somebody", [jpeg] * 5)
    assert traces.n_frames == 5
    assert len(traces.frames) == 1


def test_memory_does_not_grow_with_the_frames_of_a_subject(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a limit of a thousand marks, a clip of 200 pictures is still found in a file."""
    monkeypatch.setattr("fmdata.catalog.privacy.traces.MAX_MARKS", 1000)
    draw = np.random.default_rng(0)
    frames = [draw.bytes(5000) for _ in range(200)]
    traces = Traces.of("somebody", frames)
    assert 250 < len(traces.marks) <= 1000
    assert all(map(traces.has_frame, frames))
    assert not traces.has_frame(frames[0][:-1])
    (tmp_path / "old.tar").write_bytes(draw.bytes(1003) + b"".join(frames))
    (tmp_path / "other.tar").write_bytes(draw.bytes(1_000_000))
    found = list(traces.found_in(tmp_path / "old.tar"))
    assert len(found) > 20
    assert found == sorted(found)
    assert list(traces.found_in(tmp_path / "other.tar")) == []
    traces.write(tmp_path / "memo.npz")
    assert list(Traces.read(tmp_path / "memo.npz").found_in(tmp_path / "old.tar")) == found
