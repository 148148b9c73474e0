"""A threshold is scaled in every module that uses it, and restored afterwards."""

from dataclasses import replace

import pytest

from bench.thresholds import FACTORS, ROWS, THRESHOLDS, Filmed, Threshold, head, scaled, table
from fmdata.pipeline.geometry import similarity
from fmdata.pipeline.second_pass.redetect import Refined
from fmdata.pipeline.spotting import phases, rest, timing
from fmdata.synth.simulator.script import Truth
from tests.helpers.faces import film

FPS = 30.0
TIMING = (20, 30, 45, 57)  # onset, apex, release, offset
TRUTH = Truth("smile.mp4", "s01", "smile", "01", FPS, 75, *TIMING, "return", 1.0)
SMILE = Filmed(TRUTH, FPS, film(75, timing=TIMING), None)
STILL = Filmed(replace(TRUTH, onset=None), FPS, film(75), None)


def test_every_module_that_imports_a_threshold_has_the_scaled_value() -> None:
    value = rest.TOLERANCE_IOD
    with scaled(Threshold(rest, "TOLERANCE_IOD"), 2.0):
        assert rest.TOLERANCE_IOD == timing.TOLERANCE_IOD == 2 * value
    assert rest.TOLERANCE_IOD == timing.TOLERANCE_IOD == value


def test_another_constant_of_the_same_name_is_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similarity, "TOLERANCE_IOD", 0.5, raising=False)
    with scaled(Threshold(rest, "TOLERANCE_IOD"), 2.0):
        assert similarity.TOLERANCE_IOD == 0.5


def test_a_threshold_is_restored_after_an_error() -> None:
    threshold = Threshold(phases, "MIN_AMPLITUDE_IOD")
    value = threshold.value
    with pytest.raises(RuntimeError), scaled(threshold, 2.0):
        raise RuntimeError
    assert threshold.value == value


def test_a_scaled_threshold_decides_about_a_motion() -> None:
    assert SMILE.case().motion is not None
    with scaled(Threshold(phases, "MIN_AMPLITUDE_IOD"), 100.0):
        assert SMILE.case().motion is None


def test_a_doubtful_recording_is_spotted_on_its_refined_landmarks() -> None:
    """The first pass sees a still face, the second one a smile."""
    assert STILL.case().motion is None
    assert replace(STILL, refined=Refined(SMILE.track, None)).case().motion is not None


def test_the_table_has_a_line_for_each_threshold_and_factor() -> None:
    lines = table([[SMILE]] * (len(ROWS) - 1) + [[STILL]], THRESHOLDS[:2])
    assert [line[0] for line in lines[1::2]] == [str(threshold) for threshold in THRESHOLDS[:2]]
    assert len(lines) == 1 + 2 * len(FACTORS)
    assert {len(line) for line in lines} == {len(head())}
    assert lines[0][-1] == "0 %"
