"""Sound is cut to a clip by time: where the picture flashes, the tone begins, to two milliseconds.

The truth is the file's own clock. A clip's sound lasts from its first frame to the end of its last,
and what the file has no sound for is silence.
"""

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fmdata.catalog.storage.tars.wav import SOUND_RATE, wav_array
from fmdata.pipeline.cropping.sound import write_sound
from fmdata.pipeline.reading.decode import decode, frame_rate, nominal_rate
from tests.helpers.encoded import recording
from tests.helpers.sounding import (
    FPS,
    Sound,
    onset_s,
    write_sounding_video,
    write_with_damaged_sound,
)

WITHIN_S = 0.002
NAMES = ["a.mp4", "a.webm", "a.avi", "a.mov", "a.mkv", "a.ts", "a.mpg"]


class Heard:
    """The sound of a recording's clip, and its frames."""

    def __init__(self, path: Path, **options: Any) -> None:
        said = recording(path, **options)
        frames = list(decode(said))
        self.times_s = np.array([frame.time_s for frame in frames])
        self.levels = np.array([frame.rgb.mean() for frame in frames])
        fps = frame_rate(self.times_s, nominal_rate(said))
        wav = path.with_suffix(".wav")
        self.seconds = write_sound(said, self.times_s, fps, wav)
        self.bytes = wav.read_bytes()
        self.samples = wav_array(self.bytes)
        self.length_s = len(frames) / fps

    @property
    def flash_s(self) -> float:
        """Time of the first bright frame in the clip."""
        return float(self.times_s[np.argmax(self.levels > 128)] - self.times_s[0])

    @property
    def tone_s(self) -> float:
        """Time in the clip at which the tone begins."""
        return onset_s(self.samples, SOUND_RATE)

    def is_silent(self, begin_s: float, end_s: float) -> bool:
        """Return whether a time in the clip has no tone."""
        part = self.samples[round(begin_s * SOUND_RATE) : round(end_s * SOUND_RATE)]
        return not (np.abs(part.astype(int)) > 300).any()


@pytest.mark.parametrize("name", NAMES)
def test_the_tone_begins_where_the_picture_flashes(name: str, tmp_path: Path) -> None:
    heard = Heard(write_sounding_video(tmp_path / name, Sound()))
    assert heard.flash_s == pytest.approx(1.0, abs=1e-3)
    assert heard.tone_s == pytest.approx(heard.flash_s, abs=WITHIN_S)
    assert len(heard.samples) == pytest.approx(heard.length_s * SOUND_RATE, abs=1)
    assert heard.seconds == pytest.approx(3.0, abs=0.05)


@pytest.mark.parametrize("name", NAMES)
def test_a_span_has_its_own_sound(name: str, tmp_path: Path) -> None:
    """From 0.6 to 2.2 s of the file the tone begins 0.4 s after the first frame."""
    path = write_sounding_video(tmp_path / name, Sound())
    heard = Heard(path, start_s=0.6, stop_s=2.2)
    assert len(heard.times_s) == 40
    assert heard.tone_s == pytest.approx(0.4, abs=WITHIN_S)
    assert len(heard.samples) == 1.6 * SOUND_RATE
    assert heard.seconds == pytest.approx(1.6, abs=0.001)


@pytest.mark.parametrize("rate", [8000, 16_000, 22_050, 44_100, 96_000])
def test_sound_of_any_rate_is_resampled(rate: int, tmp_path: Path) -> None:
    heard = Heard(write_sounding_video(tmp_path / "a.avi", Sound(rate=rate)))
    assert heard.tone_s == pytest.approx(1.0, abs=WITHIN_S)
    assert len(heard.samples) == 3 * SOUND_RATE
    peak = np.abs(heard.samples[round(1.5 * SOUND_RATE) : round(2.5 * SOUND_RATE)]).max()
    assert peak == pytest.approx(0.5 * 32767, rel=0.02)


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.webm", "a.ts"])
def test_late_and_short_sound_is_filled_with_silence(name: str, tmp_path: Path) -> None:
    """The file has sound from 0.5 to 2.0 s; its tone begins at 1.0 s."""
    path = write_sounding_video(tmp_path / name, Sound(begin_s=0.5, end_s=2.0))
    heard = Heard(path)
    assert heard.tone_s == pytest.approx(1.0, abs=WITHIN_S)
    assert len(heard.samples) == 3 * SOUND_RATE
    assert heard.is_silent(0, 0.99)
    assert heard.is_silent(2.05, 3)
    assert heard.seconds == pytest.approx(1.5, abs=0.06)


