"""Sound of a clip, read through a dataset; compounds carry none; verify finds what is wrong."""

import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest

from fmdata.catalog.dataset import Dataset
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.storage.tars.wav import BLOCK_BYTES, wav_array, wav_blocks
from fmdata.catalog.verify.dataset import verify
from fmdata.catalog.verify.sound import problem_of_sound
from tests.helpers.datasets import FPS, N_FRAMES, change_row, make_up, make_up_sample, seal


@pytest.fixture(scope="session")
def sounding(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a dataset with sound and compounds. Read only."""
    return make_up(tmp_path_factory.mktemp("sounding") / "dataset", ["s01"], sound=True)


@pytest.fixture
def copy(sounding: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sounding, tmp_path / "dataset"))


def test_a_clip_has_its_sound(sounding: Path) -> None:
    for clip in Dataset(sounding).actions:
        made = make_up_sample(clip.subject, clip.action, clip.take, sound=True)
        assert clip.has_sound
        assert clip.wav() == made.wav
        samples = clip.sound()
        assert (samples.dtype, samples.shape) == (np.int16, (round(N_FRAMES / FPS * 16_000),))
        np.testing.assert_array_equal(samples, wav_array(made.wav))
        assert len(samples) / clip.sound_rate == clip.row["sound_s"] == N_FRAMES / FPS
    assert verify(sounding, deep=True) == []


def test_another_frame_rate_leaves_the_sound(sounding: Path) -> None:
    clip = Dataset(sounding).actions[0]
    np.testing.assert_array_equal(clip.at(10).sound(), clip.sound())


def test_a_tar_has_the_wav_between_maps_and_json(sounding: Path) -> None:
    names = tarfile.open(sounding / "actions/shard-00000.tar").getnames()  # noqa: SIM115
    assert [name.partition(".")[2] for name in names] == ["avi", "lbp.npy", "wav", "json"] * 4


def test_compounds_and_datasets_without_sound_say_so(sounding: Path, tmp_path: Path) -> None:
    compound = Dataset(sounding).compounds[0]
    assert not compound.has_sound
    with pytest.raises(DatasetError, match="compounds carry none"):
        compound.sound()
    silent = Dataset(make_up(tmp_path / "silent", ["s01"], k=0)).actions[0]
    assert silent.row["sound_s"] is None
    with pytest.raises(DatasetError, match="build it with --audio"):
        silent.sound()


def problems(copy: Path) -> list[str]:
    seal(copy)
    return [finding.problem for finding in verify(copy) if "stale" not in finding.problem]


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"sound_s": 0.1}, "its JSON differs from its row"),
        ({"wav_size": 44}, "is not where the Parquet file says"),
        ({"wav_offset": None, "wav_size": None}, "members .wav in some samples and not in others"),
    ],
)
def test_a_row_that_does_not_fit_its_sound_is_found(copy: Path, values: dict, problem: str) -> None:
    change_row(copy / "actions/shard-00000.parquet", 1, **values)
    assert any(problem in found for found in problems(copy))


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({}, None),
        ({"sound_s": 0.0}, None),
        ({"sound_s": None}, "None s of sound in a WAV of 0.48 s"),
        ({"sound_s": 0.5}, "0.5 s of sound in a WAV of 0.48 s"),
        ({"wav_size": 45}, "a WAV of 45 bytes"),
        ({"wav_size": 44}, "not the header of a WAV of 0 samples, 16000 a second"),
        ({"fps": 50.0}, "a WAV of 7680 samples, wanted 7360 for its frames, or none"),
        ({"wav_offset": None}, "0.48 s of sound without a WAV"),
    ],
)
def test_sound_fits_the_frames_and_the_row(
    sounding: Path, values: dict, problem: str | None
) -> None:
    clip = Dataset(sounding).actions[1]
    clip.row |= values
    with clip.tar.open("rb") as file:
        assert problem_of_sound(file, clip) == problem


def test_a_wav_of_another_length_or_form_is_found(copy: Path) -> None:
    """The header claims one sample less, then another rate."""
    tar = copy / "actions/shard-00000.tar"
    at = Dataset(copy).actions[0].row["wav_offset"]
    whole = tar.read_bytes()
    for place, byte in ((40, whole[at + 40] ^ 2), (24, 0)):
        data = bytearray(whole)
        data[at + place] = byte
        tar.write_bytes(data)
        assert any("not the header of a WAV" in found for found in problems(copy))
        with pytest.raises(DatasetError, match="not a WAV"):
            Dataset(copy).actions[0].sound()


def test_seconds_of_a_wav_are_searched_as_frames_are() -> None:
    made = make_up_sample("s", "smile", "01", sound=True)
    [[offset, size]] = wav_blocks(0, len(made.wav)).tolist()
    assert size <= BLOCK_BYTES
    assert made.wav[offset : offset + size] == made.wav[44:]
