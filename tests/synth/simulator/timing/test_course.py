"""Courses of motions: key frames by hand, and intensities that follow them exactly."""

import numpy as np
import pytest

from fmdata.synth.simulator.timing.course import (
    Course,
    Part,
    cut_short,
    draw_course,
    with_second_phase,
    with_slow_rise,
    with_wink,
)

FPS = 25.0
# At rest for 10 frames, 3 of the rise, 5 of the plateau, 4 of the fall, at rest for 8.
PLAIN = Course(10, (Part("rise", 3, 1.0), Part("plateau", 5, 1.0), Part("fall", 4, 0.0)), 8)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def moving(course: Course) -> list[int]:
    """Return the frames in which either expression is above zero."""
    return list(np.flatnonzero(np.maximum(course.intensity, course.other) > 0))


def assert_exact(course: Course) -> None:
    assert len(course.intensity) == len(course.other) == course.n_frames
    assert moving(course) == list(range(course.onset, course.offset))
    assert course.onset <= course.rise < course.apex < course.release <= course.offset
    for curve in (course.intensity, course.other):
        assert curve.min() >= 0
        assert curve.max() <= 1


def test_key_frames_follow_from_the_lengths_of_the_parts() -> None:
    frames = (PLAIN.onset, PLAIN.rise, PLAIN.apex, PLAIN.release, PLAIN.offset, PLAIN.n_frames)
    assert frames == (10, 10, 13, 18, 22, 30)
    assert list(np.flatnonzero(PLAIN.intensity == 1)) == list(range(13, 18))
    assert not PLAIN.other.any()
    # Halfway through the three frames of the rise the cosine is at one half.
    assert PLAIN.intensity[11] == pytest.approx(0.5)
    assert_exact(PLAIN)


def test_a_held_course_ends_at_its_plateau() -> None:
    held = draw_course(rng(), FPS, hold=True)
    assert held.release == held.offset == held.n_frames
    assert (held.intensity[held.apex :] == 1).all()


@pytest.mark.parametrize("seed", range(20))
def test_a_slow_rise_stays_low_until_the_main_rise(seed: int) -> None:
    slow = with_slow_rise(PLAIN, rng(seed), FPS)
    assert_exact(slow)
    assert slow.onset == 10
    assert 4 <= slow.rise - slow.onset <= 10
    before = slow.intensity[slow.onset : slow.rise]
    assert before.max() <= 0.25
    assert before[-1] == before[-2]  # the hesitation
    assert (np.diff(slow.intensity[slow.rise - 1 : slow.apex + 1]) > 0).all()


@pytest.mark.parametrize("other", [False, True])
@pytest.mark.parametrize("hold", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_two_phases_meet_in_a_partial_release(hold: bool, other: bool, seed: int) -> None:
    """The face falls back to between 0.3 and 0.48, and never to rest between the phases."""
    once = draw_course(rng(seed), FPS, hold=hold)
    twice = with_second_phase(once, rng(seed), FPS, other=other)
    assert_exact(twice)
    assert (twice.onset, twice.apex) == (once.onset, once.apex)
    total = twice.intensity + twice.other
    dip = total[twice.apex : twice.release].min()
    assert 0.3 <= dip <= 0.48
    second = twice.other if other else twice.intensity
    assert 0.85 <= second[twice.release - 1] <= 1
    assert other == bool(twice.other.any())
    assert (twice.offset == twice.n_frames) == hold
    if other:  # the first expression is over before the second plateau
        assert twice.intensity[twice.release - 1] == 0


@pytest.mark.parametrize("seed", range(10))
def test_a_wink_comes_before_the_expression_and_goes_with_it(seed: int) -> None:
    wink = with_wink(PLAIN, rng(seed), FPS)
    assert_exact(wink)
    first = int(np.flatnonzero(wink.intensity)[0])
    assert 3 <= first - wink.onset <= 9
    assert wink.onset == wink.rise == 10
    assert (wink.other[first : wink.release] == 1).all()
    assert np.array_equal(wink.other[wink.release :], wink.intensity[wink.release :])


def test_a_recording_cut_short_keeps_the_motion() -> None:
    for seed in range(10):
        short = cut_short(PLAIN, rng(seed), FPS)
        assert 1 <= short.after <= 5
        assert np.array_equal(short.intensity, PLAIN.intensity[: short.n_frames])


def test_all_varieties_combine() -> None:
    course = with_wink(
        with_second_phase(with_slow_rise(PLAIN, rng(), FPS), rng(), FPS, other=False), rng(), FPS
    )
    assert_exact(course)
    assert [part.name for part in course.parts] == [
        "wink", "creep", "wait", "rise", "plateau", "drop", "dip", "again", "plateau", "fall",
    ]  # fmt: skip
