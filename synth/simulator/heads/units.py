"""Units: the state of a face as the weights of ARKit's units, and the mesh that has it."""

from functools import cache

import numpy as np

from fmdata.synth.simulator.face.expressions import SQUEEZE, Expression
from fmdata.synth.simulator.face.units import UNITS
from fmdata.synth.simulator.heads.identity import Person
from fmdata.synth.simulator.heads.mesh import head_mesh, units
from fmdata.synth.simulator.heads.parts import EYE, SKIN, TONGUE
from fmdata.synth.simulator.heads.render.arrays import float32
from fmdata.synth.simulator.timing.moment import Moment

INDEX = {name: k for k, name in enumerate(UNITS)}
FULL_LOOK = np.radians(30.0)  # of an eye whose look has weight 1
# Weight of each unit in each crease of `skin.CREASES`.
_DEEPENS: dict[str, tuple[float, ...]] = {
    "browDown": (1.0, 0, 0, 0, 0.2),
    "browInnerUp": (0, 0.9, 0, 0, 0),
    "browOuterUp": (0, 0.5, 0, 0, 0),
    "noseSneer": (0.3, 0, 1.0, 0.4, 0.3),
    "mouthSmile": (0, 0, 0, 1.0, 0.35),
    "cheekSquint": (0, 0, 0, 0.2, 0.8),
    "eyeSquint": (0, 0, 0, 0, 0.6),
    "mouthUpperUp": (0, 0, 0.2, 0.5, 0),
    "mouthStretch": (0, 0, 0, 0.5, 0),
}


_EYE_IOD = 0.16  # radius of an eye in interocular distances


def weights_of(first: Expression, second: Expression, moment: Moment) -> np.ndarray:
    """Return the weights of the units, float64 [52], of two expressions at a moment."""
    weights = np.zeros(len(UNITS))
    mixed = ((first, moment.intensity), (second, moment.other), (SQUEEZE, moment.squeeze))
    for expression, intensity in mixed:
        for pull in expression.pulls:
            weights[INDEX[pull.unit]] += intensity * pull.weight
    for side, ours, other in (
        ("Left", first.left_lid, second.left_lid),
        ("Right", first.right_lid, second.right_lid),
    ):
        lid = INDEX[f"eyeBlink{side}"]
        closed = max(moment.blink, moment.intensity * ours + moment.other * other)
        weights[lid] = min(1.0, max(closed, weights[lid]))
    _look_at(weights, moment.gaze)
    return weights


def _look_at(weights: np.ndarray, gaze: tuple[float, float]) -> None:
    """Set the units of a gaze, in interocular distances to the image's right and down."""
    right, down = np.arcsin(np.clip(np.array(gaze) / _EYE_IOD, -1, 1)) / FULL_LOOK
    aside = (
        ("eyeLookOutLeft", "eyeLookInRight") if right > 0 else ("eyeLookInLeft", "eyeLookOutRight")
    )
    below = "eyeLookDown" if down > 0 else "eyeLookUp"
    for name in aside:
        weights[INDEX[name]] += abs(right)
    for side in ("Left", "Right"):
        weights[INDEX[below + side]] += abs(down)


