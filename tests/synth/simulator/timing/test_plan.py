"""Events beside the motion: where they fall, and that each is off by default and on its own."""

import numpy as np
import pytest

from fmdata.synth.simulator.script import Script, write_scripts
from fmdata.synth.simulator.settings import SimulateSettings

EVENTS = ("blinks_at_boundary", "blinks_at_end", "glances", "nods")
PHASES = ("winks_first", "second_phases", "slow_rises")
FPS = 25


def scripts(**options: float | str | bool | tuple[str, ...]) -> list[Script]:
    """Return 36 recordings without random blinks."""
    return list(write_scripts(SimulateSettings(blinks=False, **options)))


PLAIN = scripts()


def closed(script: Script) -> np.ndarray:
    """Return the frames in which a blink closes the lids at least halfway."""
    return np.flatnonzero(script.beside.blink > 0.5)


def test_by_default_the_recordings_are_those_of_the_first_version() -> None:
    """Numbers of frames, key frames, amplitudes, and sums of the curves, as they have always been.

    The videos are rendered from them.
    """
    expected = [
        ((58, 13, 20, 33, 43, 0.9863), 21.20545, 4.074853),
        ((57, 12, 21, 57, 57, 0.9243), 37.43415, 0.0),
        ((50, 12, 20, 30, 37, 1.0343), 18.10025, 3.201915),
        ((54, 15, 22, 54, 54, 0.9189), 32.62095, 4.547097),
    ]
    for script, (frames, moved, blinked) in zip(
        write_scripts(SimulateSettings()), expected, strict=False
    ):
        t = script.truth
        assert (t.n_frames, t.onset, t.apex, t.release, t.offset, t.amplitude) == frames
        assert script.intensity.sum() == pytest.approx(moved, abs=1e-5)
        assert script.beside.blink.sum() == pytest.approx(blinked, abs=1e-5)
        assert (t.kind, t.rise, script.second) == ("", t.onset, "")
        beside = script.beside
        assert not any(c.any() for c in (script.other, beside.squeeze, beside.gaze, beside.nod))


@pytest.mark.parametrize("event", ["blinks_at_boundary", "glances", "nods"])
def test_an_event_changes_no_frame_of_the_motion(event: str) -> None:
    for plain, script in zip(PLAIN, scripts(**{event: 1.0}), strict=True):
        assert np.array_equal(plain.intensity, script.intensity)
        assert script.truth.kind


@pytest.mark.parametrize("setting", [*EVENTS, *PHASES])
def test_a_setting_is_the_share_of_recordings(setting: str) -> None:
    some = scripts(**{setting: 0.5})
    assert 8 <= sum(bool(s.truth.kind) for s in some) <= 28
    assert all(s.truth.kind for s in scripts(**{setting: 1.0}))


def test_a_blink_falls_on_the_boundary_that_its_kind_names() -> None:
    kinds = set()
    for script in scripts(blinks_at_boundary=1.0):
        truth, blink = script.truth, script.beside.blink > 0
        kinds.add(truth.kind)
        assert truth.onset is not None
        assert truth.offset is not None
        shut = np.flatnonzero(blink)
        if truth.kind == "blink before":
            assert truth.onset - 4 <= shut[-1] < truth.onset + 1
        else:
            boundary = truth.onset if truth.kind == "blink at onset" else truth.offset
            assert shut[0] <= boundary <= shut[-1] + 1
        assert not (truth.style == "hold" and truth.kind == "blink at offset")
        assert (script.beside.squeeze <= script.beside.blink).all()
    assert kinds == {"blink before", "blink at onset", "blink at offset"}


def test_a_recording_ends_under_a_blink_soon_after_the_motion() -> None:
    for script in scripts(blinks_at_end=1.0):
        truth = script.truth
        assert truth.offset is not None
        assert truth.n_frames - truth.offset <= 5
        assert truth.offset - 4 <= closed(script)[-1] <= truth.n_frames
        assert (truth.n_frames == truth.offset) == (truth.style == "hold")


