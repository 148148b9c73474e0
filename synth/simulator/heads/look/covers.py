"""Covers of the skin: hair, a cap, clothes. Each is a copy of some skin, moved outwards."""

from dataclasses import dataclass

import numpy as np

from fmdata.synth.simulator.heads.identity import Person
from fmdata.synth.simulator.heads.mesh import head_mesh, mask
from fmdata.synth.simulator.heads.parts import CAP, CLOTH, HAIR, SKIN
from fmdata.synth.simulator.heads.render.arrays import float32

_AXIS_Z = 0.2
# Weight of the strands, and how much the outermost layer is thinned: at the hairline alone, so that
# nothing shines through elsewhere.
_STRANDS, _THIN = 0.55, 0.65
_SHOULDERS = 5.0  # hair ends above
# The hairline: height over the angle from the front, in radians.
_ANGLES = np.array([0.0, 0.5, 0.85, 1.1, 1.25, 1.45, 1.8, 2.3, np.pi])
_SHORT = np.array([7.96, 7.97, 7.88, 7.55, 7.15, 7.38, 7.2, 6.75, 6.55])
_LONG = np.array([7.96, 7.97, 7.85, 7.5, 6.2, 5.6, 5.6, 5.6, 5.6])


@dataclass(frozen=True)
class Style:
    """Style of hair.

    Attributes
    ----------
    thick : float
        Rise of the outermost layer, in decimetres.
    layers : int
        Number of layers.
    length : pair of float or None
        Range of the height at which hanging hair ends; None for hair that does not hang.
    """

    thick: float
    layers: int
    length: tuple[float, float] | None = None


STYLES = {
    "bald": Style(0.0, 0),
    "buzz": Style(0.02, 2),
    "short": Style(0.1, 4),
    "full": Style(0.2, 5),
    "bob": Style(0.14, 3, (6.25, 6.7)),
    "long": Style(0.13, 3, (5.3, 5.9)),
}


@dataclass(frozen=True)
class Cover:
    """A surface that follows the skin.

    Attributes
    ----------
    source : int64 [N]
        Vertex of the head's mesh below each vertex.
    rise : float32 [N]
        Distance from it along its normal, in decimetres.
    hang : float32 [N, 3]
        Further displacement, in the head's frame.
    cut : float32 [N]
        Below 0 nothing is drawn; with `grain`, strands thin out before.
    dark : float32 [N]
        Share of the sky that each vertex sees.
    uv : float32 [N, 2]
        Position in the part's patch of the atlas, 0 to 1.
    triangles : int32 [F, 3]
    part : int
    grain : float
        Weight of the strands against `cut`.
    two_sided : bool
        Whether it is seen from inside, too.
    """

    source: np.ndarray
    rise: np.ndarray
    hang: np.ndarray
    cut: np.ndarray
    dark: np.ndarray
    uv: np.ndarray
    triangles: np.ndarray
    part: int
    grain: float
    two_sided: bool


def _azimuth(points: np.ndarray) -> np.ndarray:
    return np.abs(np.arctan2(points[:, 0], points[:, 2] - _AXIS_Z))


def _smooth(x: np.ndarray) -> np.ndarray:
    x = np.clip(x, 0, 1)
    return np.asarray(x * x * (3 - 2 * x))


