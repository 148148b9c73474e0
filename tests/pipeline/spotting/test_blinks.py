"""Blinks and winks in a displacement: what closes both eyes is none, what one eye does is one."""

from collections.abc import Callable

import numpy as np
import pytest

from fmdata.catalog.types import Track
from fmdata.pipeline.geometry.points import FACE_68
from fmdata.pipeline.spotting.displacement import displacement, lid_share
from fmdata.pipeline.spotting.lid_motion import Lids

FPS = 30.0
Timing = tuple[int, int, int, int]


def blinks(track: Track) -> list[int]:
    """Return the frames in which both eyes are closed for a moment."""
    _, closed = displacement(track, FPS)
    return np.flatnonzero(closed).tolist()


@pytest.mark.parametrize("timing", [(-3, -1, 9, 12), (40, 43, 52, 55), (79, 82, 95, 98)])
def test_a_third_of_a_second_is_a_blink_though_the_clip_cuts_it(
    film: Callable[..., Track], timing: Timing
) -> None:
    """Its first and last frames, hardly closed, may be left out."""
    closed = blinks(film(90, "blink", timing))
    whole = range(max(0, timing[0] + 3), min(90, timing[3] - 3))
    assert set(whole) <= set(closed) <= set(range(timing[0], timing[3]))


@pytest.mark.parametrize("timing", [(-3, -1, 30, 33), (40, 43, 67, 70), (60, 63, 95, 98)])
def test_eyes_closed_for_a_second_are_no_blink(film: Callable[..., Track], timing: Timing) -> None:
    assert blinks(film(90, "blink", timing)) == []


def test_a_wink_is_no_blink(film: Callable[..., Track]) -> None:
    assert blinks(film(90, "wink", (40, 43, 52, 55))) == []


T = np.arange(90)
WINK = np.where((T >= 40) & (T < 60), 0.03, 0.0)  # IOD, by which an upper lid is down
BLINK = np.where((T >= 45) & (T < 52), 0.05, 0.0)


def seen(left: np.ndarray, right: np.ndarray, known: np.ndarray | None = None) -> Lids:
    """How far the upper lids are down, as pictures show it; the lower ones stay."""
    down = np.zeros((len(left), 2, 2))
    down[:, 0, 0], down[:, 1, 0] = left, right
    known = np.ones((len(left), 2), np.bool_) if known is None else known
    return Lids(down, known, np.full(2, 0.1))


def lids_of(track: Track, lids: Lids) -> np.ndarray:
    """How far the face is from its median by the lids alone, IOD."""
    face, _ = displacement(track, FPS, lids)
    moves = face[:, 2 * len(FACE_68) :]
    return np.linalg.norm(moves - np.median(moves, axis=0), axis=1)


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_wink_that_only_pictures_show_is_a_displacement(
    film: Callable[..., Track], mirrored: bool
) -> None:
    pair = (WINK, 0 * WINK)
    moves = lids_of(film(90, jitter=0.0), seen(*(pair[::-1] if mirrored else pair)))
    assert moves[WINK > 0].min() > 0.02
    assert moves[WINK == 0].max() < 1e-9


def test_what_both_lids_do_alike_is_none(film: Callable[..., Track]) -> None:
    assert lids_of(film(90, jitter=0.0), seen(WINK, WINK)).max() < 1e-9


def test_a_wink_goes_on_behind_a_blink(film: Callable[..., Track]) -> None:
    """While both eyes are closed the pictures show no difference between them."""
    track = film(90, "blink", (44, 46, 50, 53), jitter=0.0)
    moves = lids_of(track, seen(np.maximum(WINK, BLINK), BLINK))
    assert moves[WINK > 0].min() > 0.02


def test_an_eye_that_opens_later_than_the_other_after_a_blink_does_not_wink(
    film: Callable[..., Track],
) -> None:
    track = film(90, "blink", (44, 46, 50, 53), jitter=0.0)
    late = np.where((T >= 45) & (T < 60), 0.05, 0.0)
    other = np.where((T >= 45) & (T < 60), np.where(T < 52, 0.05, 0.006), 0.0)
    assert lids_of(track, seen(late, other)).max() < 1e-9


def test_what_hides_an_eye_is_no_wink(film: Callable[..., Track]) -> None:
    """A reflection on one lens: where its lid seems to be is not known."""
    known = np.stack([WINK == 0, np.ones(90, np.bool_)], axis=1)
    assert lids_of(film(90, jitter=0.0), seen(WINK, 0 * WINK, known)).max() < 1e-9


def test_a_shut_eye_is_no_hidden_one(film: Callable[..., Track]) -> None:
    """Its picture is as unlike the open eye's; but the network sees it closed too."""
    track = film(90, "wink", (38, 42, 58, 62), jitter=0.0)
    known = np.stack([WINK == 0, np.ones(90, np.bool_)], axis=1)
    assert lids_of(track, seen(0 * WINK, 0 * WINK, known))[45:55].min() > 0.05


def test_a_blink_elsewhere_does_not_hide_a_wink(film: Callable[..., Track]) -> None:
    """Though both lids rest a little lower than in the frames that show the eyes widest open."""
    track = film(90, "blink", (76, 78, 82, 85), jitter=0.0)
    low = np.where(T < 9, 0.0, 0.012) + np.where((T >= 77) & (T < 84), 0.05, 0.0)
    assert lids_of(track, seen(WINK + low, low))[WINK > 0].min() > 0.015


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_frames_have_lids_too(film: Callable[..., Track], n: int) -> None:
    face, _ = displacement(film(n), FPS, seen(np.zeros(n), np.zeros(n)))
    assert face.shape == (n, 120)


def test_an_eye_that_pictures_show_open_does_not_blink(film: Callable[..., Track]) -> None:
    """A network lets one eye close a little with the other. A blink of both stays one."""
    track = film(90, "blink", (40, 43, 52, 55))
    _, blink = displacement(track, FPS)
    assert blink.max() > 0.02
    _, alone = displacement(track, FPS, seen(WINK, 0 * WINK))
    assert alone.max() == 0
    for both in (seen(WINK, WINK), seen(0 * WINK, 0 * WINK)):
        assert displacement(track, FPS, both)[1] == pytest.approx(blink)


def test_the_share_of_lids_in_a_motion(film: Callable[..., Track]) -> None:
    """Nearly all of a wink; of a smile hardly any."""
    shares = {}
    for what in ("wink", "smile"):
        face, _ = displacement(film(90, what, (40, 43, 70, 73), jitter=0.0), FPS)
        shares[what] = lid_share(face[60] - face[20])
    assert shares["wink"] > 0.8
    assert shares["smile"] < 0.05
    assert lid_share(np.zeros(120)) == 0
