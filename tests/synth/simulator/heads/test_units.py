"""Units: what expressions are made of, and what they do to a mesh."""

import numpy as np
import pytest

from fmdata.synth.simulator.face.expressions import EXPRESSIONS, Expression
from fmdata.synth.simulator.face.units import UNITS
from fmdata.synth.simulator.heads.identity import draw_person
from fmdata.synth.simulator.heads.look.relief import CREASES
from fmdata.synth.simulator.heads.mesh import head_mesh
from fmdata.synth.simulator.heads.parts import EYE
from fmdata.synth.simulator.heads.units import INDEX, Rig, creases, lid_gap, turn, weights_of
from fmdata.synth.simulator.timing.moment import Moment

NONE = Expression()


def shown(weights: np.ndarray) -> dict[str, float]:
    """Return the units that are not zero."""
    return {UNITS[k]: round(float(weights[k]), 3) for k in np.flatnonzero(weights)}


def only(**weights: float) -> np.ndarray:
    values = np.zeros(len(UNITS))
    for name, weight in weights.items():
        values[INDEX[name]] = weight
    return values


@pytest.fixture(scope="module", params=[0, 3, 11])
def rig(request: pytest.FixtureRequest) -> Rig:
    return Rig(draw_person(np.random.default_rng(request.param)))


def test_a_face_at_rest_has_no_unit() -> None:
    for expression in EXPRESSIONS.values():
        assert not weights_of(expression, NONE, Moment(0.0)).any()


def test_every_expression_has_units_in_proportion_to_its_intensity() -> None:
    for name, expression in EXPRESSIONS.items():
        full, half = (weights_of(expression, NONE, Moment(x)) for x in (1.0, 0.5))
        assert full.any(), name
        assert np.allclose(half, full / 2), name


def test_units_of_one_side_belong_to_the_expressions_of_that_side() -> None:
    left = shown(weights_of(EXPRESSIONS["wink_left"], NONE, Moment(1.0)))
    assert left["eyeBlinkLeft"] == 1
    assert not any(name.endswith("Right") for name in left)
    assert all(name.endswith("Right") for name in shown(
        weights_of(EXPRESSIONS["smirk_right"], NONE, Moment(1.0))
    ))  # fmt: skip


def test_blink_and_wink_close_a_lid_once() -> None:
    both = weights_of(EXPRESSIONS["wink_left"], NONE, Moment(1.0, blink=0.6))
    assert both[INDEX["eyeBlinkLeft"]] == 1
    assert both[INDEX["eyeBlinkRight"]] == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("gaze", "names"),
    [
        ((0.06, 0.0), {"eyeLookOutLeft", "eyeLookInRight"}),
        ((-0.06, 0.0), {"eyeLookInLeft", "eyeLookOutRight"}),
        ((0.0, 0.05), {"eyeLookDownLeft", "eyeLookDownRight"}),
    ],
)
def test_a_gaze_turns_both_eyes_to_the_same_side(gaze: tuple, names: set) -> None:
    """To the image's right is to the subject's left, outwards for the left eye."""
    assert set(shown(weights_of(NONE, NONE, Moment(0.0, gaze=gaze)))) == names


def test_the_irises_go_where_the_gaze_goes(rig: Rig) -> None:
    """The front of each eye moves to the image's right, and down."""
    eyes = head_mesh().vertices(EYE)
    rest = rig.posed(np.zeros(len(UNITS)))
    front = eyes[rest[eyes, 2] > np.quantile(rest[eyes, 2], 0.9)]
    right = rig.posed(weights_of(NONE, NONE, Moment(0.0, gaze=(0.06, 0.0))))
    down = rig.posed(weights_of(NONE, NONE, Moment(0.0, gaze=(0.0, 0.05))))
    assert ((right - rest)[front, 0] > 0.03).all()
    assert ((down - rest)[front, 1] < -0.02).all()


def test_lids_meet_in_a_blink_on_every_face(rig: Rig) -> None:
    """The opening, 0.1 dm or so at rest, is closed to a fifth of it; the other eye stays open."""
    rest = rig.posed(np.zeros(len(UNITS)))
    shut = rig.posed(only(eyeBlinkLeft=1.0))
    assert lid_gap(shut, "Left") < 0.2 * lid_gap(rest, "Left")
    assert lid_gap(shut, "Right") == pytest.approx(lid_gap(rest, "Right"))


def test_a_turn_has_the_signs_of_the_track() -> None:
    """Yaw moves the nose to the image's right, pitch down, roll counter-clockwise."""
    nose, ear = np.array([0.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0])
    assert (turn(0.3, 0, 0) @ nose)[0] > 0
    assert (turn(0, 0.3, 0) @ nose)[1] < 0
    assert (turn(0, 0, 0.3) @ ear)[1] > 0


def test_creases_deepen_on_their_side_alone() -> None:
    depth = creases(only(mouthSmileLeft=1.0))
    smile = CREASES.index("smile")
    assert depth.shape == (2, len(CREASES))
    assert depth[1, smile] > 0.9
    assert not depth[0].any()
    assert (creases(only(browInnerUp=1.0))[:, CREASES.index("forehead")] > 0.8).all()
