"""A cut to another shot is an error that names its frame; motion and light are none."""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data

from fmdata.catalog.errors import RecordingError
from fmdata.pipeline.reading.cuts import MIN_MISMATCH, mismatch, within_one_shot
from fmdata.pipeline.reading.decode import Frame, decode
from tests.helpers.encoded import recording, write_video
from tests.helpers.faces import portrait

N, AT = 30, 15
SIDE = 160


@cache
def person(number: int) -> np.ndarray:
    """Return a portrait, uint8 [S, S, 3]: 0 as it is; 1 and 2 with other proportions and tones."""
    face = cv2.resize(portrait(), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    if number == 0:
        return face
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) / SIDE - 0.5
    wider, higher = (0.45, -0.35) if number == 1 else (-0.4, 0.5)
    bump = np.exp(-(x**2 + y**2) / 0.12).astype(np.float32)
    where = [(v * (1 - k * bump) + 0.5) * SIDE for v, k in ((x, wider), (y, higher))]
    warped = cv2.remap(face, *where, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return np.clip(warped * 0.85 + 10 * number, 0, 255).astype(np.uint8)


def shot(face: np.ndarray, n: int, reach: float = 0.0, seed: int = 0) -> list[np.ndarray]:
    """Film a face for n frames; its head swings by `reach` pixels and turns by as many degrees."""
    rng = np.random.default_rng(seed)
    phase = np.arange(n) / n * 2 * np.pi * 1.5 + rng.uniform(0, 6)
    frames = []
    for angle in phase:
        turn = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), reach * np.sin(1.7 * angle), 1.0)
        turn[:, 2] += reach * np.sin(angle), reach / 2 * np.cos(angle)
        moved = cv2.warpAffine(face, turn, (SIDE, SIDE), borderMode=cv2.BORDER_REFLECT)
        noisy = moved + rng.normal(0, 2, moved.shape)
        frames.append(np.clip(noisy, 0, 255).astype(np.uint8))
    return frames


def lit(frames: Sequence[np.ndarray], gains: float | Sequence[float]) -> list[np.ndarray]:
    gains = np.broadcast_to(gains, len(frames))
    return [np.clip(f * g, 0, 255).astype(np.uint8) for f, g in zip(frames, gains, strict=True)]


def first_cut(pictures: Sequence[np.ndarray]) -> int | None:
    """Return the frame at which another shot begins; None where there is none."""
    frames = [Frame(n, n / 25, picture) for n, picture in enumerate(pictures)]
    passed = []
    try:
        passed.extend(within_one_shot(iter(frames)))
    except RecordingError as error:
        message = re.match(r"scene_cut: another shot begins at frame (\d+)", str(error))
        return int(message[1]) if message else None
    assert len(passed) == len(frames)
    return None


@pytest.mark.parametrize("reach", [0.0, 1.5])
@pytest.mark.parametrize(("one", "other"), [(0, 1), (1, 0), (0, 2), (2, 1)])
def test_a_cut_to_another_person_in_the_same_place_is_found(
    one: int, other: int, reach: float
) -> None:
    """Both sit in the same frame, before the same background."""
    pictures = shot(person(one), AT, reach) + shot(person(other), N - AT, reach, seed=1)
    assert first_cut(pictures) == AT


def test_a_cut_to_another_place_is_found() -> None:
    place = cv2.resize(skimage.data.coffee(), (SIDE, SIDE))
    assert first_cut(shot(person(0), AT) + shot(place, N - AT)) == AT
    assert first_cut(shot(place, AT) + shot(person(0), N - AT)) == AT


@pytest.mark.parametrize("at", [1, 2, N - 2, N - 1])
def test_a_stray_frame_of_another_shot_at_either_end_is_a_cut(at: int) -> None:
    """As where start or stop of a table are a frame beyond the cut."""
    assert first_cut((shot(person(0), N) + shot(person(1), N))[N - at : 2 * N - at]) == at


