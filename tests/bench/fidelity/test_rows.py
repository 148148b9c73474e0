"""Rows have the promised number of recordings, and checks compare with their target."""

import pytest

from bench.fidelity.rows import CONDITIONS, DEFAULT, STILL, row
from bench.fidelity.targets import at_least, at_most
from fmdata.synth.simulator.script import write_scripts


@pytest.mark.parametrize("name", CONDITIONS)
def test_every_row_has_enough_recordings(name: str) -> None:
    settings = row(name, 40, seed=0).settings
    assert 40 <= settings.n_recordings < (100 if name in STILL else 60)


def test_pooled_rows_share_no_recording() -> None:
    scripts = [
        (script.truth.n_frames, script.truth.onset, script.truth.amplitude)
        for name in DEFAULT
        for script in write_scripts(row(name, 40, seed=0).settings)
    ]
    assert len(set(scripts)) == len(scripts)


def test_a_check_is_met_at_its_target_and_never_by_nan() -> None:
    assert at_most("", 1.0, 1.0).met
    assert not at_most("", 1.01, 1.0).met
    assert at_least("", 0.95, 0.95).met
    assert not at_most("", float("nan"), 1.0).met
    assert not at_least("", float("nan"), 0.0).met
    assert at_least("", 0.99999, 1.0).got == "99.9 %"
