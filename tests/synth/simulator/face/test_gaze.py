"""Glances, winks and hard blinks of a simulated face, as the landmark network sees them."""

import numpy as np
import pytest
from mediapipe.tasks.python.vision.face_landmarker import Blendshapes

from fmdata.catalog.keys import draw_seed
from fmdata.pipeline.geometry.points import interocular_distance
from fmdata.pipeline.landmarks.backends import open_landmarker
from fmdata.pipeline.landmarks.face import Face, Landmarker
from fmdata.synth.simulator.camera import draw_camera
from fmdata.synth.simulator.face.actor import PortraitActor
from fmdata.synth.simulator.face.expressions import EXPRESSIONS
from fmdata.synth.simulator.face.portrait import Portrait, prepare, read_portrait
from fmdata.synth.simulator.timing.moment import Moment

SIZE = 320
REST = Moment(0.0)


@pytest.fixture(scope="module")
def landmarker() -> Landmarker:
    return open_landmarker("mediapipe")


@pytest.fixture(scope="module")
def portrait(landmarker: Landmarker) -> Portrait:
    rng = np.random.default_rng(draw_seed(0, "identity", "s01"))
    return prepare(read_portrait(None), landmarker, size=SIZE, where="", identity=rng)


@pytest.fixture(scope="module")
def actor(portrait: Portrait) -> PortraitActor:
    return PortraitActor(portrait, EXPRESSIONS["smile"], EXPRESSIONS["wink_left"])


@pytest.fixture(scope="module")
def rest(actor: PortraitActor, landmarker: Landmarker) -> Face:
    return shown(actor, REST, landmarker)


def shown(actor: PortraitActor, moment: Moment, landmarker: Landmarker) -> Face:
    camera = draw_camera(
        np.random.default_rng(0), 1, 25.0, head="still", size=SIZE, blur=0, noise=0
    )
    [face] = landmarker.detect(actor.frame(0, moment, camera, SIZE))
    return face


def score(face: Face, name: str) -> float:
    return float(face.blendshapes[Blendshapes[name]])


@pytest.mark.parametrize(("across", "sides"), [(0.065, "OUT IN"), (-0.065, "IN OUT")])
def test_both_eyes_look_to_the_side_of_a_glance(
    across: float, sides: str, actor: PortraitActor, landmarker: Landmarker, rest: Face
) -> None:
    """The subject's left is the image's right: there the left eye looks out and the right one in.

    The network's irises move by at least half of the path, to the same side.
    """
    face = shown(actor, Moment(0.0, gaze=(across, 0.0)), landmarker)
    for eye, way in zip(("LEFT", "RIGHT"), sides.split(), strict=True):
        name = f"EYE_LOOK_{way}_{eye}"
        assert score(face, name) - score(rest, name) > 0.3
    unit = float(interocular_distance(rest.landmarks[:, :2]))
    moved = (face.landmarks - rest.landmarks)[[468, 473], 0] / unit
    assert (moved * np.sign(across) > abs(across) / 2).all()


def test_the_lids_follow_a_glance_down(
    actor: PortraitActor, landmarker: Landmarker, rest: Face
) -> None:
    face = shown(actor, Moment(0.0, gaze=(0.0, 0.05)), landmarker)
    unit = float(interocular_distance(rest.landmarks[:, :2]))
    for eye, lid in (("LEFT", 386), ("RIGHT", 159)):
        name = f"EYE_LOOK_DOWN_{eye}"
        assert score(face, name) - score(rest, name) > 0.1
        assert (face.landmarks - rest.landmarks)[lid, 1] / unit > 0.015


def test_a_glance_changes_the_eyes_alone(portrait: Portrait, actor: PortraitActor) -> None:
    """To a side, only pixels within half an eye's width of the irises change; at rest, none."""
    still, _ = actor.draw(REST)
    assert still is portrait.picture
    aside, _ = actor.draw(Moment(0.0, gaze=(0.07, 0.0)))
    changed = np.argwhere((aside != still).any(-1))[:, ::-1]
    eyes = portrait.landmarks[[468, 473], :2]
    unit = float(interocular_distance(portrait.landmarks[:, :2]))
    near = np.linalg.norm(changed[:, None] - eyes, axis=2).min(axis=1)
    assert len(changed) > 100
    assert near.max() < 0.25 * unit


def test_a_closed_eye_hides_the_gaze(actor: PortraitActor) -> None:
    shut, _ = actor.draw(Moment(0.0, blink=1.0))
    aside, _ = actor.draw(Moment(0.0, blink=1.0, gaze=(0.07, 0.0)))
    seen = np.abs(shut.astype(int) - aside).max()
    opened = np.abs(actor.draw(REST)[0].astype(int) - actor.draw(Moment(0.0, gaze=(0.07, 0.0)))[0])
    assert seen < 0.5 * opened.max()


def test_a_second_expression_winks_beside_the_first(
    actor: PortraitActor, landmarker: Landmarker, rest: Face
) -> None:
    face = shown(actor, Moment(1.0, other=1.0), landmarker)
    assert score(face, "EYE_BLINK_LEFT") - score(rest, "EYE_BLINK_LEFT") > 0.15
    left, right = (score(face, f"EYE_BLINK_{eye}") for eye in ("LEFT", "RIGHT"))
    assert left > 1.5 * right
    assert score(face, "MOUTH_SMILE_RIGHT") - score(rest, "MOUTH_SMILE_RIGHT") > 0.3


def test_a_hard_blink_lowers_the_brows(actor: PortraitActor, landmarker: Landmarker) -> None:
    soft, hard = (
        shown(actor, Moment(0.0, blink=1.0, squeeze=squeeze), landmarker) for squeeze in (0.0, 1.0)
    )
    unit = float(interocular_distance(soft.landmarks[:, :2]))
    lower = (hard.landmarks - soft.landmarks)[[105, 107, 334, 336], 1] / unit
    assert lower.mean() > 0.015
