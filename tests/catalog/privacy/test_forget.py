"""A subject leaves every file; the others stay bit for bit; whatever happens half-way."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fmdata.catalog.dataset import Dataset
from fmdata.catalog.errors import DatasetError, UsageError
from fmdata.catalog.privacy.forget import forget
from fmdata.catalog.privacy.remnants import remnants
from fmdata.catalog.privacy.traces import Traces
from fmdata.catalog.storage.schema import DROPPED
from fmdata.catalog.verify.dataset import verify
from fmdata.synth.compounds import synth_compounds
from fmdata.synth.settings import CompoundSettings

ALONE = "s01"  # in fold 5


@pytest.fixture(scope="session")
def shared(made_up: Callable, of_one_fold: list[str], tmp_path_factory: pytest.TempPathFactory):
    """Four subjects of one fold, two a shard, one of another fold, two dropped recordings.

    Not to be changed.
    """
    path = tmp_path_factory.mktemp("shared") / "dataset"
    return made_up(path, [*of_one_fold, ALONE], dropped=(of_one_fold[1], ALONE))


@pytest.fixture
def dataset(shared: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(shared, tmp_path / "dataset"))


@pytest.fixture(scope="session")
def without_second(
    made_up: Callable, of_one_fold: list[str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, bytes]:
    """The files of the same dataset made without the second subject of the shared fold."""
    path = tmp_path_factory.mktemp("without") / "dataset"
    first, _, third, fourth = of_one_fold
    return files(made_up(path, [first, third, fourth, ALONE], dropped=(ALONE,)))


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_what_remains_is_what_would_have_been_made_without(
    dataset: Path, of_one_fold: list[str], without_second: dict[str, bytes]
) -> None:
    before = Dataset(dataset)
    samples = {clip.key: clip.avi() + clip.lbp_npy() for clip in before.actions}
    done = forget(dataset, of_one_fold[1])
    assert (done.clips, done.compounds, done.dropped, done.left) == (4, 8, 1, [])
    assert done.frames == 2 * 4 * 12  # a JPEG and a map of every frame of four clips
    assert files(dataset) == without_second
    assert verify(dataset, deep=True) == []
    after = Dataset(dataset).actions
    assert {clip.key: clip.avi() + clip.lbp_npy() for clip in after} == {
        key: data for key, data in samples.items() if not key.startswith(of_one_fold[1])
    }


def test_shards_that_did_not_hold_the_subject_are_not_written_again(
    dataset: Path, shared: Path
) -> None:
    """The one subject of fold 5 alone in its shards: the other shards move up, byte for byte."""
    inodes = {p.stat().st_ino: p for p in dataset.rglob("*.tar")}
    done = forget(dataset, ALONE)
    assert done.rewritten == 0
    assert all(p.stat().st_ino in inodes for p in dataset.rglob("*.tar"))
    assert verify(dataset) == []


def test_the_last_subject_leaves_an_empty_dataset(made_up: Callable, tmp_path: Path) -> None:
    path = made_up(tmp_path / "dataset", [ALONE], dropped=(ALONE,))
    assert forget(path, ALONE).left == []
    assert len(Dataset(path).actions) == len(Dataset(path).compounds) == 0
    assert verify(path) == []


def test_a_subject_of_whom_only_dropped_recordings_are_there(
    made_up: Callable, tmp_path: Path
) -> None:
    path = made_up(tmp_path / "dataset", [ALONE], dropped=(ALONE, "ghost"), k=0)
    done = forget(path, "ghost")
    assert (done.clips, done.dropped, done.rewritten) == (0, 1, 0)
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


def test_an_unknown_subject_is_said_and_nothing_is_touched(dataset: Path) -> None:
    before = files(dataset)
    with pytest.raises(
        UsageError, match=r"no subject 's10'(.|\n)*wanted: a subject of this dataset, such as s"
    ):
        forget(dataset, "s10")
    assert files(dataset) == before
    with pytest.raises(DatasetError, match="no finished dataset"):
        forget(dataset.parent / "nowhere", "s01")
    assert not (dataset.parent / "nowhere").exists()


def test_others_are_not_copied_from_a_damaged_shard(dataset: Path, of_one_fold: list[str]) -> None:
    tar = dataset / "actions/shard-00000.tar"
    data = bytearray(tar.read_bytes())
    data[len(data) // 2] ^= 1
    tar.write_bytes(data)
    before = files(dataset)
    with pytest.raises(DatasetError, match="shard-00000 is not as it was written"):
        forget(dataset, of_one_fold[1])
    assert {n: b for n, b in files(dataset).items() if ".work" not in n} == before
    # A damaged shard that needs no rewriting stays damaged, and is still found to be.
    assert forget(dataset, ALONE).left == []
    assert [f.where for f in verify(dataset) if "SHA-256" in f.what] == [str(tar)]


def unit(work: Path, name: str, clip: object) -> Path:
    """Lay down a unit of unfinished work, as a build leaves it."""
    folder = work / name
    folder.mkdir(parents=True)
    pq.write_table(clip.facts(), folder / "row.parquet")
    (folder / "clip.avi").write_bytes(clip.avi())
    (folder / "lbp.npy").write_bytes(clip.lbp_npy())
    return folder


@pytest.mark.parametrize("with_card", [True, False])
def test_unfinished_work_of_the_subject_goes_and_that_of_others_stays(
    shared: Path, tmp_path: Path, of_one_fold: list[str], with_card: bool
) -> None:
    path, clips = tmp_path / "dataset", Dataset(shared).actions
    if with_card:
        shutil.copytree(shared, path)
    gone, stays = of_one_fold[:2]
    unit(path / ".work", "a" * 64, clips[f"{gone}-smile-01"])
    theirs = unit(path / ".work", "b" * 64, clips[f"{stays}-smile-01"])
    half = unit(path / ".work", f"{'c' * 64}.77.part", clips[f"{stays}-wink-01"])
    left_out = path / ".work" / ("d" * 64)
    left_out.mkdir()
    row = dict.fromkeys(DROPPED.names) | {"subject": gone}
    pq.write_table(pa.Table.from_pylist([row], DROPPED), left_out / "dropped.parquet")
    before = files(theirs)
    done = forget(path, gone)
    assert (done.units, done.left) == (2, [])
    assert list((path / ".work").iterdir()) == [theirs]
    assert files(theirs) == before
    assert not half.exists()


def test_what_is_left_in_files_that_are_not_fmdatas_is_told(
    dataset: Path, of_one_fold: list[str]
) -> None:
    """A picture, a part of one, an old tar, a list, a file's name; not a neighbour's picture."""
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
    left = {Path(f.where).name: f.what for f in forget(dataset, gone).left}
    assert set(left) == {"thumb.jpg", "middle.bin", "copy.tar", "names.txt", f"{gone}.txt"}
    assert "bytes of its frames" in left["copy.tar"]
    assert left["names.txt"] == f"the name {gone} stands there"


def test_the_same_frames_under_another_name_are_told(shared: Path) -> None:
    """As if the forgotten one had been recorded twice, the second time as s01."""
    clip = Dataset(shared).actions[f"{ALONE}-smile-01"]
    found = list(remnants(shared, "somebody", Traces.of("somebody", clip.jpegs())))
    assert {f.what.split()[0] for f in found} > {f"{ALONE}-smile-01"}
    assert all("holds frames of it, whole" in f.what for f in found)


class Killed(BaseException):
    """The process is no more."""


@pytest.fixture
def killer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Return a function that lets the process die at the nth change to the file system.

    Nothing is changed after death, by no clean-up either; a folder dies with its first file gone.
    """
    left = [10**9]

    def dying(change: Callable) -> Callable:
        def step(*arguments: object, **options: object) -> object:
            left[0] -= 1
            if left[0] == 0 and change is whole_rmtree and Path(arguments[0]).is_dir():
                first = next((p for p in Path(arguments[0]).rglob("*") if p.is_file()), None)
                if first:
                    unlink(first)
            if left[0] <= 0:
                raise Killed
            return change(*arguments, **options)

        return step

    whole_rmtree, unlink = shutil.rmtree, os.unlink
    for owner, name in (
        (Path, "replace"), (Path, "unlink"), (Path, "rmdir"), (Path, "mkdir"),
        (os, "link"), (shutil, "rmtree"),
    ):  # fmt: skip
        monkeypatch.setattr(owner, name, dying(getattr(owner, name)))

    def arm(n: int) -> None:
        left[0] = n

    yield arm
    arm(10**9)