@pytest.mark.parametrize("black", [1, 4])
def test_a_cut_through_black_is_found(black: int) -> None:
    nothing = [np.zeros((SIDE, SIDE, 3), np.uint8)] * black
    one, other = shot(person(0), AT, 3), shot(person(1), AT, 3, seed=1)
    assert first_cut(one + nothing + other) == AT + black
    faded = lit(one, [1.0] * 9 + [0.8, 0.6, 0.4, 0.2, 0.1, 0]) + nothing
    faded += lit(other, [0, 0.1, 0.2, 0.4, 0.6, 0.8] + [1.0] * 9)
    assert first_cut(faded) is not None
    # Black, and back to the same person.
    both = shot(person(0), 2 * AT, 3)
    assert first_cut(both[:AT] + nothing + both[AT:]) is None


def test_motion_of_the_head_is_no_cut() -> None:
    for reach in (3, 8, 15):
        assert first_cut(shot(person(0), N, reach)) is None
    # At a third of the rate; and with every frame shown three times.
    fast = shot(person(0), 3 * N, 15)
    assert first_cut(fast[::3]) is None
    assert first_cut([fast[n // 3 * 3] for n in range(3 * N)]) is None


@pytest.mark.parametrize("gain", [0.15, 0.4, 1.6])
def test_light_that_is_switched_on_or_off_is_no_cut(gain: float) -> None:
    frames = shot(person(0), N, 3)
    assert first_cut(lit(frames[:AT], gain) + frames[AT:]) is None
    assert first_cut(frames[:AT] + lit(frames[AT:], gain)) is None


def test_light_from_another_side_is_no_cut() -> None:
    frames = shot(person(0), N, 3)
    ramp = np.linspace(0.3, 1.0, SIDE)[None, :, None]
    from_left = [(frame * ramp[:, ::-1]).astype(np.uint8) for frame in frames[:AT]]
    from_right = [(frame * ramp).astype(np.uint8) for frame in frames[AT:]]
    assert first_cut(from_left + from_right) is None


@pytest.mark.parametrize("length", [1, 3])
def test_a_flash_is_no_cut(length: int) -> None:
    frames = shot(person(0), N, 3)
    bright = lit(frames[AT : AT + length], 3.0)
    white = [np.full_like(frames[0], 255)] * length
    for flash in (bright, white):
        assert first_cut(frames[:AT] + flash + frames[AT + length :]) is None


def test_a_black_leader_and_a_fade_are_no_cuts() -> None:
    rng = np.random.default_rng(0)
    frames = shot(person(0), N, 3)
    black = [np.clip(rng.normal(16, 2, frames[0].shape), 0, 255).astype(np.uint8)] * 4
    assert first_cut(black + frames) is None
    assert first_cut(frames + black) is None
    assert first_cut(lit(frames, np.linspace(0, 1, N))) is None
    assert first_cut(lit(frames, np.linspace(1, 0, N))) is None


def test_a_cut_outside_the_span_does_not_matter(tmp_path: Path) -> None:
    pictures = shot(person(0), AT) + shot(person(1), N - AT)
    path = write_video(tmp_path / "a.mp4", pictures)
    whole = decode(recording(path))
    with pytest.raises(RecordingError, match=r"frame 15 \(0.600 s\): give start and stop"):
        list(within_one_shot(whole))
    for span in ({"stop_s": 0.6}, {"start_s": 0.6}):
        assert len(list(within_one_shot(decode(recording(path, **span))))) == AT
    with pytest.raises(RecordingError, match=r"frame 5 \(0.600 s\)"):
        list(within_one_shot(decode(recording(path, start_s=0.4))))


def test_two_frames_without_detail_have_nothing_to_compare() -> None:
    blank = np.zeros((96, 96), np.uint8)
    face = cv2.cvtColor(cv2.resize(person(0), (96, 96)), cv2.COLOR_RGB2GRAY)
    assert np.isnan(mismatch(blank, blank))
    assert mismatch(face, face) == pytest.approx(0, abs=1e-3)
    other = cv2.cvtColor(cv2.resize(person(1), (96, 96)), cv2.COLOR_RGB2GRAY)
    assert mismatch(face, other) > MIN_MISMATCH
