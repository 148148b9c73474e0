"""Expressions of simulated faces: displacements of the skin, the lids and the jaw.

Lengths are in interocular distances (IOD, the distance of the outer eye corners), x to the image's
right and y down, on an upright face. Left and right are the subject's own, as in MediaPipe's
blendshapes: the subject's left is the image's right.
"""

import re
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Push:
    """Displacement (dx, dy) of the skin at landmark `point`, with Gaussian falloff (sx, sy)."""

    point: int
    dx: float
    dy: float
    sx: float
    sy: float


@dataclass(frozen=True)
class Pull:
    """Weight of one of ARKit's units: what a motion is for a head in three dimensions."""

    unit: str
    weight: float


@dataclass(frozen=True)
class Expression:
    """A facial motion at full scale.

    Attributes
    ----------
    pushes : tuple of Push
        Displacements of the skin of a portrait.
    left_lid, right_lid : float
        Closure of each eye, 0 to 1.
    jaw : float
        Opening of a portrait's jaw, 0 to 1.
    pulls : tuple of Pull
        Units of a head, without the lids.
    """

    pushes: tuple[Push, ...] = ()
    left_lid: float = 0.0
    right_lid: float = 0.0
    jaw: float = 0.0
    pulls: tuple[Pull, ...] = ()

    def scaled(self, weight: float) -> "Expression":
        """Return the same motion, `weight` times as large."""
        return Expression(
            tuple(Push(p.point, weight * p.dx, weight * p.dy, p.sx, p.sy) for p in self.pushes),
            weight * self.left_lid,
            weight * self.right_lid,
            weight * self.jaw,
            tuple(Pull(pull.unit, weight * pull.weight) for pull in self.pulls),
        )

    def __add__(self, other: "Expression") -> "Expression":
        return Expression(
            self.pushes + other.pushes,
            self.left_lid + other.left_lid,
            self.right_lid + other.right_lid,
            self.jaw + other.jaw,
            self.pulls + other.pulls,
        )


# Landmarks of the right side, and their mirror images on the left.
MIRROR = {
    61: 291, 40: 270, 91: 321, 205: 425, 50: 280, 145: 374, 159: 386, 105: 334, 66: 296,
    63: 293, 107: 336, 70: 300, 129: 358, 48: 278, 172: 397, 127: 356, 468: 473, 37: 267,
}  # fmt: skip


def mirrored(pushes: tuple[Push, ...]) -> tuple[Push, ...]:
    """Return the pushes of the right side, mirrored to the left."""
    return tuple(Push(MIRROR[p.point], -p.dx, p.dy, p.sx, p.sy) for p in pushes)


_SMILE_RIGHT = (
    Push(61, -0.11, -0.09, 0.19, 0.16),  # mouth corner out and up
    Push(205, -0.03, -0.06, 0.16, 0.14),  # cheek rises
    Push(145, 0.0, -0.02, 0.14, 0.07),  # lower lid rises
)
_BROW_RIGHT = (
    Push(105, 0.0, -0.12, 0.18, 0.13),
    Push(107, 0.0, -0.06, 0.10, 0.13),
    Push(159, 0.0, -0.015, 0.12, 0.06),  # eyes widen
)
_WINK_RIGHT = (
    Push(205, -0.01, -0.05, 0.17, 0.15),
    Push(145, 0.0, -0.01, 0.14, 0.06),
    Push(105, 0.0, 0.04, 0.17, 0.10),
)
_PUCKER_RIGHT = (
    Push(61, 0.12, 0.0, 0.16, 0.16),
    Push(205, 0.03, 0.01, 0.16, 0.16),
)
_FROWN_RIGHT = (Push(61, -0.01, 0.12, 0.16, 0.14),)
_FURROW_RIGHT = (
    Push(107, 0.05, 0.11, 0.14, 0.15),
    Push(105, 0.03, 0.08, 0.17, 0.15),
)
_WRINKLE_RIGHT = (
    Push(129, -0.01, -0.06, 0.10, 0.12),
    Push(40, -0.03, -0.07, 0.15, 0.08),
    Push(107, 0.03, 0.08, 0.14, 0.12),
    Push(145, 0.0, -0.03, 0.14, 0.07),
)


def _left(**weights: float) -> tuple[Pull, ...]:
    return tuple(Pull(f"{unit}Left", weight) for unit, weight in weights.items())


def _right(**weights: float) -> tuple[Pull, ...]:
    return tuple(Pull(f"{unit}Right", weight) for unit, weight in weights.items())


def _both(**weights: float) -> tuple[Pull, ...]:
    return _left(**weights) + _right(**weights)