def _copy(inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the skin's vertices and triangles where any corner is `inside`, bool [V]."""
    mesh = head_mesh()
    skin = mesh.triangles[mesh.part == SKIN]
    triangles = skin[inside[skin].any(axis=1)]
    source, number = np.unique(triangles, return_inverse=True)
    return source, number.reshape(-1, 3).astype(np.int32)


def hair(person: Person, style: str, rng: np.random.Generator, pressed: float = 1.0) -> list[Cover]:
    """Grow the layers of hair of a style of `STYLES`; `pressed` shrinks them, as under a cap."""
    grown = STYLES[style]
    if not grown.layers:
        return []
    base, ears = head_mesh().points, mask("ears", head_mesh()) > 0.3
    inside = _hairline(person, grown, rng, ears)
    thick = grown.thick * rng.uniform(0.8, 1.25)
    source, triangles = _copy(inside > -0.1)
    depth, above = inside[source], base[source, 1]
    body = _smooth((depth + 0.02) / 0.35) * (1 + 0.5 * _smooth((above - 7.9) / 0.5))
    hang = np.zeros((len(source), 3))
    if grown.length:
        hang = _hang(base[source], ears[source])
        body = np.maximum(body, 0.6 * _smooth((7.8 - above) / 0.3) * _smooth(depth / 0.1))
        body = np.where(ears[source], 0, body)
    # The outer layers come first, because they hide the inner ones.
    levels = np.linspace(1, 0, grown.layers)
    thin = _THIN if grown.layers > 2 else 0.0
    places = _strand_places(base[source], rng)
    return [
        Cover(
            source=source,
            rise=float32(pressed * (0.012 + thick * level * body)),
            hang=float32(hang * (0.8 + 0.2 * level)),
            cut=float32(np.minimum(6 * depth, 1.0) + 0.25 - thin * level),
            dark=np.full(len(source), 0.45 + 0.55 * level, np.float32),
            uv=places,
            triangles=triangles,
            part=HAIR,
            grain=_STRANDS,
            # Hair that hangs behind the neck is seen from inside.
            two_sided=level == 0 and bool(grown.length),
        )
        for level in levels
    ]


def _hairline(
    person: Person, style: Style, rng: np.random.Generator, ears: np.ndarray
) -> np.ndarray:
    """Return how far inside the hair each vertex of the mesh lies, float64 [V], decimetres."""
    points = head_mesh().points
    angle = _azimuth(points)
    line = np.interp(angle, _ANGLES, _LONG if style.length else _SHORT)
    line += rng.uniform(-0.12, 0.1) * np.exp(-((angle / 0.8) ** 2))
    receding = max(0.0, person.age - 0.35) * person.male * rng.uniform(0, 0.6)
    line += receding * np.exp(-(((angle - 0.55) / 0.35) ** 2))
    inside = points[:, 1] - line
    if style.length:
        end = rng.uniform(*style.length)
        inside = np.minimum(inside, 1.2 * (points[:, 1] - end) + 0.02)
    else:
        inside = np.where(ears, -1, inside)
    return np.where(points[:, 1] > _SHOULDERS, inside, -1)


def _hang(points: np.ndarray, ears: np.ndarray) -> np.ndarray:
    """Return the way from the neck to hair that hangs straight down, float64 [N, 3]."""
    away = points[:, [0, 2]] - np.array([0, 0.0])
    radius = np.maximum(np.linalg.norm(away, axis=1), 1e-6)
    angle = np.abs(np.arctan2(points[:, 0], points[:, 2]))
    wanted = np.interp(angle, [0.9, 1.3, 2.0, np.pi], [0.97, 0.97, 1.0, 0.97])
    wanted = wanted + 0.12 * _smooth((7.4 - points[:, 1]) / 1.2)
    push = np.maximum(wanted / radius - 1, 0) * _smooth((7.75 - points[:, 1]) / 0.5)
    push *= _smooth((angle - 0.9) / 0.3)
    push = np.where(ears, wanted / radius - 1, push)
    moved = np.zeros((len(points), 3))
    moved[:, [0, 2]] = away * push[:, None]
    return moved


def _strand_places(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the places of strands that run from the crown, or from a parting, float32 [N, 2]."""
    parting = rng.uniform(-0.35, 0.35)
    x = points[:, 0] - parting * _smooth((points[:, 1] - 7.8) / 0.5)
    across = np.abs(np.arctan2(x, points[:, 2] + 0.6)) / np.pi
    top = np.hypot(x, points[:, 2] - 0.1)
    along = np.where(points[:, 1] > 7.6, top * 0.5, 0.5 + 0.3 * (7.6 - points[:, 1]))
    uv = np.stack([across, np.clip(0.05 + 0.5 * along, 0, 1)], axis=1)
    return uv.astype(np.float32)


def cap(rng: np.random.Generator) -> list[Cover]:
    """Knit a cap: its body, and a fold at its edge."""
    base = head_mesh().points
    edge = 7.72 + 0.1 * np.cos(_azimuth(base)) - 0.32 * _smooth((_azimuth(base) - 1.2) / 1.5)
    edge += rng.uniform(-0.06, 0.1)
    inside = base[:, 1] - edge
    source, triangles = _copy(inside > -0.15)
    loose = rng.uniform(0.05, 0.3) * _smooth((base[source, 1] - 8.0) / 0.5)
    uv = np.stack([0.5 + 0.45 * base[source, 0], (8.7 - base[source, 1]) / 1.5], axis=1)
    fold = rng.uniform(0.16, 0.3)
    deep = inside[source]
    covers = []
    for rise, top in ((0.13 + loose, 9.0), (np.full(len(source), 0.2), fold)):
        cut = np.minimum(deep, top - deep)
        rounded = 0.06 * (1 - _smooth(cut / 0.08))
        covers.append(_plain(source, triangles, rise - rounded, cut, uv, CAP))
    return covers


def clothes(rng: np.random.Generator) -> list[Cover]:
    """Cut a shirt with a round, a low or a high neck."""
    base = head_mesh().points
    neck = rng.choice([0.05, 0.15, 0.32])
    front = np.cos(np.arctan2(base[:, 0], base[:, 2]))
    edge = 5.72 + neck - 0.28 * np.maximum(front, 0) + 0.08 * np.minimum(front, 0)
    edge = edge + 0.1 * _smooth((np.abs(base[:, 0]) - 0.6) / 1.0)
    inside = edge - base[:, 1]
    source, triangles = _copy(inside > -0.3)
    rim = 0.05 * np.exp(-((inside[source] / 0.08) ** 2))
    uv = np.stack([0.5 + 0.2 * base[source, 0], (6.2 - base[source, 1]) / 1.6], axis=1)
    return [_plain(source, triangles, 0.05 + rim, inside[source], uv, CLOTH)]


def _plain(
    source: np.ndarray,
    triangles: np.ndarray,
    rise: np.ndarray,
    cut: np.ndarray,
    uv: np.ndarray,
    part: int,
) -> Cover:
    """Return a cover without strands."""
    n = len(source)
    return Cover(
        source=source,
        rise=float32(rise),
        hang=np.zeros((n, 3), np.float32),
        cut=float32(cut),
        dark=np.ones(n, np.float32),
        uv=float32(np.clip(uv, 0, 1)),
        triangles=triangles,
        part=part,
        grain=0.0,
        two_sided=part == CLOTH,
    )
