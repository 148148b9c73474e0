"""Simulated faces, seen by the landmark network: every motion matches its name."""

from dataclasses import replace

import numpy as np
import pytest
from mediapipe.tasks.python.vision.face_landmarker import Blendshapes

from fmdata.catalog.keys import draw_seed
from fmdata.pipeline.geometry.points import interocular_distance
from fmdata.pipeline.landmarks.backends import open_landmarker
from fmdata.pipeline.landmarks.face import Face, Landmarker
from fmdata.synth.simulator.camera import HEADS, draw_camera
from fmdata.synth.simulator.face.actor import PortraitActor
from fmdata.synth.simulator.face.expressions import EXPRESSIONS, Expression, personal
from fmdata.synth.simulator.face.portrait import MARGIN, Portrait, prepare, read_portrait
from fmdata.synth.simulator.face.rig import push_field
from fmdata.synth.simulator.timing.moment import Moment

SIZE = 256
REST = Moment(0.0)
MAX_AMPLITUDE = 1.3 * 1.1  # the largest setting, times the largest variation of a take
# Brows, nose and mouth of the 68 points.
INNER = [70, 63, 105, 66, 107, 336, 296, 334, 293, 300, 168, 197, 195, 4, 240, 97, 2, 326, 460]
INNER += [61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87]


def rng(*what: str | int) -> np.random.Generator:
    return np.random.default_rng(draw_seed(*what))


@pytest.fixture(scope="module")
def landmarker() -> Landmarker:
    return open_landmarker("mediapipe")


@pytest.fixture(scope="module")
def portrait(landmarker: Landmarker) -> Portrait:
    return prepare(
        read_portrait(None), landmarker, size=SIZE, where="", identity=rng(0, "identity", "s01")
    )


@pytest.fixture(scope="module")
def neutral(portrait: Portrait, landmarker: Landmarker) -> Face:
    return shown(portrait, EXPRESSIONS["smile"], landmarker, 0.0)


def shown(
    portrait: Portrait,
    expression: Expression,
    landmarker: Landmarker,
    intensity: float = 1.0,
    blink: float = 0.0,
) -> Face:
    camera = draw_camera(rng(0), 1, 25.0, head="still", size=SIZE, blur=0, noise=0)
    frame = PortraitActor(portrait, expression).frame(0, Moment(intensity, blink), camera, SIZE)
    [face] = landmarker.detect(frame)
    return face


def score(face: Face, name: str) -> float:
    return float(face.blendshapes[Blendshapes[name]])


def test_the_portrait_at_rest_does_not_smile(landmarker: Landmarker, neutral: Face) -> None:
    [before] = landmarker.detect(read_portrait(None))
    assert score(before, "MOUTH_SMILE_LEFT") > 0.7
    assert score(neutral, "MOUTH_SMILE_LEFT") < 0.3
    assert score(neutral, "JAW_OPEN") < 0.1
    assert interocular_distance(neutral.landmarks[:, :2]) == pytest.approx(0.3 * SIZE, rel=0.12)


@pytest.mark.parametrize(
    ("action", "blendshape", "minimum"),
    [
        ("smile", "MOUTH_SMILE_LEFT", 0.4),
        ("smile", "MOUTH_SMILE_RIGHT", 0.4),
        ("brow_raise", "BROW_OUTER_UP_LEFT", 0.3),
        ("brow_raise", "BROW_OUTER_UP_RIGHT", 0.3),
        ("brow_raise", "BROW_INNER_UP", 0.2),
        ("jaw_drop", "JAW_OPEN", 0.4),
        ("pucker", "MOUTH_PUCKER", 0.4),
        ("smirk_left", "MOUTH_SMILE_LEFT", 0.3),
        ("smirk_right", "MOUTH_SMILE_RIGHT", 0.3),
        ("nose_wrinkle", "EYE_SQUINT_LEFT", 0.1),
        ("brow_furrow", "BROW_DOWN_LEFT", 0.03),
        ("wink_left", "EYE_BLINK_LEFT", 0.15),
        ("wink_right", "EYE_BLINK_RIGHT", 0.15),
    ],
)
def test_an_expression_raises_its_blendshapes(
    action: str,
    blendshape: str,
    minimum: float,
    portrait: Portrait,
    landmarker: Landmarker,
    neutral: Face,
) -> None:
    face = shown(portrait, EXPRESSIONS[action], landmarker)
    assert score(face, blendshape) - score(neutral, blendshape) > minimum


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_one_sided_motion_is_on_its_side(
    side: str, portrait: Portrait, landmarker: Landmarker, neutral: Face
) -> None:
    other = {"left": "RIGHT", "right": "LEFT"}[side]
    for action, blendshape in (("wink", "EYE_BLINK"), ("smirk", "MOUTH_SMILE")):
        face = shown(portrait, EXPRESSIONS[f"{action}_{side}"], landmarker)
        here, there = f"{blendshape}_{side.upper()}", f"{blendshape}_{other}"
        rise = score(face, here) - score(neutral, here)
        assert rise > 1.2 * (score(face, there) - score(neutral, there))


def test_a_frown_lowers_the_corners_of_the_mouth(
    portrait: Portrait, landmarker: Landmarker, neutral: Face
) -> None:
    moved = shown(portrait, EXPRESSIONS["frown"], landmarker).landmarks - neutral.landmarks
    assert (moved[[61, 291], 1] > 0.04 * interocular_distance(neutral.landmarks[:, :2])).all()