class Rig:
    """A person's mesh, moved by units.

    Parameters
    ----------
    person : Person
        The head at rest.
    """

    def __init__(self, person: Person) -> None:
        self._person = person
        mesh = head_mesh()
        eyes = mesh.vertices(EYE)
        self._eyes = [eyes[mesh.points[eyes, 0] > 0], eyes[mesh.points[eyes, 0] < 0]]
        self._centres = [person.points[eye].mean(axis=0) for eye in self._eyes]
        self._radii = [
            float(np.linalg.norm(person.points[eye] - centre, axis=1).mean())
            for eye, centre in zip(self._eyes, self._centres, strict=True)
        ]
        self._tongue = mesh.vertices(TONGUE)
        skin = mesh.vertices(SKIN)
        self._lids = [
            skin[np.linalg.norm(person.points[skin] - centre, axis=1) < 1.6 * radius]
            for centre, radius in zip(self._centres, self._radii, strict=True)
        ]
        self._blink = [_closing(person, side) for side in ("Left", "Right")]

    def posed(self, weights: np.ndarray) -> np.ndarray:
        """Return the mesh, float64 [V, 3], with the units of `weights`, float64 [52]."""
        points = self._person.points.copy()
        deltas = units()
        for k in np.flatnonzero(weights):
            name, weight = UNITS[k], float(weights[k])
            if name.startswith("eyeBlink"):
                weight *= self._blink[name.endswith("Right")]
            unit = deltas[name]
            points[unit.index] += weight * self._person.scale * unit.delta
        # The asset's tongue fills an open mouth; a real one lies low.
        points[self._tongue] += np.array([0, -0.05, -0.06]) - self._person.scale * float(
            weights[INDEX["jawOpen"]]
        ) * np.array([0, 0.09, 0.12])
        for side in range(2):
            self._turn_eye(points, weights, side)
            self._clear_eye(points, side)
        return points

    def round_eyes(self, points: np.ndarray, normals: np.ndarray) -> None:
        """Write the normals of the eyes, which are balls, into `normals`, float32 [V, 3]."""
        for eye in self._eyes:
            away = points[eye] - points[eye].mean(axis=0)
            normals[eye] = away / np.linalg.norm(away, axis=1, keepdims=True)

    def _turn_eye(self, points: np.ndarray, weights: np.ndarray, side: int) -> None:
        yaw, pitch = look(weights)[side]
        centre = self._centres[side]
        away = points[self._eyes[side]] - centre
        points[self._eyes[side]] = centre + away @ turn(yaw, pitch).T

    def _clear_eye(self, points: np.ndarray, side: int) -> None:
        """Keep the lids outside the eye."""
        lids, centre, radius = self._lids[side], self._centres[side], 1.045 * self._radii[side]
        away = points[lids] - centre
        distance = np.linalg.norm(away, axis=1, keepdims=True)
        front = away[:, 2:] > 0
        points[lids] += np.where(front & (distance < radius), away * (radius / distance - 1), 0)


def look(weights: np.ndarray) -> np.ndarray:
    """Return yaw and pitch of the left and right eye, float64 [2, 2], radians; down is positive."""
    w = {name: float(weights[k]) for name, k in INDEX.items() if name.startswith("eyeLook")}
    across = (w["eyeLookOutLeft"] - w["eyeLookInLeft"], w["eyeLookInRight"] - w["eyeLookOutRight"])
    down = [w[f"eyeLookDown{side}"] - w[f"eyeLookUp{side}"] for side in ("Left", "Right")]
    return FULL_LOOK * np.column_stack([across, down])


def turn(yaw: float, pitch: float, roll: float = 0.0) -> np.ndarray:
    """Return the rotation Ry·Rx·Rz, float64 [3, 3]; signs as in `catalog.types.Track`."""
    (cy, sy), (cp, sp), (cr, sr) = ((np.cos(a), np.sin(a)) for a in (yaw, pitch, roll))
    ry = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    rx = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    rz = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return ry @ rx @ rz


def creases(weights: np.ndarray) -> np.ndarray:
    """Return the depths of the creases on the subject's right and left, float32 [2, K]."""
    depth = np.zeros((2, 5), np.float32)
    for name, shares in _DEEPENS.items():
        for side, ending in enumerate(("Right", "Left")):
            k = INDEX.get(name + ending, INDEX.get(name, -1))
            depth[side] += float32(weights[k]) * float32(shares)
    return depth


@cache
def _margins(side: str) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of vertices of the upper and lower lid that meet in a blink of the base mesh."""
    mesh, blink = head_mesh(), units()[f"eyeBlink{side}"]
    skin = np.zeros(len(mesh.points), bool)
    skin[mesh.vertices(SKIN)] = True
    shut = mesh.points.copy()
    shut[blink.index] += blink.delta
    moves = np.zeros(len(shut))
    moves[blink.index] = -blink.delta[:, 1]
    sign = 1 if side == "Left" else -1
    near = skin & (np.abs(shut[:, 0] * sign - 0.32) < 0.09) & (np.abs(shut[:, 1] - 7.25) < 0.09)
    near &= shut[:, 2] > 1.3
    upper = np.flatnonzero(near & (moves > 0.85 * moves[near].max()))
    lower = np.flatnonzero(near & (moves < 0.25 * moves[near].max()))
    distance = np.linalg.norm(shut[upper, None] - shut[None, lower], axis=2)
    return upper, lower[distance.argmin(axis=1)]


def lid_gap(points: np.ndarray, side: str) -> float:
    """Return the opening of the eye of a `side`, ``Left`` or ``Right``, in decimetres."""
    upper, lower = _margins(side)
    return float(np.median(points[upper, 1] - points[lower, 1]))


def _closing(person: Person, side: str) -> float:
    """Return the weight of the blink unit at which this person's lids meet."""
    usual = lid_gap(head_mesh().points, side) * person.scale
    return float(np.clip(lid_gap(person.points, side) / usual, 0.7, 1.6))
