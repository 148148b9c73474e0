"""Thresholds are tuned on some motions, and judged on the motions of the person left out."""

from collections.abc import Sequence
from dataclasses import replace

from bench.fidelity.spotting import Case
from bench.people import FACTORS, Factors, cost, spotter, table, tuned
from bench.thresholds import Threshold
from fmdata.catalog.types import Motion
from fmdata.pipeline.geometry import timeseries
from fmdata.synth.simulator.script import Truth

TRUTH = Truth("", "ann", "smile", "01", 30.0, 60, 20, 30, 40, 50, "return", 1.0)
THRESHOLDS = (Threshold(timeseries, "WINDOW_S"), Threshold(timeseries, "ORDER"))


def late(frames: float) -> Case:
    """Return a motion whose onset is found some frames late."""
    onset = 20 + round(frames)
    return Case(TRUTH, Motion(onset, onset, 50, "return", 0.05, 20.0, 5, 1.0))


def spotted(factors: Factors) -> Sequence[Case]:
    """Return two motions: the first is found best with 0.5 of a threshold, the second with 2."""
    return [late(10 * abs(factors[0] - 0.5)), late(10 * abs(factors[0] - 2.0))]


def test_a_threshold_is_tuned_on_the_chosen_motions_alone() -> None:
    """The other threshold changes nothing, and stays in the middle of its range."""
    assert tuned(spotted, 2, [0]) == (0.5, 1.0)
    assert tuned(spotted, 2, [1]) == (2.0, 1.0)
    assert FACTORS[len(FACTORS) // 2] == 1


def test_the_motions_left_out_are_judged_with_constants_tuned_without_them() -> None:
    """Ann's motion is spotted with Ben's constants, 15 frames late, and Ben's with Ann's."""
    head, ann, ben, everyone = table(["ann", "ben"], spotted, THRESHOLDS)
    assert ann == ["ann", "1", "5.00", "0.00", "0", "15.00", "0.00", "0", "WINDOW_S × 2"]
    assert ben == ["ben", "1", "10.00", "0.00", "0", "15.00", "0.00", "0", "WINDOW_S × 0.5"]
    assert everyone[:6] == ["all", "2", "7.50", "0.00", "0", "15.00"]
    assert len(head) == len(ann)


def test_a_missed_motion_costs_more_than_a_late_one() -> None:
    assert cost([late(3), late(1)]) == 2
    assert cost([replace(late(0), motion=None)]) == 20


def test_motions_are_spotted_with_scaled_thresholds_once_for_each_scaling() -> None:
    seen = []

    def motion() -> Case:
        seen.append(timeseries.WINDOW_S)
        return late(0)

    shipped = timeseries.WINDOW_S
    spot_all = spotter([motion], THRESHOLDS)
    for factors in ((1.0, 1.0), (2.0, 1.0), (2.0, 1.0)):
        assert len(spot_all(factors)) == 1
    assert seen == [shipped, 2 * shipped]
    assert shipped == timeseries.WINDOW_S
