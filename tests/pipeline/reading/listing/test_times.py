"""Boundaries in the cells of a row: frames or seconds, complete and in order."""

import pytest

from fmdata.catalog.given.truth import GivenTimes
from fmdata.pipeline.reading.listing.times import given_times

FRAMES, SECONDS = ("onset", "apex", "offset"), ("onset_s", "apex_s", "offset_s")


def cells(names: tuple[str, ...], *values: str) -> dict[str, str]:
    return dict(zip(names, values, strict=True))


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        (cells(FRAMES, "2", "5", "9"), GivenTimes(2, 9, 5)),
        (cells(FRAMES, "2", "", "9"), GivenTimes(2, 9)),
        (cells(FRAMES, "2", "2", "3"), GivenTimes(2, 3, 2)),
        (cells(FRAMES, "57.5", "", ""), GivenTimes(57.5)),
        (cells(FRAMES, "2.0", "", "9"), GivenTimes(2, 9)),
        (cells(SECONDS, "0,48", "0.6", "00:01.24"), GivenTimes(0.48, 1.24, 0.6, in_seconds=True)),
        (cells(FRAMES, "", "", "") | cells(SECONDS, "1", "", "2"), GivenTimes(1, 2, None, True)),
        (cells(FRAMES, "", "", ""), None),
        ({}, None),
    ],
)
def test_boundaries_are_frames_or_seconds(row: dict[str, str], wanted: GivenTimes | None) -> None:
    assert given_times(row) == (wanted, [])


@pytest.mark.parametrize(
    ("row", "error"),
    [
        (cells(FRAMES, "2", "", "9") | cells(SECONDS, "", "", "0.4"), "give one of the two"),
        (cells(FRAMES, "", "5", ""), "onset is empty, beside apex"),
        (cells(SECONDS, "", "", "2"), "onset_s is empty, beside offset_s"),
        ({"onset": "2"}, "offset is no column, beside onset"),
        (cells(FRAMES, "9", "", "2"), "offset 2 is not after onset 9"),
        (cells(FRAMES, "2", "", "2"), "offset 2 is not after onset 2"),
        (cells(FRAMES, "2", "1", "9"), "apex 1 is before onset 2"),
        (cells(FRAMES, "2", "9", "9"), "apex 9 is not before offset 9"),
        (cells(FRAMES, "-1", "", "9"), "onset -1 is negative"),
        (cells(FRAMES, "0.48", "", "9"), "seconds are for onset_s"),
        (cells(FRAMES, "first", "", "9"), "onset is 'first', not the number of a frame"),
        (cells(SECONDS, "480ms", "", "2"), "onset_s is '480ms', milliseconds"),
        (cells(SECONDS, "nan", "", "2"), "onset_s is 'nan', not a number of seconds"),
    ],
)
def test_anything_else_is_an_error_that_names_the_column(row: dict[str, str], error: str) -> None:
    times, errors = given_times(row)
    assert times is None
    assert len(errors) == 1
    assert error in errors[0]
