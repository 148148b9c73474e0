"""Boundaries of a table as frames of a clip, which may be a span of its file."""

import numpy as np
import pytest

from fmdata.catalog.given.truth import GivenTimes
from fmdata.pipeline.work.given import Bounds, bounds_of

# A clip of ten frames whose first is frame 5 of a file of 25 frames a second.
STAMPS = np.float32((5 + np.arange(10)) / 25)


def bounds(times: GivenTimes, stamps: np.ndarray = STAMPS) -> Bounds:
    return bounds_of(times, 5, len(stamps), lambda: stamps)


@pytest.mark.parametrize(
    ("times", "wanted"),
    [
        (GivenTimes(5, 15, 7), (0, 2, 10)),
        (GivenTimes(6, 9), (1, None, 4)),
        (GivenTimes(6), (1, None, 10)),
        (GivenTimes(6.5, 8.5), (2, None, 4)),  # halves count as the next frame
        (GivenTimes(0.24, 0.36, 0.28, in_seconds=True), (1, 2, 4)),
        (GivenTimes(0.2, 0.6, in_seconds=True), (0, None, 10)),  # the end of the last frame
        (GivenTimes(0.259, 0.341, in_seconds=True), (1, None, 4)),  # the nearest frames
        (GivenTimes(0.261, 0.379, in_seconds=True), (2, None, 4)),
        (GivenTimes(0.24, 0.36, 0.359, in_seconds=True), (1, 3, 4)),  # an apex is in the motion
        (GivenTimes(0.24, None, in_seconds=True), (1, None, 10)),
    ],
)
def test_frames_count_from_the_first_of_the_file(times: GivenTimes, wanted: tuple) -> None:
    assert bounds(times) == wanted


def test_seconds_follow_the_times_of_a_varying_rate() -> None:
    stamps = np.float32([0, 0.1, 0.15, 0.2, 0.6])
    found = bounds_of(GivenTimes(0.1, 0.55, in_seconds=True), 0, 5, lambda: stamps)
    assert found == (1, None, 4)


@pytest.mark.parametrize(
    ("times", "problem"),
    [
        (GivenTimes(4, 9), "onset 4 is before its first frame, 5"),
        (GivenTimes(6, 16), "offset 16 is beyond its end, 15"),
        (GivenTimes(15), "onset 15 is beyond its end, 15"),
        (GivenTimes(6, None, 15), "apex 15 is beyond its end, 15"),
        (GivenTimes(6, 6.4), "onset 6, offset 6.4 are one frame"),
        (GivenTimes(0.1, 0.4, in_seconds=True), "onset_s 0.1 is not within 0.200 to 0.600 s"),
        (GivenTimes(0.3, 0.7, in_seconds=True), "offset_s 0.7 is not within"),
        (GivenTimes(0.30, 0.31, in_seconds=True), "are one frame"),
        (GivenTimes(0.6, None, in_seconds=True), "are one frame"),
    ],
)
def test_boundaries_outside_of_the_clip_are_a_problem(times: GivenTimes, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        bounds(times)
