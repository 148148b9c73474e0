"""The benchmark's measures of spotting, on motions with errors counted by hand."""

import math

import pytest

from bench.fidelity.spotting import Case, beside_plateau, iou, score
from fmdata.catalog.types import Motion
from fmdata.synth.simulator.script import Truth


def truth(
    onset: int | None, apex: int | None, release: int | None, offset: int | None, style: str
) -> Truth:
    return Truth("", "s01", "smile", "01", 25.0, 50, onset, apex, release, offset, style, 1.0)


RETURN = truth(10, 15, 25, 30, "return")  # moves in the 20 frames 10 to 29
STILL = truth(None, None, None, None, "")


def found(onset: int, apex: int, offset: int, style: str = "return") -> Motion:
    return Motion(onset, apex, offset, style, 0.05, 20.0, 10, 1.0)


def test_iou_counts_frames() -> None:
    assert iou(Case(RETURN, found(10, 15, 30))) == 1
    assert iou(Case(RETURN, found(12, 15, 30))) == 18 / 20
    assert iou(Case(RETURN, found(20, 25, 40))) == 10 / 30
    assert iou(Case(RETURN, found(30, 32, 40))) == 0
    assert iou(Case(RETURN, found(35, 36, 40))) == 0
    assert iou(Case(RETURN, None)) == iou(Case(STILL, found(10, 15, 30))) == 0


def test_the_plateau_is_half_open() -> None:
    apexes = {14: 1, 15: 0, 24: 0, 25: 1, 28: 4}
    for apex, beside in apexes.items():
        assert beside_plateau(Case(RETURN, found(10, apex, 30))) == beside


def test_a_row_of_four_recordings() -> None:
    """One right, one 2 frames late and wrongly held, one elsewhere, one missed.

    Errors of the onsets are 0, 2 and 23 frames of 40 ms, of the offsets 0, 5 and 20; IoUs are 1,
    18 / 25, 0 and 0.
    """
    row = score(
        [
            Case(RETURN, found(10, 15, 30), flash=True),
            Case(RETURN, found(12, 14, 35, "hold")),
            Case(RETURN, found(33, 36, 50), flash=True),
            Case(RETURN, None),
        ]
    )
    assert row.n == 4
    assert row.onset.median == 2
    assert row.onset.mean_absolute == pytest.approx(25 / 3)
    assert row.onset.mean_absolute_ms == pytest.approx(1000 / 3)
    assert row.offset.mean_absolute == pytest.approx(25 / 3)
    assert row.apex.median == 0
    assert row.iou == pytest.approx((1 + 18 / 25) / 4)
    assert (row.iou_50, row.iou_80) == (0.5, 0.25)
    assert row.style == pytest.approx(2 / 3)
    assert row.plateau == pytest.approx(1 / 3)
    assert row.near_plateau == pytest.approx(2 / 3)
    assert (row.flash, row.missed, row.false_alarms) == (0.25, 0.5, 0.25)


def test_still_faces_have_only_false_alarms() -> None:
    row = score([Case(STILL, None), Case(STILL, found(10, 15, 30)), Case(STILL, None)])
    assert row.false_alarms == pytest.approx(1 / 3)
    assert all(math.isnan(value) for value in (row.iou, row.style, row.missed, row.onset.median))


def test_an_early_onset_has_a_negative_error() -> None:
    assert score([Case(RETURN, found(7, 14, 28))]).onset.median == -3
