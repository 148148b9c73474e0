"""A few frames stand for a clip: all with a mark, and others evenly between them."""

from itertools import pairwise

from fmdata.drawing.spread import spread


def test_the_marked_frames_and_both_ends_are_chosen() -> None:
    frames = spread(1000, [10, 17, 500], 14)
    assert {0, 10, 17, 500, 999} <= set(frames)
    assert len(frames) == 14


def test_the_others_are_even() -> None:
    """Between 0 and 99 without marks, no distance is twice another."""
    for most in range(2, 40):
        frames = spread(100, [], most)
        gaps = [b - a for a, b in pairwise(frames)]
        assert len(frames) == most
        assert max(gaps) <= 2 * min(gaps)


def test_a_short_clip_is_shown_whole_and_no_frame_twice() -> None:
    assert spread(5, [0, 1, 2, 4], 14) == [0, 1, 2, 3, 4]
    assert spread(1, [0, 0, 0], 14) == [0]
    assert spread(100, [3, 4, 5], 2) == [3, 4, 5]
