"""Identity: the shape of a person's head at rest, drawn from MakeHuman's targets."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fmdata.synth.simulator.heads import assets
from fmdata.synth.simulator.heads.mesh import EYES, head_mesh
from fmdata.synth.simulator.heads.parts import EYE

PEOPLES = ("caucasian", "african", "asian")
# A direction and its opposite, at the end of a target's name.
_OPPOSITES = {
    "incr": "decr",
    "up": "down",
    "in": "out",
    "forward": "backward",
    "compress": "uncompress",
    "convex": "concave",
}
# Standard deviation of the weight of a part's targets. The eyes of some targets leave the lids.
_USUAL = 0.3
_SPREAD = {"eyes": 0.25, "neck": 0.1, "mouth": 0.26, "eyebrows": 0.35}
_LEFT_OUT = ("head-trans", "head-age", "head-angle", "head-back", "mouth-trans", "neck-trans",
             "eye-push", "forehead-trans", "double", "eye-scale", "cupidsbow-width")  # fmt: skip
_OUTLINES = (
    "head-diamond", "head-invertedtriangular", "head-oval", "head-rectangular", "head-round",
    "head-square", "head-triangular",
)  # fmt: skip


@dataclass(frozen=True)
class Person:
    """Shape of a person's head, and what is known of the person.

    Attributes
    ----------
    points : float64 [V, 3]
        The mesh at rest in decimetres; the eyes are where the base mesh has them.
    scale : float
        Size of the base mesh's displacements on this head.
    people : float64 [3]
        Shares of `PEOPLES`; their sum is 1.
    male, age : float
        0 to 1; an age of 0 is a young adult.
    """

    points: np.ndarray
    scale: float
    people: np.ndarray
    male: float
    age: float


def draw_person(rng: np.random.Generator) -> Person:
    """Draw a person: peoples, sex, age, weight, outline of the head, and features of the face."""
    mesh = head_mesh()
    people = rng.dirichlet([0.45] * 3)
    male = float(np.clip(rng.beta(0.35, 0.35), 0.06, 0.94))
    age = float(rng.uniform(0, 1) ** 1.6)
    weight = float(np.clip(rng.normal(0, 0.45), -1, 1))
    points = _full(mesh.points, mesh.kept)
    for name, amount in _macros(people, male, 0.75 * age, weight):
        _move(points, name, amount)
    _move(points, f"head/{rng.choice(_OUTLINES)}", float(rng.uniform(0, 0.7)))
    for names, amount in _features(rng):
        for name in names:
            _move(points, name, amount)
    return _placed(points[mesh.kept], people, male, age)


def _macros(
    people: np.ndarray, male: float, age: float, weight: float
) -> Iterator[tuple[str, float]]:
    """Yield the targets of peoples, sex, age and weight, with their weights."""
    for sex, share in (("male", male), ("female", 1 - male)):
        for old, part in (("young", 1 - age), ("old", age)):
            for name, amount in zip(PEOPLES, people, strict=True):
                yield f"macrodetails/{name}-{sex}-{old}", share * part * amount
            body = "maxweight" if weight > 0 else "minweight"
            yield (
                f"macrodetails/universal-{sex}-{old}-averagemuscle-{body}",
                share * part * abs(weight),
            )
            yield (
                f"macrodetails/universal-{sex}-{old}-averagemuscle-averageweight",
                share * part * (1 - abs(weight)),
            )


def _features(rng: np.random.Generator) -> Iterator[tuple[list[str], float]]:
    """Draw the weights of the targets of a face: the same on both sides, nearly."""
    for part in assets.PARTS:
        spread = _SPREAD.get(part, _USUAL)
        pairs = _opposites(assets.target_names(part))
        for feature in sorted({re.sub(r"/[lr]-", "/", name) for name, _ in pairs}):
            amount = float(np.clip(rng.normal(0, spread), -0.8, 0.8))
            if any(word in feature for word in _LEFT_OUT):
                continue
            for name, opposite in pairs:
                if re.sub(r"/[lr]-", "/", name) == feature:
                    side = amount + float(rng.normal(0, 0.03)) * (name != feature)
                    yield [name if side > 0 else opposite], abs(side)


def _opposites(names: list[str]) -> list[tuple[str, str]]:
    """Return the targets that have an opposite, each with it."""
    pairs = []
    for name in names:
        stem, _, end = name.rpartition("-")
        opposite = f"{stem}-{_OPPOSITES.get(end, '')}"
        if opposite in names:
            pairs.append((name, opposite))
    return pairs


def _full(points: np.ndarray, kept: np.ndarray) -> np.ndarray:
    full = np.zeros((kept.max() + 1, 3))
    full[kept] = points
    return full


def _move(points: np.ndarray, name: str, amount: float) -> None:
    """Move `points`, numbered as in the base mesh, by a target, in place."""
    target = assets.read_target(name)
    here = target.index < len(points)
    points[target.index[here]] += amount * target.delta[here]


def _placed(points: np.ndarray, people: np.ndarray, male: float, age: float) -> Person:
    """Put the eyes of a head where the base mesh has them."""
    eyes = head_mesh().vertices(EYE)
    left = points[eyes[points[eyes, 0] > 0]].mean(axis=0)
    right = points[eyes[points[eyes, 0] < 0]].mean(axis=0)
    scale = float((EYES[0, 0] - EYES[1, 0]) / (left[0] - right[0]))
    points = (points - (left + right) / 2) * scale + EYES.mean(axis=0)
    return Person(points, scale, people, male, age)