# `--actions N` takes the first N. The first ones move the most points.
EXPRESSIONS: dict[str, Expression] = {
    "smile": Expression(
        _SMILE_RIGHT + mirrored(_SMILE_RIGHT), pulls=_both(mouthSmile=0.9, cheekSquint=0.5)
    ),
    "brow_raise": Expression(
        _BROW_RIGHT + mirrored(_BROW_RIGHT),
        pulls=(Pull("browInnerUp", 1.1), *_both(browOuterUp=1.1, eyeWide=0.3)),
    ),
    "jaw_drop": Expression(
        (Push(61, 0.04, 0.07, 0.17, 0.17), Push(291, -0.04, 0.07, 0.17, 0.17)),
        jaw=1.0,
        pulls=(Pull("jawOpen", 0.8),),
    ),
    "pucker": Expression(
        (
            *_PUCKER_RIGHT,
            *mirrored(_PUCKER_RIGHT),
            Push(0, 0.0, -0.03, 0.14, 0.06),  # lips thicken
            Push(17, 0.0, 0.03, 0.14, 0.06),
        ),
        pulls=(Pull("mouthPucker", 1.1), Pull("mouthFunnel", 0.2)),
    ),
    "smirk_left": Expression(mirrored(_SMILE_RIGHT), pulls=_left(mouthSmile=0.9, cheekSquint=0.5)),
    "nose_wrinkle": Expression(
        _WRINKLE_RIGHT + mirrored(_WRINKLE_RIGHT),
        pulls=_both(noseSneer=1.2, mouthUpperUp=0.6, browDown=0.6, cheekSquint=0.5),
    ),
    "brow_furrow": Expression(_FURROW_RIGHT + mirrored(_FURROW_RIGHT), pulls=_both(browDown=1.2)),
    "frown": Expression(
        _FROWN_RIGHT + mirrored(_FROWN_RIGHT),
        pulls=(*_both(mouthFrown=1.1), Pull("mouthShrugLower", 0.5)),
    ),
    "smirk_right": Expression(_SMILE_RIGHT, pulls=_right(mouthSmile=0.9, cheekSquint=0.5)),
    "wink_left": Expression(
        mirrored(_WINK_RIGHT), left_lid=1.0, pulls=_left(cheekSquint=0.6, browDown=0.35)
    ),
    "wink_right": Expression(
        _WINK_RIGHT, right_lid=1.0, pulls=_right(cheekSquint=0.6, browDown=0.35)
    ),
}

_SQUEEZE_RIGHT = (
    Push(105, 0.0, 0.035, 0.18, 0.13),
    Push(107, 0.0, 0.035, 0.10, 0.13),
    Push(50, 0.0, -0.02, 0.17, 0.13),  # cheek rises
)
SQUEEZE = Expression(
    _SQUEEZE_RIGHT + mirrored(_SQUEEZE_RIGHT), pulls=_both(browDown=0.4, cheekSquint=0.5)
)
"""Brows and cheeks in a hard blink; no action of its own."""

# A personal motion is a mixture of one base, which moves the mouth visibly, and two extras.
_BASES = ("smirk_left", "smirk_right", "pucker", "jaw_drop")
_EXTRAS = ("wink_left", "wink_right", "nose_wrinkle", "brow_raise", "brow_furrow")
_CANDIDATES = 32
# Approximate path of a lid's edge and of the chin at full scale, in IOD.
_LID, _JAW = 0.1, 0.3
_POINTS = sorted({push.point for e in EXPRESSIONS.values() for push in e.pushes})


def personal(rng: np.random.Generator, number: int, *, shared_parts: bool = False) -> Expression:
    """Draw a subject's own motion with a number from 1; `rng` is the subject's.

    The motions of a subject are distinct: each is chosen among random mixtures of three
    expressions, as the one with the smallest cosine to the motions with lower numbers. With
    `shared_parts`, every motion of an even number has the base of the one before it.
    """
    base = ""
    before = np.zeros((0, len(direction(EXPRESSIONS["smile"]))))
    for k in range(number):
        given = base if shared_parts and k % 2 else ""
        candidates = [_mixture(rng, given) for _ in range(_CANDIDATES)]
        directions = np.array([direction(mixture) for _, mixture in candidates])
        chosen = int((directions @ before.T).max(axis=1, initial=-1).argmin())
        before = np.vstack([before, directions[chosen]])
        base = candidates[chosen][0]
    return candidates[chosen][1]


def direction(expression: Expression) -> np.ndarray:
    """Return the unit vector, float64 [n], of a motion's displacements: skin points, lids, jaw."""
    moved = np.zeros(2 * len(_POINTS) + 3)
    for push in expression.pushes:
        i = 2 * _POINTS.index(push.point)
        moved[i : i + 2] += push.dx, push.dy
    moved[-3:] = _LID * expression.left_lid, _LID * expression.right_lid, _JAW * expression.jaw
    return moved / np.linalg.norm(moved)


def _mixture(rng: np.random.Generator, given: str) -> tuple[str, Expression]:
    """Draw a mixture; return its base, which is `given` or drawn, and the mixture."""
    base = given or str(rng.choice(_BASES))
    extras = rng.choice(_EXTRAS, size=2, replace=False)
    mixture = EXPRESSIONS[base].scaled(rng.uniform(0.8, 0.9))
    for name in extras:
        mixture += EXPRESSIONS[str(name)].scaled(rng.uniform(0.3, 0.5))
    return base, mixture


def action_names(n: int) -> list[str]:
    """Return the names of the first `n` actions.

    >>> action_names(2), action_names(13)[-2:]
    (['smile', 'brow_raise'], ['personal_1', 'personal_2'])
    """
    named = list(EXPRESSIONS)
    return named[:n] + [f"personal_{k + 1}" for k in range(n - len(named))]


def known_action(name: str) -> bool:
    """Return whether the simulator knows an action of this name.

    >>> [known_action(name) for name in ("smile", "personal_3", "word_1", "yawn")]
    [True, True, True, False]
    """
    own = re.fullmatch(r"(personal|word)_[1-9]\d?", name)
    return name in EXPRESSIONS or own is not None


def is_word(action: str) -> bool:
    """Return whether an action of the simulator is a word that lips form."""
    return action.startswith("word_")
