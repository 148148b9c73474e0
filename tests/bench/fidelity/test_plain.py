"""The two plain methods, on faces whose motion is known."""

import numpy as np
import pytest

from bench.fidelity.plain import METHODS, aligned, as_motion, deviations, threshold
from tests.helpers.faces import film

FPS = 30.0
TIMING = (20, 30, 45, 57)  # onset, apex, release, offset


def test_the_threshold_finds_a_motion_above_a_fifth_of_its_height() -> None:
    """A cosine that rises in 11 steps passes a fifth of its height in its fourth frame."""
    track = film(75, timing=TIMING, jitter=0.0)
    span = threshold(track, FPS)
    assert span is not None
    assert span[0] == pytest.approx(22, abs=1)
    assert span[1] == pytest.approx(54, abs=1)


def test_the_threshold_holds_what_does_not_come_back() -> None:
    span = threshold(film(60, timing=(20, 30, 60, 60)), FPS)
    assert as_motion(span, 60).style == "hold"
    assert as_motion((20, 50), 60).style == "return"
    assert as_motion(None, 60) is None


def test_deviations_see_the_rise_half_a_window_early() -> None:
    """The widest window has 15 frames, 7 of them before and after its middle."""
    span = deviations(film(75, timing=TIMING, jitter=0.0005), FPS)
    assert span is not None
    assert 20 - 7 <= span[0] <= 20
    assert 57 - 2 <= span[1] <= 57 + 8


def test_deviations_find_no_motion_in_a_face_at_rest() -> None:
    """A threshold relative to the largest displacement finds one in every recording."""
    still = film(60, jitter=0.0005)
    assert deviations(still, FPS) is None
    assert threshold(still, FPS) is not None


def test_both_methods_see_a_face_whose_head_is_held_still() -> None:
    """A head that rotates by up to 8 degrees leaves less than a hundredth of the eyes' distance."""
    points = aligned(film(60, head=8.0, jitter=0.0))
    assert np.sqrt(np.square(points - np.median(points, axis=0)).sum(-1).mean()) < 0.01
    assert set(METHODS) == {"threshold", "deviations"}
