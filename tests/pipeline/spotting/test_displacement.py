"""Displacement: what closes both eyes for a moment is a blink, and nothing else is."""

from collections.abc import Callable

import numpy as np
import pytest

from fmdata.catalog.types import Track
from fmdata.pipeline.spotting.displacement import displacement

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
