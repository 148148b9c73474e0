"""Simulated sessions: many motions in one recording, each known exactly, and what lies between."""

import csv
from pathlib import Path

import numpy as np
import pytest

from fmdata.catalog.errors import UsageError
from fmdata.pipeline.reading.decode import decode
from fmdata.synth.simulator.session.between import MARGIN_S
from fmdata.synth.simulator.session.script import write_sessions
from fmdata.synth.simulator.settings import SimulateSettings
from fmdata.synth.simulator.simulate import TRUTH, simulate
from tests.helpers.encoded import recording

TEN_MINUTES = SimulateSettings(subjects=2, actions=4, takes=10, seed=5, session_s=600)


def test_a_session_has_every_take_of_every_action_once() -> None:
    """40 motions in 15,000 frames, in another order for each subject, none beside another."""
    one, other = write_sessions(TEN_MINUTES)
    assert one.n_frames == 15000
    names = [(truth.action, truth.take) for truth in one.truths]
    assert sorted(names) == sorted((truth.action, truth.take) for truth in other.truths)
    assert len(set(names)) == 40
    assert names != [(truth.action, truth.take) for truth in other.truths]
    gaps = [b.onset - a.offset for a, b in zip(one.truths, one.truths[1:], strict=False)]
    assert min(gaps) >= 2 * MARGIN_S * 25


def test_the_face_moves_in_the_motions_and_talks_between_them() -> None:
    """Intensity is above zero from onset to offset alone; talk, turns and glances lie outside."""
    (session, _) = write_sessions(TEN_MINUTES)
    inside = np.zeros(session.n_frames, bool)
    for truth in session.truths:
        inside[truth.onset : truth.offset] = True
    assert ((session.intensity > 0) == inside).all()
    for curve in (session.talk, session.nod, session.gaze):
        assert np.abs(curve).max() > 0.01
        assert (curve[inside] == 0).all()
    kinds = {event.name.split()[0] for event in session.between}
    assert {"talk", "turn", "glance"} <= kinds
    assert session.blink.max() == 1


def test_motions_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UsageError, match=r"a session of 10 s for 8 motions"):
        list(write_sessions(SimulateSettings(actions=4, takes=2, session_s=10)))


def test_the_truth_has_a_row_for_each_motion(tmp_path: Path) -> None:
    """One video a subject, whose frames move where the table says; the same bytes again."""
    settings = SimulateSettings(
        subjects=1, actions=("smile",), takes=1, size=128, session_s=5, head="still", noise=0.0
    )
    simulated = simulate(tmp_path / "a", settings)
    assert str(simulated).startswith("1 recordings in ")
    (row,) = csv.DictReader((tmp_path / "a" / TRUTH).open())
    assert (row["path"], row["action"]) == ("s01/session/01.mp4", "smile")
    frames = [frame.rgb for frame in decode(recording(tmp_path / "a" / row["path"]))]
    assert len(frames) == 125
    rest, apex = frames[int(row["onset"]) - 1], frames[int(row["apex"])]
    mouth = slice(70, 100), slice(40, 90)
    assert np.abs(apex[mouth].astype(int) - rest[mouth]).mean() > 1
    simulate(tmp_path / "b", settings)
    both = [tmp_path / name / "s01/session/01.mp4" for name in "ab"]
    assert both[0].read_bytes() == both[1].read_bytes()
