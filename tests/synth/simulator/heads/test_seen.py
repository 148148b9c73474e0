"""Heads as the landmark network sees them: found, turned as they are, and moved as they move."""

from collections.abc import Callable

import numpy as np
import pytest
from mediapipe.tasks.python.vision.face_landmarker import Blendshapes

from fmdata.pipeline.landmarks.backends import open_landmarker
from fmdata.pipeline.landmarks.face import Face, Landmarker
from fmdata.synth.simulator.camera import Camera
from fmdata.synth.simulator.cast import act
from fmdata.synth.simulator.face.expressions import EXPRESSIONS
from fmdata.synth.simulator.heads.cast import HeadCast
from fmdata.synth.simulator.script import write_scripts
from fmdata.synth.simulator.settings import SimulateSettings
from fmdata.synth.simulator.timing.moment import Moment

SIZE, PEOPLE = 192, 4
SETTINGS = SimulateSettings(cast="heads", size=SIZE, subjects=PEOPLE, takes=1, actions=1, seed=5)
Play = Callable[[str, float, float], list[Face]]


@pytest.fixture(scope="module")
def landmarker() -> Landmarker:
    return open_landmarker("mediapipe")


@pytest.fixture(scope="module")
def play(landmarker: Landmarker) -> Play:
    """Return a function: the faces of four people with an action, an intensity, and a yaw."""
    people = [act(HeadCast(SETTINGS), script, SETTINGS)[0] for script in write_scripts(SETTINGS)]

    def faces(action: str, intensity: float, yaw: float) -> list[Face]:
        found = []
        for person in people:
            actor = person.playing(EXPRESSIONS[action])
            picture = actor.frame(0, Moment(intensity), looking(yaw), SIZE)
            [face] = landmarker.detect(picture)
            found.append(face)
        return found

    return faces


def looking(yaw: float) -> Camera:
    """Return a camera of one frame, with the head turned by degrees."""
    zero = np.zeros(1)
    turned = {"yaw": np.radians([yaw]), "pitch": zero, "roll": zero}
    return Camera(np.zeros((1, 2)), scale=zero + 1, gain=zero + 1, blur=0, noise=0, **turned)


def scores(faces: list[Face], names: list[str]) -> np.ndarray:
    index = [Blendshapes[name].value for name in names]
    return np.array([face.blendshapes[index].mean() for face in faces])


@pytest.mark.slow
def test_faces_are_found_up_to_35_degrees_and_turned_as_they_are(play: Play) -> None:
    """The network reads 35 degrees as 31; within 7 of the truth, and the same on both sides."""
    for yaw in (-35, -20, 0, 20, 35):
        read = np.array([face.pose[0] for face in play("smile", 0.0, yaw)])
        assert np.abs(read - yaw).max() < 9
        assert abs(read.mean() - yaw) < 6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("action", "names", "rise"),
    [
        ("smile", ["MOUTH_SMILE_LEFT", "MOUTH_SMILE_RIGHT"], 0.6),
        ("jaw_drop", ["JAW_OPEN"], 0.4),
        ("brow_raise", ["BROW_INNER_UP", "BROW_OUTER_UP_LEFT", "BROW_OUTER_UP_RIGHT"], 0.2),
        ("brow_furrow", ["BROW_DOWN_LEFT", "BROW_DOWN_RIGHT"], 0.2),
        ("pucker", ["MOUTH_PUCKER"], 0.15),
        ("smirk_left", ["MOUTH_SMILE_LEFT"], 0.4),
        ("wink_left", ["EYE_BLINK_LEFT"], 0.3),
    ],
)
def test_expressions_raise_their_scores(
    action: str, names: list[str], rise: float, play: Play
) -> None:
    """Mean over four people."""
    rest = play(action, 0.0, 0.0)
    full = play(action, 1.0, 0.0)
    assert scores(full, names).mean() - scores(rest, names).mean() > rise


@pytest.mark.slow
def test_a_sneer_lifts_the_wings_of_the_nose_and_the_upper_lip(play: Play) -> None:
    """The network's own score of it stays near zero on real faces too, so points are looked at."""
    rest = play("nose_wrinkle", 0.0, 0.0)
    full = play("nose_wrinkle", 1.0, 0.0)
    rises = []
    for before, after in zip(rest, full, strict=True):
        unit = np.linalg.norm(before.landmarks[33, :2] - before.landmarks[263, :2])
        # Upper lip (0, 37, 267), against the bridge of the nose (6).
        lip = [
            face.landmarks[[0, 37, 267], 1].mean() - face.landmarks[6, 1]
            for face in (before, after)
        ]
        rises.append((lip[0] - lip[1]) / unit)
    assert np.mean(rises) > 0.02
    assert set(EXPRESSIONS["nose_wrinkle"].pulls)