@pytest.mark.parametrize("name", ["a.mkv", "a.ts", "a.mp4"])
def test_sound_after_a_gap_is_at_its_own_time(name: str, tmp_path: Path) -> None:
    """No sound from 0.5 to 1.2 s; the tone begins at 1.6 s. PCM or MP2 has no memory of the gap."""
    codec = {"a.mkv": "pcm_s16le", "a.ts": "mp2"}.get(name, "aac")
    sound = Sound(tone_s=1.6, gap_s=(0.5, 1.2))
    heard = Heard(write_sounding_video(tmp_path / name, sound, flash_s=1.6, codec=codec))
    assert heard.flash_s == pytest.approx(1.6, abs=1e-3)
    assert heard.tone_s == pytest.approx(1.6, abs=WITHIN_S)
    if name == "a.mkv":
        assert heard.seconds == pytest.approx(2.3, abs=0.002)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_times_count_from_the_first_picture(name: str, tmp_path: Path) -> None:
    """The picture begins 0.4 s after the sound, as where a phone's camera starts late."""
    path = write_sounding_video(tmp_path / name, Sound(), first_s=0.4)
    heard = Heard(path)
    assert heard.times_s[0] == 0
    assert heard.flash_s == pytest.approx(0.6, abs=1e-3)
    assert heard.tone_s == pytest.approx(0.6, abs=WITHIN_S)
    assert len(heard.samples) == pytest.approx(2.6 * SOUND_RATE, abs=1)


def test_of_several_streams_the_default_one_is_taken_else_the_first(tmp_path: Path) -> None:
    early, late = Sound(tone_s=0.5, default=False), Sound(tone_s=1.0)
    second = write_sounding_video(tmp_path / "a.mkv", early, late)
    assert Heard(second).tone_s == pytest.approx(1.0, abs=WITHIN_S)
    none = write_sounding_video(tmp_path / "b.avi", early, late)
    assert Heard(none).tone_s == pytest.approx(0.5, abs=WITHIN_S)


def test_a_file_without_sound_has_a_wav_without_samples(tmp_path: Path) -> None:
    heard = Heard(write_sounding_video(tmp_path / "a.mp4"))
    assert (heard.seconds, len(heard.samples), len(heard.bytes)) == (0, 0, 44)


def test_a_clip_before_its_files_sound_is_silent(tmp_path: Path) -> None:
    path = write_sounding_video(tmp_path / "a.mkv", Sound(begin_s=1.5, tone_s=1.6))
    heard = Heard(path, stop_s=1.0)
    assert (heard.seconds, len(heard.samples)) == (0, SOUND_RATE)
    assert heard.is_silent(0, 1)


def test_with_another_rate_than_the_files_there_is_no_sound(tmp_path: Path) -> None:
    """At 12.5 frames/s the pictures last twice as long as the sound; at 25 they are in time."""
    path = write_sounding_video(tmp_path / "a.mp4", Sound())
    slow = Heard(path, fps=FPS / 2)
    assert (slow.seconds, len(slow.samples)) == (0, 0)
    same = Heard(path, fps=FPS)
    assert same.tone_s == pytest.approx(1.0, abs=WITHIN_S)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_damaged_sound_is_kept_as_far_as_it_can_be_read(name: str, tmp_path: Path) -> None:
    """Forty packets of AAC, 0.85 s of the tone, are noise; all that follows is in time."""
    whole = write_sounding_video(tmp_path / f"whole{name}", Sound(tone_s=2.5), flash_s=2.5)
    path = write_with_damaged_sound(whole, tmp_path / name, range(20, 60))
    heard = Heard(path)
    assert len(heard.times_s) == 75
    assert heard.tone_s == pytest.approx(2.5, abs=WITHIN_S)
    assert len(heard.samples) == 3 * SOUND_RATE
    assert 1.5 < heard.seconds < 2.9


def test_sound_that_cannot_be_read_at_all_is_silence(tmp_path: Path) -> None:
    whole = write_sounding_video(tmp_path / "whole.mp4", Sound())
    path = write_with_damaged_sound(whole, tmp_path / "a.mp4", range(1000))
    heard = Heard(path)
    assert len(heard.times_s) == 75
    assert heard.seconds < 0.5


def test_the_same_recording_gives_the_same_bytes(tmp_path: Path) -> None:
    path = write_sounding_video(tmp_path / "a.mp4", Sound())
    assert Heard(path).bytes == Heard(path).bytes


def test_memory_does_not_grow_with_the_length(tmp_path: Path) -> None:
    """Sixty times as much sound, resampled and silent, with hardly more memory."""
    peaks = []
    for length_s in (5, 300):
        sound = Sound(begin_s=length_s / 2, end_s=length_s, rate=8000)
        path = write_sounding_video(tmp_path / f"{length_s}.avi", sound, length_s=length_s)
        times_s = np.arange(length_s * FPS) / FPS
        tracemalloc.start()
        write_sound(recording(path), times_s, FPS, tmp_path / "x.wav")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0] + 100_000
