"""Heads in recordings: the same bytes, exact truth of every frame, and days that differ."""

import os
import subprocess
import sys
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from fmdata.catalog.errors import UsageError
from fmdata.synth.simulator.actor import Actor
from fmdata.synth.simulator.camera import Camera
from fmdata.synth.simulator.cast import act, open_cast, skin_positions
from fmdata.synth.simulator.face.units import UNITS
from fmdata.synth.simulator.heads.cast import HeadCast
from fmdata.synth.simulator.roles import expression_of
from fmdata.synth.simulator.script import Script, Truth, write_scripts
from fmdata.synth.simulator.settings import SimulateSettings
from fmdata.synth.simulator.simulate import draw_frames, simulate
from tests.helpers.folders import assert_same_files, read_files

# Five frames a second, so that a recording has about a dozen frames.
FEW = {"cast": "heads", "size": 128, "fps": 5.0, "crf": 30, "seed": 3}


def settings_of(**options: object) -> SimulateSettings:
    return SimulateSettings(**{**FEW, "subjects": 1, "actions": 1, "takes": 2, **options})


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two takes of a smile, with turns of the head of up to 30 degrees."""
    folder = tmp_path_factory.mktemp("heads")
    simulate(folder, settings_of(turn=30.0))
    return folder


def acted(settings: SimulateSettings) -> list[tuple[Script, Actor, Camera]]:
    cast = open_cast(settings)
    return [(script, *act(cast, script, settings)) for script in write_scripts(settings)]


_ELSEWHERE = """
import sys
from pathlib import Path
from fmdata.synth.simulator.settings import SimulateSettings
from fmdata.synth.simulator.simulate import simulate
simulate(Path(sys.argv[1]), SimulateSettings(**eval(sys.argv[2])))
"""


def first_frame(
    script: Script, actor: Actor, camera: Camera, settings: SimulateSettings
) -> np.ndarray:
    plays = [(actor, script.moment(0))]
    return next(draw_frames(script.truth, plays, camera, settings)).astype(float)


def test_another_process_with_another_number_of_threads_gives_the_same_bytes(
    raw: Path, tmp_path: Path
) -> None:
    options = repr(asdict(settings_of(turn=30.0)))
    threads = {"NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    subprocess.run(
        [sys.executable, "-c", _ELSEWHERE, str(tmp_path / "raw"), options],
        check=True,
        env={**os.environ, **threads},
    )
    assert_same_files(tmp_path / "raw", raw)


def test_another_subject_action_or_take_changes_no_other_file(raw: Path, tmp_path: Path) -> None:
    simulate(tmp_path, settings_of(turn=30.0, subjects=2, actions=2, takes=3))
    few = {name: data for name, data in read_files(raw).items() if name.endswith(".mp4")}
    grown = read_files(tmp_path)
    assert {name: grown[name] for name in few} == few


def test_the_truth_has_units_and_pose_of_every_frame(raw: Path) -> None:
    """Rows are in the order of the recordings; units are those of the script, and zero at rest."""
    table = pq.read_table(raw / "truth.frames.parquet")
    assert table.column_names[:5] == ["path", "frame", "yaw", "pitch", "roll"]
    assert set(UNITS) < set(table.column_names)
    start = 0
    for script, actor, camera in acted(settings_of(turn=30.0)):
        truth = script.truth
        rows = table.slice(start, truth.n_frames).to_pydict()
        assert set(rows["path"]) == {truth.path}
        assert rows["frame"] == list(range(truth.n_frames))
        assert np.allclose(rows["yaw"], np.degrees(camera.yaw), atol=1e-4)
        smile = np.array(rows["mouthSmileLeft"])
        assert np.allclose(smile, 0.9 * script.intensity, atol=1e-6)
        moving = np.flatnonzero(smile)
        assert (moving[0], moving[-1] + 1) == (truth.onset, truth.offset)
        blink = [actor.units(script.moment(t))[UNITS.index("eyeBlinkLeft")] for t in range(3)]
        assert np.allclose(rows["eyeBlinkLeft"][:3], blink, atol=1e-6)
        start += truth.n_frames
    assert start == table.num_rows


def test_heads_turn_as_far_as_the_setting_and_to_both_sides() -> None:
    """Of 24 recordings, within 40 degrees and 3 standard deviations of the mild head motion."""
    yaws = [
        np.degrees(camera.yaw).mean() for _, _, camera in acted(settings_of(takes=24, turn=40.0))
    ]
    assert min(yaws) < -20
    assert max(yaws) > 20
    assert np.abs(yaws).max() < 46


def test_takes_of_another_day_differ_in_light_and_clothes_and_those_of_a_day_little() -> None:
    """First frames of ten takes, over two subjects: days lie apart, takes of a day do not."""
    settings = settings_of(subjects=2, takes=10, head="still", noise=0.0)
    looks = defaultdict(list)
    for script, actor, camera in acted(settings):
        if script.truth.take in ("01", "05", "06"):
            frame = first_frame(script, actor, camera, settings)
            looks[script.truth.subject].append((script.truth.day, frame))
    for takes in looks.values():
        assert [day for day, _ in takes] == [1, 1, 2]
        (_, first), (_, fifth), (_, sixth) = takes
        assert np.abs(first - sixth).mean() > 2 * np.abs(first - fifth).mean()


def test_subjects_are_other_people() -> None:
    """Rest shapes of four heads, with their eyes in one place, differ by a centimetre somewhere."""
    cast = HeadCast(settings_of(subjects=4))
    shapes = [cast._someone(f"s{k:02d}").person.points for k in range(1, 5)]
    for k, shape in enumerate(shapes):
        for other in shapes[:k]:
            assert np.linalg.norm(shape - other, axis=1).max() > 0.1


def test_light_from_a_side_lights_that_side() -> None:
    """The key lamp's sign agrees with the brighter half of the face, over six days."""
    settings = settings_of(takes=30, head="still")
    right = 0
    for script, actor, camera in acted(settings):
        if script.truth.take not in ("01", "06", "11", "16", "21", "26"):
            continue
        frame = first_frame(script, actor, camera, settings)
        face = frame[50:90].mean(axis=(0, 2))
        brighter = np.sign(face[66:84].mean() - face[44:62].mean())
        right += brighter == np.sign(actor._stage.lamps[2, 0, 0])
    assert right >= 5


