"""Curve and landmarks are drawn where the numbers say."""

from dataclasses import replace

import numpy as np
import pytest

from fmdata.drawing.canvas import Canvas
from fmdata.drawing.curve import Panel, draw_curve, ticks
from fmdata.drawing.face_lines import draw_landmarks
from fmdata.drawing.scene import FIRST, LEAD, Span
from fmdata.drawing.small import draw_small
from tests.helpers.scenes import grey_scene

PANEL = Panel(left=20, top=10, right=500, bottom=110, size=12)


def drawn(scene, texts: bool = False) -> np.ndarray:
    canvas = Canvas(520, 140)
    draw_curve(canvas, PANEL, scene, texts)
    return np.asarray(canvas.image, np.int32)


def test_the_curve_is_high_where_the_intensity_is() -> None:
    """Frame 7 of 12 begins at 7/12 of the width; the dark line is at 5/6.5 of the height there."""
    pixels = drawn(replace(grey_scene(), marks=()))
    column = pixels[:, 20 + 480 * 7 // 12].sum(axis=1)
    assert int(column[:105].argmin()) == pytest.approx(110 - 100 / 1.3, abs=2)


def test_marks_have_a_colour_of_their_own() -> None:
    """Orange is at the onset, a quarter of the way along, and not half way to it."""
    pixels = drawn(grey_scene())
    orange = pixels[..., 0] - pixels[..., 2] > 100
    assert orange[:, 20 + 480 * 3 // 12].any()
    assert not orange[:, 20 + 480 * 3 // 24].any()


def test_spans_are_painted_from_their_first_frame_to_their_last() -> None:
    pixels = drawn(replace(grey_scene(), marks=(), spans=(Span(LEAD, 0, 6), Span(FIRST, 6, 12))))
    blue = pixels[8, :, 2] - pixels[8, :, 0] > 100
    assert np.flatnonzero(blue)[[0, -1]] == pytest.approx([260, 500], abs=1)


def test_a_clip_without_intensity_has_an_empty_panel() -> None:
    assert (drawn(replace(grey_scene(), intensity=None, marks=()), texts=True) < 200).any()


def test_landmarks_lie_at_their_pixels() -> None:
    """The corner of an eye at pixel (4, 5) of a crop that is drawn ten times larger."""
    for n in (478, 68):
        points = np.full((n, 2), 12.0)
        points[33 if n == 478 else 36] = 4, 5
        canvas = Canvas(200, 200, "#000000")
        draw_landmarks(canvas, points, 10, 20, 10.0)
        ys, xs = np.nonzero(np.asarray(canvas.image).max(axis=2) > 100)
        assert (xs.min(), ys.min()) == pytest.approx((10 + 45, 20 + 55), abs=4)


def test_ticks_are_round_and_few() -> None:
    assert list(ticks(0.065, 4)) == [0, 0.02, 0.04, 0.06]
    assert list(ticks(3.7, 8)) == [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5]
    for highest in (1e-3, 0.0999, 0.1, 7.3, 5000):
        assert 2 <= len(list(ticks(highest, 4))) <= 5


def test_a_small_picture_fits_a_terminal() -> None:
    assert draw_small(grey_scene(), 80).width == 80


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30, -1e9])
def test_points_from_anywhere_take_no_memory_and_no_time(value: float) -> None:
    canvas = Canvas(100, 100)
    draw_landmarks(canvas, np.full((478, 2), value), 0, 0, 2.0)
    points = np.random.default_rng(0).random((68, 2)) * 100
    points[::3] = value
    draw_landmarks(canvas, points, 0, 0, 1.0)
    assert canvas.image.size == (100, 100)


def test_a_very_narrow_terminal_gets_a_picture() -> None:
    assert draw_small(grey_scene(), 1).width == 20
