"""Pieces of sound join where the file's times say so, to their rounding, and else begin anew."""

from fractions import Fraction

import pytest
from av import AudioFrame

from fmdata.pipeline.reading.sound.clock import TOLERANCE_S, Clock

RATE, SIZE = 48_000, 480  # ten milliseconds a piece


def frame(time_s: float | None, *, rate: int = RATE) -> AudioFrame:
    made = AudioFrame("s16", "mono", SIZE)
    made.sample_rate, made.time_base = rate, Fraction(1, 1_000_000)
    if time_s is not None:
        made.pts = round(time_s * 1_000_000)
    return made


def placed(*times_s: float | None, origin_s: Fraction = Fraction(0)) -> list[tuple[float, bool]]:
    """Return the start of each piece, and whether it joins the piece before it."""
    clock = Clock(origin_s)
    pieces = [clock.place(frame(time_s)) for time_s in times_s]
    return [(pytest.approx(piece.start_s, abs=1e-9), piece.joins) for piece in pieces]


def test_rounded_times_join() -> None:
    """Matroska rounds to a millisecond; the samples are counted, and no error adds up."""
    times_s = [round(n * 0.01, 3) + 0.0004 * (n % 3 - 1) for n in range(300)]
    found = placed(*times_s)
    assert found[0] == (times_s[0], False)
    assert found[1:] == [(times_s[0] + 0.01 * n, True) for n in range(1, 300)]


def test_a_gap_and_an_overlap_begin_anew() -> None:
    far = 3 * TOLERANCE_S
    assert placed(0, 0.01 + far, 0.02 + far) == [
        (0, False),
        (0.01 + far, False),
        (0.02 + far, True),
    ]
    assert placed(1, 1.01 - far) == [(1, False), (1.01 - far, False)]


def test_a_clock_that_drifts_is_followed() -> None:
    """Each piece lasts a tenth of a millisecond longer than its samples."""
    times_s = [n * 0.0101 for n in range(2000)]
    found = placed(*times_s)
    assert all(
        abs(start.expected - time_s) <= TOLERANCE_S + 1e-9
        for (start, _), time_s in zip(found, times_s, strict=True)
    )
    assert 10 < sum(not joins for _, joins in found) < 30


def test_sound_goes_on_where_a_clock_restarts() -> None:
    assert placed(100, 0, 0.01, 0.02) == [
        (100, False), (100.01, True), (100.02, True), (100.03, True)
    ]  # fmt: skip


def test_times_count_from_the_first_picture_and_may_be_missing() -> None:
    assert placed(1.5, None, origin_s=Fraction(2)) == [(-0.5, False), (-0.49, True)]
    assert placed(None, None) == [(0, False), (0.01, True)]


def test_another_format_begins_anew_at_the_same_place() -> None:
    clock = Clock(Fraction(0))
    clock.place(frame(0))
    piece = clock.place(frame(0.01, rate=24_000))
    assert (piece.start_s, piece.joins) == (0.01, False)
    assert piece.end_s == pytest.approx(0.03)
