"""A voice is forgotten with its subject: in shards, in unfinished work, and in any other file."""

import shutil
from pathlib import Path

import pytest

from fmdata.catalog.dataset import Dataset
from fmdata.catalog.privacy.forget import forget
from fmdata.catalog.verify.dataset import verify
from tests.catalog.privacy.test_forget import lay_down_unit
from tests.helpers.datasets import make_up, seal
from tests.helpers.folders import read_files


@pytest.fixture
def dataset(of_one_fold: list[str], tmp_path: Path) -> Path:
    return make_up(tmp_path / "dataset", of_one_fold[:3], sound=True)


def test_the_dataset_equals_one_made_without_the_subject(
    dataset: Path, of_one_fold: list[str], tmp_path: Path
) -> None:
    first, gone, third = of_one_fold[:3]
    wanted = read_files(make_up(tmp_path / "wanted", [first, third], sound=True))
    forgotten = forget(dataset, gone)
    assert forgotten.left == []
    assert forgotten.frames == 4 * (2 * 12 + 1)  # JPEGs and LBP maps, and half a second of sound
    assert read_files(dataset) == wanted
    assert verify(dataset, deep=True) == []


def test_unfinished_sound_goes_with_its_unit(
    dataset: Path, of_one_fold: list[str], tmp_path: Path
) -> None:
    """The unit is the subject's only trace, and its WAV alone was copied elsewhere."""
    gone, other = of_one_fold[:2]
    clips, path = Dataset(dataset).actions, tmp_path / "begun"
    (path / "notes").mkdir(parents=True)
    unit = lay_down_unit(path / ".work" / ("a" * 64), clips[f"{gone}-smile-01"])
    lay_down_unit(path / ".work" / ("b" * 64), clips[f"{other}-smile-01"])
    shutil.copy(unit.wav, path / "notes/copy.wav")
    forgotten = forget(path, gone)
    assert forgotten.units == 1
    assert [Path(finding.where).name for finding in forgotten.left] == ["copy.wav"]
    assert "frames or sound" in forgotten.left[0].problem
    assert not unit.path.exists()


def test_remnants_of_sound_are_found_in_any_file(dataset: Path, of_one_fold: list[str]) -> None:
    """A WAV, 400 bytes out of the middle of one, and an old tar; not a WAV of another subject."""
    gone, other = of_one_fold[:2]
    clips = Dataset(dataset).actions
    mine, theirs = clips[f"{gone}-smile-01"].wav(), clips[f"{other}-smile-01"].wav()
    (dataset / "voice.wav").write_bytes(mine)
    (dataset / "middle.bin").write_bytes(mine[5001:5401])
    (dataset / "neighbour.wav").write_bytes(theirs)
    left = {Path(finding.where).name for finding in forget(dataset, gone).left}
    assert left == {"voice.wav", "middle.bin"}


def test_the_same_sound_under_another_name_is_reported(
    dataset: Path, of_one_fold: list[str]
) -> None:
    """Two people of one recording have one sound: it stays with the other, and is named."""
    gone, other = of_one_fold[:2]
    wav = Dataset(dataset).actions[f"{gone}-smile-01"].wav()
    clip = Dataset(dataset).actions[f"{other}-wink-02"]
    shard = dataset / "actions" / f"{clip.shard.shard.name}.tar"
    with shard.open("r+b") as file:
        file.seek(clip.row["wav_offset"])
        file.write(wav)
    seal(dataset)
    problems = [finding.problem for finding in forget(dataset, gone).left]
    assert problems == [f"{other}-wink-02 holds complete frames or seconds of sound of it"]