def test_true_points_follow_a_turn_of_the_head() -> None:
    """The tip of the nose (4) goes with the yaw, and by more than the temple (127)."""
    settings = settings_of(takes=6, turn=40.0, head="still", noise=0.0)
    places = {}
    for script, actor, camera in acted(settings):
        at = actor.positions(np.array([4, 127]), 0, script.moment(0), camera, settings.size)
        places[float(camera.yaw[0])] = at[:, 0] - camera.shift[0, 0]
    order = sorted(places)
    nose = [places[yaw][0] for yaw in order]
    assert nose == sorted(nose)
    assert nose[-1] - nose[0] > 8


def test_positions_of_skin_lie_in_the_picture(raw: Path) -> None:
    for truth, at in skin_positions(settings_of(takes=1), np.array([4, 33, 263])):
        assert isinstance(truth, Truth)
        assert at.shape == (truth.n_frames, 3, 2)
        assert (at > 20).all()
        assert (at < 108).all()
        outer = np.linalg.norm(at[:, 1] - at[:, 2], axis=1)
        assert 0.25 * 128 < outer.mean() < 0.36 * 128


def test_ragged_ends_are_0_to_2_seconds_long() -> None:
    scripts = list(write_scripts(settings_of(subjects=5, takes=20, fps=25.0, ragged=True)))
    leads = np.array([script.truth.onset for script in scripts]) / 25
    tails = (
        np.array([s.truth.n_frames - s.truth.offset for s in scripts if s.truth.style == "return"])
        / 25
    )
    for ends in (leads, tails):
        assert ends.max() <= 2.0
        assert ends.max() > 1.7
        assert ends.min() < 0.2
        assert 0.7 < ends.mean() < 1.3


def test_shared_parts_give_pairs_of_motions_one_base() -> None:
    """Mouths of personal_1 and personal_2 use the same units, in every one of ten subjects."""
    for shared, wanted in ((True, 10), (False, 0)):
        settings = settings_of(shared_parts=shared)
        alike = 0
        for k in range(10):
            pair = [expression_of(settings, f"s{k}", f"personal_{n}") for n in (1, 2)]
            mouths = [{p.unit for p in e.pulls if p.unit in _BASE_UNITS} for e in pair]
            alike += mouths[0] == mouths[1]
        assert (alike == 10) if shared else (alike < 5), wanted


_BASE_UNITS = {"mouthSmileLeft", "mouthSmileRight", "mouthPucker", "jawOpen"}


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"portraits": Path("faces")}, "--portraits"),
        ({"cast": "portraits", "turn": 10.0}, "--turn"),
        ({"turn": 41.0}, "--turn"),
        ({"ragged": True, "lead": False}, "--ragged"),
        ({"cast": "puppets"}, "--cast"),
    ],
)
def test_what_heads_or_portraits_cannot_do_is_refused(options: dict, where: str) -> None:
    with pytest.raises(UsageError) as caught:
        settings_of(**options)
    assert caught.value.where == where


def test_a_session_of_heads_has_the_units_of_each_of_its_motions(tmp_path: Path) -> None:
    """One recording of 40 s: a motion's own unit is above zero exactly where the truth says."""
    settings = settings_of(actions=("smile", "brow_furrow"), takes=1, session_s=40.0)
    simulated = simulate(tmp_path, settings)
    table = pq.read_table(tmp_path / "truth.frames.parquet")
    assert set(table["path"].to_pylist()) == {"s01/session/01.mp4"}
    for truth in simulated.truths:
        unit = {"smile": "mouthSmileLeft", "brow_furrow": "browDownLeft"}[truth.action]
        moving = np.flatnonzero(table[unit].to_numpy())
        assert moving.tolist() == list(range(truth.onset, truth.offset))
