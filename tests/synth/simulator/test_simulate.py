"""The simulator: layout, exact ground truth, the same bytes, and no foreign folder overwritten."""

import csv
import math
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from fmdata.catalog.errors import InputError, UsageError
from fmdata.synth.simulator import camera
from fmdata.synth.simulator.script import write_scripts
from fmdata.synth.simulator.settings import HEADS, parse_actions
from fmdata.synth.simulator.simulate import SimulateSettings, simulate
from tests.helpers.folders import read_files
from tests.helpers.progress import RecordedProgress

SMALL = {"size": 128, "actions": 1, "takes": 2, "crf": 30}


def videos(raw: Path) -> dict[str, bytes]:
    return {name: data for name, data in read_files(raw).items() if name.endswith(".mp4")}


def decoded(path: Path) -> Iterator[np.ndarray]:
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="rgb24")


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One subject, one action, two takes: one returns to neutral, one is held."""
    folder = tmp_path_factory.mktemp("raw")
    simulate(folder, SimulateSettings(subjects=1, **SMALL))
    return folder


def test_head_motions_of_settings_and_camera_are_the_same() -> None:
    assert set(HEADS) == set(camera.HEADS)


def test_the_default_is_36_recordings_sorted_by_path() -> None:
    truths = [script.truth for script in write_scripts(SimulateSettings())]
    assert len(truths) == 36
    assert truths[0].path == "s01/smile/01.mp4"
    assert truths[-1].path == "s03/jaw_drop/04.mp4"
    assert len({truth.path for truth in truths}) == 36
    assert [truth.style for truth in truths[:4]] == ["return", "hold"] * 2
    assert all(40 <= truth.n_frames <= 75 for truth in truths)


def test_the_intensity_curve_matches_the_ground_truth() -> None:
    for options in ({}, {"flash": True}, {"lead": False}, {"fps": 60.0}, {"fps": 5.0}):
        for script in write_scripts(SimulateSettings(subjects=2, takes=6, **options)):
            truth, curve = script.truth, script.intensity
            moving = np.flatnonzero(curve > 0)
            assert len(curve) == len(script.beside.blink) == truth.n_frames
            assert (moving[0], moving[-1] + 1) == (truth.onset, truth.offset)
            assert len(moving) == truth.offset - truth.onset
            assert np.flatnonzero(curve == truth.amplitude)[0] == truth.apex
            assert curve.max() == truth.amplitude
            assert (curve[truth.apex : truth.release] == truth.amplitude).all()
            assert (curve[truth.release :] < truth.amplitude).all()
            assert (truth.offset == truth.n_frames) == (truth.style == "hold")
            assert (truth.onset >= 8) == options.get("lead", True)


def test_a_flash_is_3_to_5_frames_long_and_returns() -> None:
    truths = [s.truth for s in write_scripts(SimulateSettings(takes=20, flash=True))]
    assert {truth.offset - truth.onset for truth in truths} == {3, 4, 5}
    assert {truth.style for truth in truths} == {"return"}
    assert all(truth.offset - truth.onset < 0.3 * truth.n_frames for truth in truths)


@pytest.mark.parametrize("style", ["return", "hold"])
def test_all_motions_have_the_given_style(style: str) -> None:
    assert {s.truth.style for s in write_scripts(SimulateSettings(style=style))} == {style}


def test_amplitude_changes_the_peak_and_no_timing() -> None:
    full = list(write_scripts(SimulateSettings()))
    half = list(write_scripts(SimulateSettings(amplitude=0.5)))
    for a, b in zip(full, half, strict=True):
        assert b.truth.amplitude == pytest.approx(a.truth.amplitude / 2, abs=1e-4)
        assert (a.truth.onset, a.truth.offset) == (b.truth.onset, b.truth.offset)


def test_blinks_occur_inside_and_outside_the_motion() -> None:
    scripts = list(write_scripts(SimulateSettings()))
    assert any(s.beside.blink[s.intensity > 0].any() for s in scripts)
    assert any(s.beside.blink[s.intensity == 0].any() for s in scripts)
    assert all(s.beside.blink.min() >= 0 and s.beside.blink.max() <= 1 for s in scripts)
    assert not any(s.beside.blink.any() for s in write_scripts(SimulateSettings(blinks=False)))


def test_the_table_agrees_with_the_decoded_frames(raw: Path) -> None:
    rows = list(csv.DictReader((raw / "truth.csv").open()))
    assert [row["path"] for row in rows] == ["s01/smile/01.mp4", "s01/smile/02.mp4"]
    for row in rows:
        frames = list(decoded(raw / row["path"]))
        assert len(frames) == int(row["n_frames"])
        assert frames[0].shape == (128, 128, 3)
        with av.open(str(raw / row["path"])) as container:
            assert float(container.streams.video[0].average_rate) == float(row["fps"]) == 25.0


def test_the_face_moves_only_inside_the_motion(tmp_path: Path) -> None:
    """Without head motion, blinks and noise, frames outside the motion look alike."""
    simulated = simulate(
        tmp_path,
        SimulateSettings(
            subjects=1, actions=1, takes=1, size=128, head="still", blinks=False, noise=0, crf=1
        ),
    )
    (truth,) = simulated.truths
    frames = np.stack([cv2.cvtColor(f, cv2.COLOR_RGB2GRAY) for f in decoded(tmp_path / truth.path)])
    frames = frames.astype(float)
    # The light drifts; normalising the mean of each frame removes the drift.
    frames *= frames[0].mean() / frames.mean((1, 2), keepdims=True)
    change = np.abs(frames - frames[0])[:, 30:120, 20:110].max((1, 2))
    assert change[: truth.onset].max() < 12
    assert change[truth.apex] > 40
    assert change[truth.offset :].max() < 12


def test_the_same_settings_give_the_same_bytes_also_in_the_same_folder(
    raw: Path, tmp_path: Path
) -> None:
    settings = SimulateSettings(subjects=1, **SMALL)
    before = read_files(raw)
    progress = RecordedProgress()
    simulated = simulate(tmp_path / "a", settings, progress)
    assert progress.phases == [("simulate", 2, "recordings")]
    assert progress.done == len(simulated.truths) == 2
    table = tmp_path / "a" / "truth.csv"
    assert str(simulated) == f"2 recordings in {tmp_path / 'a'}, ground truth in {table}"
    assert read_files(tmp_path / "a") == before
    (raw / "s01/smile/02.mp4").unlink()  # the state after an interrupted run
    (raw / "s01/smile/02.mp4.part").write_bytes(b"half")
    simulate(raw, settings)
    assert read_files(raw) == before


def test_another_subject_action_or_take_changes_no_other_file(raw: Path, tmp_path: Path) -> None:
    more = SimulateSettings(subjects=2, size=128, actions=2, takes=3, crf=30)
    simulate(tmp_path, more)
    grown, few = videos(tmp_path), videos(raw)
    assert {name: grown[name] for name in few} == few
    assert len(set(grown.values())) == 12


def test_another_seed_gives_other_videos(raw: Path, tmp_path: Path) -> None:
    simulate(tmp_path, SimulateSettings(subjects=1, seed=1, **SMALL))
    assert not set(videos(tmp_path).values()) & set(videos(raw).values())


def test_an_action_by_name_equals_the_action_by_number(raw: Path, tmp_path: Path) -> None:
    named = SimulateSettings(
        subjects=1, size=128, actions=parse_actions("smile, personal_2"), takes=2, crf=30
    )
    assert named.n_recordings == 4
    simulate(tmp_path, named)
    drawn, few = videos(tmp_path), videos(raw)
    assert {name: drawn[name] for name in few} == few
    assert sum(name.startswith("s01/personal_2/") for name in drawn) == 2
    before = read_files(tmp_path)
    simulate(tmp_path, named)  # the stamp is recognised
    assert read_files(tmp_path) == before
    assert parse_actions("3") == 3
    with pytest.raises(UsageError, match=r"yawn[\s\S]*wink_left"):
        SimulateSettings(actions=("yawn",))


def test_a_still_face_has_no_motion_in_the_table(tmp_path: Path) -> None:
    simulate(tmp_path, SimulateSettings(subjects=1, amplitude=0, **SMALL))
    for row in csv.DictReader((tmp_path / "truth.csv").open()):
        assert (row["onset"], row["apex"], row["offset"], row["style"]) == ("", "", "", "")
        assert float(row["amplitude"]) == 0
        assert len(list(decoded(tmp_path / row["path"]))) == int(row["n_frames"])


@pytest.mark.parametrize(
    "bad",
    [
        {"subjects": 0},
        {"actions": 0},
        {"actions": ()},
        {"actions": ("smile", "yawn")},
        {"actions": ("smile", "smile")},
        {"takes": -1},
        {"seed": -1},
        {"fps": 1},
        {"fps": math.nan},
        {"size": 50},
        {"size": 321},
        {"style": "bounce"},
        {"amplitude": -0.1},
        {"amplitude": 3},
        {"head": "spinning"},
        {"noise": -1},
        {"blur": math.inf},
        {"crf": 52},
        {"style": "hold", "flash": True},
    ],
)
def test_an_invalid_setting_names_its_option(bad: dict[str, object]) -> None:
    with pytest.raises(UsageError) as caught:
        SimulateSettings(**bad)
    assert caught.value.where == f"--{next(iter(bad))}"


def test_a_folder_with_other_files_is_refused_and_unchanged(raw: Path, tmp_path: Path) -> None:
    settings = SimulateSettings(subjects=1, **SMALL)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "holiday.mp4").write_bytes(b"precious")
    with pytest.raises(UsageError, match=r"holiday\.mp4"):
        simulate(tmp_path / "mine", settings)
    assert read_files(tmp_path / "mine") == {"holiday.mp4": b"precious"}
    with pytest.raises(UsageError, match="a file"):
        simulate(tmp_path / "mine" / "holiday.mp4", settings)
    before = read_files(raw)
    with pytest.raises(UsageError, match="other settings"):
        simulate(raw, SimulateSettings(subjects=1, seed=9, **SMALL))
    (raw / "s01" / "note.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"s01/note\.txt"):
        simulate(raw, settings)
    (raw / "s01" / "note.txt").unlink()
    assert read_files(raw) == before


def test_portraits_of_the_user_give_one_subject_each(tmp_path: Path) -> None:
    from skimage import data

    faces = tmp_path / "faces"
    faces.mkdir()
    face = np.ascontiguousarray(data.astronaut()[..., ::-1])
    cv2.imwrite(str(faces / "b.png"), face[:, ::-1])
    cv2.imwrite(str(faces / "a.jpg"), face)
    (faces / "readme.txt").write_text("not a portrait")
    settings = SimulateSettings(subjects=2, portraits=faces, **SMALL)
    simulated = simulate(tmp_path / "raw", settings)
    assert [t.subject for t in simulated.truths] == ["s01", "s01", "s02", "s02"]
    with pytest.raises(UsageError, match="2 portraits for 3 subjects"):
        simulate(tmp_path / "other", SimulateSettings(subjects=3, portraits=faces, **SMALL))


def test_an_unusable_portrait_is_reported_before_anything_is_written(tmp_path: Path) -> None:
    def refused(error: type[Exception], match: str) -> None:
        with pytest.raises(error, match=match):
            simulate(tmp_path / "raw", SimulateSettings(subjects=1, portraits=faces, **SMALL))
        assert not (tmp_path / "raw").exists()

    faces = tmp_path / "faces"
    refused(UsageError, "no such folder")
    faces.mkdir()
    refused(UsageError, "no portraits")
    cv2.imwrite(str(faces / "wall.png"), np.full((200, 200, 3), 128, np.uint8))
    refused(InputError, r"without a face[\s\S]*wall\.png")
    (faces / "wall.png").write_bytes(b"not a picture")
    refused(InputError, r"cannot be read[\s\S]*wall\.png")
    (faces / "wall.png").write_bytes(b"")
    refused(InputError, r"cannot be read[\s\S]*wall\.png")
