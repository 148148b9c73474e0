"""Blinks do not displace the face; motion of one eye's lids does."""

import numpy as np
import pytest

from fmdata.catalog.types import Track
from fmdata.pipeline.spotting.eyelids import Lids
from fmdata.pipeline.spotting.signal import N_POINTS, lid_share, measure
from tests.helpers.faces import film

FPS = 30.0
Timing = tuple[int, int, int, int]


def blinks(track: Track) -> list[int]:
    """Return the frames of blinks."""
    return np.flatnonzero(measure(track, FPS, 1.0).blink).tolist()


@pytest.mark.parametrize("timing", [(-3, -1, 9, 12), (40, 43, 52, 55), (79, 82, 95, 98)])
def test_a_closure_of_a_third_of_a_second_is_a_blink_even_at_the_ends_of_the_clip(
    timing: Timing,
) -> None:
    """The first and last frames of a blink, hardly closed, may be missing."""
    closed = blinks(film(90, "blink", timing))
    whole = range(max(0, timing[0] + 3), min(90, timing[3] - 3))
    assert set(whole) <= set(closed) <= set(range(timing[0], timing[3]))


@pytest.mark.parametrize("timing", [(-3, -1, 30, 33), (40, 43, 67, 70), (60, 63, 95, 98)])
def test_eyes_closed_for_a_second_are_not_a_blink(timing: Timing) -> None:
    assert blinks(film(90, "blink", timing)) == []


def test_a_wink_is_not_a_blink() -> None:
    assert blinks(film(90, "wink", (40, 43, 52, 55))) == []


T = np.arange(90)
WINK = np.where((T >= 40) & (T < 60), 0.03, 0.0)  # downward displacement of an upper lid, IOD
BLINK = np.where((T >= 45) & (T < 52), 0.05, 0.0)


def measured(left: np.ndarray, right: np.ndarray, known: np.ndarray | None = None) -> Lids:
    """Return a measurement of upper lids that are down by so much, in IOD; lower lids stay."""
    down = np.zeros((len(left), 2, 2))
    down[:, 0, 0], down[:, 1, 0] = left, right
    known = np.ones((len(left), 2), np.bool_) if known is None else known
    return Lids(down, known, np.full(2, 0.1))


def lid_displacement(track: Track, lids: Lids) -> np.ndarray:
    """Return the lids' share in the distance of the face from its median, IOD."""
    moves = measure(track, FPS, 1.0, lids).face[:, N_POINTS:]
    return np.linalg.norm(moves - np.median(moves, axis=0), axis=1)


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_wink_visible_only_in_the_pixels_is_a_displacement(mirrored: bool) -> None:
    pair = (WINK, 0 * WINK)
    moves = lid_displacement(film(90, jitter=0.0), measured(*(pair[::-1] if mirrored else pair)))
    assert moves[WINK > 0].min() > 0.019
    assert moves[WINK == 0].max() < 1e-9


def test_equal_motion_of_both_eyes_is_no_displacement() -> None:
    assert lid_displacement(film(90, jitter=0.0), measured(WINK, WINK)).max() < 1e-9


def test_a_wink_is_interpolated_during_a_blink() -> None:
    """Closed eyes show no difference between them."""
    track = film(90, "blink", (44, 46, 50, 53), jitter=0.0)
    moves = lid_displacement(track, measured(np.maximum(WINK, BLINK), BLINK))
    assert moves[WINK > 0].min() > 0.019


def test_an_eye_that_opens_late_after_a_blink_does_not_wink() -> None:
    track = film(90, "blink", (44, 46, 50, 53), jitter=0.0)
    late = np.where((T >= 45) & (T < 60), 0.05, 0.0)
    other = np.where((T >= 45) & (T < 60), np.where(T < 52, 0.05, 0.006), 0.0)
    assert lid_displacement(track, measured(late, other)).max() < 1e-9


def test_a_hidden_eye_does_not_wink() -> None:
    """A reflection on one lens: the lid behind it is unknown."""
    known = np.stack([WINK == 0, np.ones(90, np.bool_)], axis=1)
    assert lid_displacement(film(90, jitter=0.0), measured(WINK, 0 * WINK, known)).max() < 1e-9


def test_a_shut_eye_is_not_a_hidden_one() -> None:
    """Its image differs from the open eye's too, but the network sees it closed."""
    track = film(90, "wink", (38, 42, 58, 62), jitter=0.0)
    known = np.stack([WINK == 0, np.ones(90, np.bool_)], axis=1)
    assert lid_displacement(track, measured(0 * WINK, 0 * WINK, known))[45:55].min() > 0.05


def test_a_blink_elsewhere_does_not_hide_a_wink() -> None:
    """Both lids rest a little lower than in the frames with the widest eyes."""
    track = film(90, "blink", (76, 78, 82, 85), jitter=0.0)
    low = np.where(T < 9, 0.0, 0.012) + np.where((T >= 77) & (T < 84), 0.05, 0.0)
    assert lid_displacement(track, measured(WINK + low, low))[WINK > 0].min() > 0.015


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_clip_of_few_frames_has_lids(n: int) -> None:
    signal = measure(film(n), FPS, 1.0, measured(np.zeros(n), np.zeros(n)))
    assert signal.face.shape == (n, 120)


def test_an_eye_open_in_the_pixels_does_not_blink() -> None:
    """The network closes one eye a little with the other. A blink of both eyes remains."""
    track = film(90, "blink", (40, 43, 52, 55))
    blink = measure(track, FPS, 1.0).blink
    assert blink.max() > 0.02
    assert measure(track, FPS, 1.0, measured(WINK, 0 * WINK)).blink.max() == 0
    for both in (measured(WINK, WINK), measured(0 * WINK, 0 * WINK)):
        assert measure(track, FPS, 1.0, both).blink == pytest.approx(blink)


def test_lids_are_most_of_a_wink_and_hardly_any_of_a_smile() -> None:
    shares = {}
    for what in ("wink", "smile"):
        face = measure(film(90, what, (40, 43, 70, 73), jitter=0.0), FPS, 1.0).face
        shares[what] = lid_share(face[60] - face[20])
    assert shares["wink"] > 0.8
    assert shares["smile"] < 0.05
    assert lid_share(np.zeros(120)) == 0