def test_killed_at_any_step_it_can_be_finished(
    made_up: Callable,
    tmp_path: Path,
    of_one_fold: list[str],
    killer: Callable[[int], None],
) -> None:
    """Three subjects in two shards, the one between the others to be forgotten."""
    first, gone, third = of_one_fold[:3]
    whole = made_up(tmp_path / "whole", [first, gone, third], k=1)
    wanted = files(made_up(tmp_path / "wanted", [first, third], k=1))
    clips = Dataset(whole).actions
    deaths = finished = 0
    for step in range(1, 1000):
        path = tmp_path / str(step)
        shutil.copytree(whole, path, copy_function=os.link)
        unit(path / ".work", "a" * 64, clips[f"{gone}-smile-01"])
        killer(step)
        try:
            forget(path, gone)
        except Killed:
            deaths += 1
        else:
            break
        finally:
            killer(10**9)
        was_done = {name: data for name, data in files(path).items() if ".work" not in name}
        try:
            assert forget(path, gone).left == []
            finished += 1
        except UsageError:  # only allowed where there was nothing left to do
            assert was_done == wanted, f"killed at step {step}"
        assert files(path) == wanted, f"killed at step {step}"
    assert files(path) == wanted
    assert deaths > 30
    # The last steps only clear away what was staged.
    assert deaths - finished <= 6


def test_killed_while_files_are_put_in_place_the_next_command_finishes(
    dataset: Path, of_one_fold: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the staged card on it is decided; here the next to come is a forgetting of another."""
    whole = Path.replace

    def dies(self: Path, target: Path) -> Path:
        if target == dataset / "compounds":
            raise Killed
        return whole(self, target)

    monkeypatch.setattr(Path, "replace", dies)
    with pytest.raises(Killed):
        forget(dataset, of_one_fold[1])
    monkeypatch.undo()
    assert not (dataset / "fmdata.json").exists()
    forget(dataset, of_one_fold[2])
    left = {clip.subject for clip in Dataset(dataset).actions}
    assert left == {of_one_fold[0], of_one_fold[3], ALONE}
    # Whoever died in the middle has not been looked for yet.
    assert [finding.where for finding in verify(dataset)] == [str(dataset / ".work")]
    assert forget(dataset, of_one_fold[1]).left == []
    assert verify(dataset) == []
    assert synth_compounds(dataset, CompoundSettings(k=2, shard_mb=1)).reused