def test_a_glance_begins_before_the_motion_or_during_it_and_comes_back() -> None:
    early = 0
    for script in scripts(glances=1.0):
        truth, (across, down) = script.truth, script.beside.gaze.T
        looking = np.flatnonzero(script.beside.gaze.any(1))
        assert truth.onset is not None
        assert truth.release is not None
        assert truth.onset - 0.4 * FPS - 1 <= looking[0] <= truth.release + 1
        assert 3 <= len(looking) <= 0.5 * FPS + 1
        assert list(looking) == list(range(looking[0], looking[-1] + 1))
        early += looking[0] < truth.onset
        way = {"left": across.max(), "right": -across.min(), "down": down.max()}
        side = truth.kind.removeprefix("glance ")
        assert 0.03 < way[side] <= 0.08
        assert max(way, key=lambda one: way[one]) == side
    assert 8 <= early <= 28


def test_the_head_follows_a_glance_to_the_same_side() -> None:
    """By up to 8 degrees, a tenth of a second later."""
    for script in scripts(glances=1.0):
        gaze, nod = script.beside.gaze, np.degrees(script.beside.nod)
        axis = int(script.truth.kind == "glance down")
        looking, turning = (np.abs(curve[:, axis]).argmax() for curve in (gaze, nod))
        assert np.sign(gaze[looking, axis]) == np.sign(nod[turning, axis])
        assert np.abs(nod).max() <= 8
        assert turning > looking


def test_the_head_nods_in_step_with_the_motion() -> None:
    names = set()
    for script in scripts(nods=1.0):
        nod = np.degrees(script.beside.nod)
        names.add(script.truth.kind)
        axis = int(script.truth.kind.startswith("nod"))
        assert not nod[:, 1 - axis].any()
        assert 4 < np.abs(nod[:, axis]).max() <= 16
        assert abs(nod[0, axis]) < 0.5
        assert np.corrcoef(np.abs(nod[:, axis]), script.intensity)[0, 1] > 0.85
    assert names == {"nod down", "nod up", "turn left", "turn right"}


def test_a_second_phase_is_of_the_same_expression_or_of_another() -> None:
    some = scripts(second_phases=1.0)
    assert {bool(script.second) for script in some} == {True, False}
    for script in some:
        assert script.truth.kind == f"second phase {script.second}".rstrip()
        assert bool(script.second) == bool(script.other.any())
        assert script.second not in (script.truth.action, "wink_left", "wink_right")


def test_the_truth_of_a_slow_rise_has_both_its_first_frame_and_its_main_rise() -> None:
    for script in scripts(slow_rises=1.0):
        truth = script.truth
        assert np.flatnonzero(script.intensity)[0] == truth.onset
        assert truth.onset is not None
        assert truth.rise is not None
        assert truth.rise > truth.onset
        assert script.intensity[truth.rise - 1] < 0.3 * truth.amplitude


def test_a_wink_first_is_the_onset() -> None:
    for script in scripts(winks_first=1.0):
        truth = script.truth
        assert truth.kind == f"{script.second} first"
        assert np.flatnonzero(script.other)[0] == truth.onset == truth.rise
        assert np.flatnonzero(script.intensity)[0] > truth.rise


def test_a_flash_stays_a_flash_and_a_still_face_has_no_phases() -> None:
    every = dict.fromkeys([*EVENTS, *PHASES], 1.0)
    for script in scripts(flash=True, **every):
        truth = script.truth
        assert truth.onset is not None
        assert truth.offset is not None
        assert 3 <= truth.offset - truth.onset <= 5
    for script in scripts(amplitude=0.0, **every):
        assert not script.intensity.any()
        assert not script.other.any()
        assert not any(name in script.truth.kind for name in ("first", "phase", "slow"))
        assert "glance" in script.truth.kind


def test_events_fit_into_a_recording_without_a_lead() -> None:
    for script in scripts(lead=False, **dict.fromkeys([*EVENTS, *PHASES], 1.0)):
        beside = script.beside
        assert script.truth.onset == 0
        assert beside.gaze.any()
        for curve in (beside.blink, beside.squeeze, beside.gaze, beside.nod):
            assert np.isfinite(curve).all()
            assert len(curve) == script.truth.n_frames
