"""Builds with ``--audio``: every sample has a WAV, and pictures are never lost to their sound.

The recordings: a clear one, two spans of one file, one with damaged sound, one without sound, and a
folder of images. The face is a fixed one; the sound is real.
"""

import json
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import webdataset

from fmdata.catalog import Dataset
from fmdata.catalog.errors import UsageError
from fmdata.catalog.verify.dataset import verify
from fmdata.cli import app
from fmdata.pipeline.build import build
from fmdata.pipeline.settings import BuildSettings, RunSettings
from tests.helpers.folders import read_files
from tests.helpers.sounding import (
    Sound,
    add_sound,
    onset_s,
    write_sounding_video,
    write_with_damaged_sound,
)

WITH_SOUND, IN_PROCESS = BuildSettings(size=32, audio=True), RunSettings(workers=0)
TABLE = """path,subject,action,take,start,stop
clear.mp4,ann,smile,01,,
long.mov,ann,wink,01,0.2,1.4
long.mov,ann,wink,02,1.4,2.6
damaged.mp4,bob,smile,01,,
silent.mp4,bob,smile,02,,
images,cid,smile,01,,
"""


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    raw = tmp_path / "raw"
    (raw / "images").mkdir(parents=True)
    write_sounding_video(raw / "clear.mp4", Sound())
    write_sounding_video(raw / "long.mov", Sound(tone_s=2.0), flash_s=2.0)
    whole = write_sounding_video(tmp_path / "whole.mp4", Sound(tone_s=2.5), flash_s=2.5)
    write_with_damaged_sound(whole, raw / "damaged.mp4", range(20, 60))
    write_sounding_video(raw / "silent.mp4")
    for n in range(8):
        cv2.imwrite(str(raw / f"images/{n}.png"), np.full((64, 64, 3), 20 * n, np.uint8))
    (raw / "recordings.csv").write_text(TABLE)
    return raw


@pytest.fixture
def built(raw: Path, tmp_path: Path, fixed_face: None, no_second_pass: None) -> Path:
    out = tmp_path / "dataset"
    built = build(raw, out, WITH_SOUND, IN_PROCESS)
    assert (built.clips, built.dropped) == (6, [])
    return out


def test_every_sample_has_a_wav_and_its_row_says_how_much_is_sound(built: Path) -> None:
    clips = {clip.key: clip for clip in Dataset(built).actions}
    seconds = {
        key: (len(clip.sound()) / 16_000, clip.row["sound_s"]) for key, clip in clips.items()
    }
    assert seconds["ann-smile-01"] == (3, pytest.approx(3, abs=0.01))
    assert seconds["ann-wink-01"] == seconds["ann-wink-02"] == (1.2, 1.2)
    length, heard = seconds["bob-smile-01"]
    assert length == 3
    assert 1.5 < heard < 2.9
    assert seconds["bob-smile-02"] == seconds["cid-smile-01"] == (0, 0)
    tone = {key: onset_s(clips[key].sound(), 16_000) for key in ("ann-smile-01", "ann-wink-02")}
    assert tone == pytest.approx({"ann-smile-01": 1.0, "ann-wink-02": 0.6}, abs=0.002)
    for clip in clips.values():
        assert clip.wav()[:4] == b"RIFF"
    assert verify(built, deep=True) == []


def test_tars_have_the_same_members_in_every_sample(built: Path) -> None:
    for tar in sorted((built / "actions").glob("*.tar")):
        with tarfile.open(tar) as file:
            names = [name.partition(".") for name in file.getnames()]
        keys = list(dict.fromkeys(key for key, _, _ in names))
        wanted = [(key, ".", end) for key in keys for end in ("avi", "lbp.npy", "wav", "json")]
        assert names == wanted
        for sample in webdataset.WebDataset(str(tar), shardshuffle=False):
            assert json.loads(sample["json"])["sound_s"] == pytest.approx(
                Dataset(built).actions[sample["__key__"]].row["sound_s"]
            )
            assert len(sample["wav"]) >= 44


def test_a_build_without_the_option_has_no_trace_of_sound(
    raw: Path, tmp_path: Path, built: Path, fixed_face: None, no_second_pass: None
) -> None:
    """Pixels and facts are the same, and no member, column or setting says more."""
    out = tmp_path / "silent"
    build(raw, out, BuildSettings(size=32), IN_PROCESS)
    for clip in Dataset(out).actions:
        other = Dataset(built).actions[clip.key]
        assert clip.avi() == other.avi()
        sound = ("wav_offset", "wav_size", "sound_s")
        assert [clip.row[name] for name in sound] == [None, None, None]
    assert Dataset(out).card.actions.settings["audio"] is False
    assert verify(out) == []


def test_a_dataset_with_another_setting_is_left_as_it_is(
    raw: Path, built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As for LBP maps: the clips of one dataset are made alike."""
    before = read_files(built)
    with pytest.raises(UsageError, match="a dataset made with audio = True"):
        build(raw, built, BuildSettings(size=32), IN_PROCESS)
    assert read_files(built) == before
    again = build(raw, built, WITH_SOUND, IN_PROCESS)
    assert (again.reused, again.frames) == (6, 0)
    command = ["build", "--subjects", str(raw), "--out", str(built), "--size", "32", "--audio"]
    assert not app([*command, "--workers", "0"], standalone_mode=False)


def test_sound_of_unfinished_work_is_used_and_a_damaged_one_is_made_again(
    raw: Path, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    fixed_face: None, no_second_pass: None,
) -> None:  # fmt: skip
    """A build stops before it packs; one of its six WAVs is then cut short."""
    out = tmp_path / "stopped"

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("fmdata.pipeline.build.publish", stop)
        with pytest.raises(KeyboardInterrupt):
            build(raw, out, WITH_SOUND, IN_PROCESS)
    wavs = sorted((out / ".work").glob("*/sound.wav"), key=lambda path: path.stat().st_size)
    assert len(wavs) == 6
    wavs[-1].write_bytes(wavs[-1].read_bytes()[:-100])
    resumed = build(raw, out, WITH_SOUND, IN_PROCESS)
    assert (resumed.reused, resumed.dropped) == (5, [])
    assert read_files(out) == read_files(built)


def test_worker_processes_give_the_same_bytes(raw_path: Path, tmp_path: Path) -> None:
    """Two simulated recordings with sound, by the real network, in this process and in two."""
    raw = tmp_path / "raw"
    for take in ("01", "02"):
        source = sorted((raw_path / "s01").glob(f"*/{take}.*"))[0]
        target = raw / "s01" / source.parent.name / source.name
        target.parent.mkdir(parents=True, exist_ok=True)
        add_sound(source, target, Sound(tone_s=0.5, end_s=1.5))
    settings = BuildSettings(audio=True)
    build(raw, tmp_path / "one", settings, IN_PROCESS)
    build(raw, tmp_path / "two", settings, RunSettings(workers=2))
    assert read_files(tmp_path / "one") == read_files(tmp_path / "two")
    for clip in Dataset(tmp_path / "two").actions:
        assert onset_s(clip.sound(), clip.sound_rate) == pytest.approx(0.5, abs=0.002)