def test_a_blink_closes_both_eyes(
    portrait: Portrait, landmarker: Landmarker, neutral: Face
) -> None:
    shut = shown(portrait, EXPRESSIONS["smile"], landmarker, 0.0, blink=1.0)
    for name in ("EYE_BLINK_LEFT", "EYE_BLINK_RIGHT"):
        assert score(shut, name) - score(neutral, name) > 0.25


@pytest.mark.parametrize("action", [name for name in EXPRESSIONS if "wink" not in name])
def test_motions_are_large_enough_to_be_spotted(
    action: str, portrait: Portrait, landmarker: Landmarker, neutral: Face
) -> None:
    moved = shown(portrait, EXPRESSIONS[action], landmarker).landmarks - neutral.landmarks
    rms = np.sqrt((moved[INNER, :2] ** 2).sum(1).mean()) / interocular_distance(
        neutral.landmarks[:, :2]
    )
    assert rms > 0.025


def test_personal_motions_differ_between_subjects_and_never_fold_the_skin(
    portrait: Portrait,
) -> None:
    mixtures = [personal(rng(0, "personal", f"s{k:02d}"), 1) for k in range(60)]
    assert len(set(mixtures)) == 60
    side = portrait.picture.shape[0]
    for expression in [*EXPRESSIONS.values(), *mixtures]:
        field = MAX_AMPLITUDE * push_field(portrait.landmarks, expression.pushes, side, side)
        (xy, xx), (yy, yx) = np.gradient(field[..., 0]), np.gradient(field[..., 1])
        # The Jacobian determinant of the backward map is positive everywhere.
        assert ((1 - xx) * (1 - yy) - xy * yx).min() > 0


def test_subjects_look_different(landmarker: Landmarker) -> None:
    def subject(k: int) -> Portrait:
        identity = rng(0, "identity", f"s{k:02d}")
        return prepare(read_portrait(None), landmarker, size=128, where="", identity=identity)

    a, b, c = (subject(k) for k in (1, 2, 3))
    for one, other in ((a, b), (a, c), (b, c)):
        shape = np.abs(one.landmarks - other.landmarks)[:, :2].mean() / interocular_distance(
            one.landmarks[:, :2]
        )
        colour = np.abs(one.picture.astype(float) - other.picture).mean()
        assert shape > 0.01
        assert colour > 8
    assert (subject(1).picture == a.picture).all()


def test_head_motion_grows_from_still_to_mild_to_strong(
    portrait: Portrait, landmarker: Landmarker
) -> None:
    spreads = {}
    for head in HEADS:
        camera = draw_camera(rng(1), 100, 25.0, head=head, size=SIZE, blur=0.5, noise=2)
        actor = PortraitActor(portrait, EXPRESSIONS["smile"])
        frames = [actor.frame(t, REST, camera, SIZE) for t in range(0, 100, 12)]
        faces = [landmarker.detect(camera.expose(f, 0, rng(0)))[0] for f in frames]
        spreads[head] = np.std([f.landmarks[4, :2] for f in faces], axis=0).mean() / SIZE
    assert spreads["still"] < 0.002 < spreads["mild"] < spreads["strong"] < 0.1
    assert portrait.picture.shape == (round(MARGIN * SIZE),) * 2 + (3,)


@pytest.mark.parametrize(("turn", "axis"), [("yaw", 0), ("pitch", 1), ("roll", 2)])
def test_the_head_turns_to_the_given_side(
    turn: str, axis: int, portrait: Portrait, landmarker: Landmarker
) -> None:
    # A warped picture is no rotation in space: the network sees the direction, but a smaller angle.
    actor = PortraitActor(portrait, EXPRESSIONS["smile"])
    still = draw_camera(rng(0), 1, 25.0, head="still", size=SIZE, blur=0, noise=0)
    found = []
    for degrees in (-8, 0, 8):
        camera = replace(still, **{turn: np.radians([degrees])})
        [face] = landmarker.detect(actor.frame(0, REST, camera, SIZE))
        assert face is not None
        found.append(float(face.pose[axis]))
    minimum = 7 if turn == "roll" else 1.5
    assert np.diff(found).min() > minimum, found


def test_true_skin_positions_match_the_rendered_frames(portrait: Portrait) -> None:
    """Spots painted on the skin are found within 0.3 px of their true positions.

    The head rotates and comes nearer, and the brows rise beneath some of the spots.
    """
    camera = draw_camera(rng(3), 40, 25.0, head="strong", size=SIZE, blur=0, noise=0)
    points = np.array([4, 151, 234, 105])
    for k, point in enumerate(points):
        spotted = portrait.picture * 0
        x, y = portrait.landmarks[point, :2]
        columns, rows = np.arange(len(spotted)), np.arange(len(spotted))[:, None]
        far = (columns - x) ** 2 + (rows - y) ** 2
        spotted[:] = np.uint8(255 * np.exp(-far / 5))[..., None]
        actor = PortraitActor(Portrait(spotted, portrait.landmarks), EXPRESSIONS["brow_raise"])
        for t in range(0, 40, 13):
            expected = actor.positions(points, t, Moment(0.8), camera, SIZE)[k]
            frame = actor.frame(t, Moment(0.8), camera, SIZE)[..., 0].astype(float)
            frame[frame < 64] = 0
            grid = np.arange(SIZE)
            found = np.array([(frame.sum(0) * grid).sum(), (frame.sum(1) * grid).sum()])
            assert np.abs(found / frame.sum() - expected).max() < 0.3, (point, t)
