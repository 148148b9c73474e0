"""What simulated faces do: each expression as pushes of its skin, its lids and its jaw.

Lengths are in interocular distances (IOD: between the outer eye corners), x to the image's right
and y down, on an upright face. Left and right are the subject's own, as in MediaPipe's
blendshapes: the subject's left is the image's right.
"""

import re
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Push:
    """Skin around landmark `point` moves by (dx, dy), falling off as a Gaussian of (sx, sy)."""

    point: int
    dx: float
    dy: float
    sx: float
    sy: float


@dataclass(frozen=True)
class Expression:
    """A facial motion at full scale.

    Attributes
    ----------
    pushes : tuple of Push
        Movements of the skin.
    left_lid, right_lid : float
        How far each eye closes, 0 to 1.
    jaw : float
        How far the jaw drops, 0 to 1.
    """

    pushes: tuple[Push, ...] = ()
    left_lid: float = 0.0
    right_lid: float = 0.0
    jaw: float = 0.0

    def scaled(self, weight: float) -> "Expression":
        """Return the same motion, `weight` times as large."""
        return Expression(
            tuple(Push(p.point, weight * p.dx, weight * p.dy, p.sx, p.sy) for p in self.pushes),
            weight * self.left_lid,
            weight * self.right_lid,
            weight * self.jaw,
        )

    def __add__(self, other: "Expression") -> "Expression":
        return Expression(
            self.pushes + other.pushes,
            self.left_lid + other.left_lid,
            self.right_lid + other.right_lid,
            self.jaw + other.jaw,
        )


# The right side's points with their mirror images on the left.
MIRROR = {
    61: 291, 40: 270, 91: 321, 205: 425, 50: 280, 145: 374, 159: 386, 105: 334, 66: 296,
    63: 293, 107: 336, 70: 300, 129: 358, 48: 278, 172: 397, 127: 356, 468: 473, 37: 267,
}  # fmt: skip


def mirrored(pushes: tuple[Push, ...]) -> tuple[Push, ...]:
    """Return the same pushes on the other side of the face."""
    return tuple(Push(MIRROR[p.point], -p.dx, p.dy, p.sx, p.sy) for p in pushes)


_SMILE_RIGHT = (
    Push(61, -0.11, -0.09, 0.19, 0.16),  # mouth corner out and up
    Push(205, -0.03, -0.06, 0.16, 0.14),  # the cheek gathers
    Push(145, 0.0, -0.02, 0.14, 0.07),  # and lifts the lower lid
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

# In the order in which `--actions` takes them. The first ones move the most points.
EXPRESSIONS: dict[str, Expression] = {
    "smile": Expression(_SMILE_RIGHT + mirrored(_SMILE_RIGHT)),
    "brow_raise": Expression(_BROW_RIGHT + mirrored(_BROW_RIGHT)),
    "jaw_drop": Expression(
        (Push(61, 0.04, 0.07, 0.17, 0.17), Push(291, -0.04, 0.07, 0.17, 0.17)), jaw=1.0
    ),
    "pucker": Expression(
        (
            *_PUCKER_RIGHT,
            *mirrored(_PUCKER_RIGHT),
            Push(0, 0.0, -0.03, 0.14, 0.06),  # lips thicken
            Push(17, 0.0, 0.03, 0.14, 0.06),
        )
    ),
    "smirk_left": Expression(mirrored(_SMILE_RIGHT)),
    "nose_wrinkle": Expression(_WRINKLE_RIGHT + mirrored(_WRINKLE_RIGHT)),
    "brow_furrow": Expression(_FURROW_RIGHT + mirrored(_FURROW_RIGHT)),
    "frown": Expression(_FROWN_RIGHT + mirrored(_FROWN_RIGHT)),
    "smirk_right": Expression(_SMILE_RIGHT),
    "wink_left": Expression(mirrored(_WINK_RIGHT), left_lid=1.0),
    "wink_right": Expression(_WINK_RIGHT, right_lid=1.0),
}

# What a personal motion is mixed from: one that moves the mouth, so that it is seen, and two more.
_BASES = ("smirk_left", "smirk_right", "pucker", "jaw_drop")
_EXTRAS = ("wink_left", "wink_right", "nose_wrinkle", "brow_raise", "brow_furrow")
_CANDIDATES = 32
# About how far a lid's edge and the chin go, in IOD.
_LID, _JAW = 0.1, 0.3
_POINTS = sorted({push.point for e in EXPRESSIONS.values() for push in e.pushes})


def personal(rng: np.random.Generator, number: int) -> Expression:
    """Draw a subject's own motion of a number, 1 or more; `rng` is the subject's.

    Somebody who is to show several motions chooses such as can be told apart: each is, of some
    mixtures of three expressions, the one whose direction is least like those before.
    """
    before = np.zeros((0, len(direction(EXPRESSIONS["smile"]))))
    for _ in range(number):
        candidates = [_mixture(rng) for _ in range(_CANDIDATES)]
        directions = np.array([direction(mixture) for mixture in candidates])
        chosen = int((directions @ before.T).max(axis=1, initial=-1).argmin())
        before = np.vstack([before, directions[chosen]])
    return candidates[chosen]


def direction(expression: Expression) -> np.ndarray:
    """Where a motion goes, float64 [n], of length 1: points that are pushed, lids and jaw."""
    moved = np.zeros(2 * len(_POINTS) + 3)
    for push in expression.pushes:
        i = 2 * _POINTS.index(push.point)
        moved[i : i + 2] += push.dx, push.dy
    moved[-3:] = _LID * expression.left_lid, _LID * expression.right_lid, _JAW * expression.jaw
    return moved / np.linalg.norm(moved)


def _mixture(rng: np.random.Generator) -> Expression:
    base = str(rng.choice(_BASES))
    extras = rng.choice(_EXTRAS, size=2, replace=False)
    mixture = EXPRESSIONS[base].scaled(rng.uniform(0.8, 0.9))
    for name in extras:
        mixture += EXPRESSIONS[str(name)].scaled(rng.uniform(0.3, 0.5))
    return mixture


def action_names(n: int) -> list[str]:
    """Return the names of the first `n` actions.

    >>> action_names(2), action_names(13)[-2:]
    (['smile', 'brow_raise'], ['personal_1', 'personal_2'])
    """
    named = list(EXPRESSIONS)
    return named[:n] + [f"personal_{k + 1}" for k in range(n - len(named))]


def known_action(name: str) -> bool:
    """Whether an action of this name can be simulated.

    >>> known_action("smile"), known_action("personal_3"), known_action("yawn")
    (True, True, False)
    """
    return name in EXPRESSIONS or re.fullmatch(r"personal_[1-9]\d?", name) is not None
