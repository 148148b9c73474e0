"""Nominal rates of constant and variable recordings, and the times of spliced frames."""

import numpy as np
import pytest

from fmdata.catalog.timing import nominal_rate, same_rate, segment_times
from fmdata.catalog.types import Segment


def times(*intervals_ms: float) -> np.ndarray:
    return np.float32(np.cumsum([0.0, *intervals_ms]) / 1000)


def mean_rate(timestamps: np.ndarray) -> float:
    return (len(timestamps) - 1) / float(timestamps[-1] - timestamps[0])


def test_a_constant_rate_is_returned_as_it_is() -> None:
    assert nominal_rate(times(*[1000 / 29.97] * 300), 29.97) == 29.97
    assert nominal_rate(times(*[33, 33, 34] * 20), 30.0) == 30.0  # whole milliseconds
    assert nominal_rate(times(), 25.0) == 25.0


@pytest.mark.parametrize("slow", [10, 30])
def test_a_recording_that_slows_down_has_the_rate_of_its_usual_interval(slow: int) -> None:
    timestamps = times(*[1000 / 30] * 30, *[1000 / 15] * slow)
    assert mean_rate(timestamps) < 26
    assert same_rate(nominal_rate(timestamps, mean_rate(timestamps)), 30.0)


def test_dropped_frames_do_not_change_the_nominal_rate() -> None:
    timestamps = times(*([40] * 6 + [80]) * 10)
    assert mean_rate(timestamps) < 22
    assert nominal_rate(timestamps, mean_rate(timestamps)) == pytest.approx(25.0, abs=0.01)


def test_no_two_standard_rates_are_the_same() -> None:
    rates = [15, 24, 25, 30, 50, 60, 120]
    for one in rates:
        assert [other for other in rates if same_rate(one, other)] == [one]
    assert same_rate(29.97, 30)
    assert same_rate(23.976, 24)
    assert same_rate(29.6, 30.2)


def test_frames_keep_the_intervals_of_their_source_and_a_joint_is_nominal() -> None:
    sources = {"a": times(40, 40, 80, 40), "b": 7 + times(100, 20, 20)}
    segments = [
        Segment("a", 1, 2, "lead"),
        Segment("a", 2, 5, "first"),
        Segment("b", 0, 3, "second"),
        Segment("b", 3, 3, "tail"),
    ]
    made = segment_times(segments, sources.__getitem__, 25.0)
    assert made.dtype == np.float32
    assert made == pytest.approx([0, 0.04, 0.12, 0.16, 0.2, 0.3, 0.32], abs=1e-6)


def test_a_take_joined_with_itself_steps_back_by_a_nominal_interval() -> None:
    sources = {"a": times(40, 40, 80)}
    segments = [Segment("a", 2, 4, "first"), Segment("a", 0, 2, "second")]
    assert segment_times(segments, sources.__getitem__, 25.0) == pytest.approx(
        [0, 0.08, 0.12, 0.16]
    )
