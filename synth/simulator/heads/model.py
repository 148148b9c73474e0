"""A dressed person, ready to be drawn: all that does not depend on the moment."""

from dataclasses import dataclass

import cv2
import numpy as np

from fmdata.synth.simulator.heads.identity import Person
from fmdata.synth.simulator.heads.look import atlas
from fmdata.synth.simulator.heads.look.atlas import compose, place_in
from fmdata.synth.simulator.heads.look.covers import Cover
from fmdata.synth.simulator.heads.look.skin import Skin
from fmdata.synth.simulator.heads.look.wardrobe import Dress
from fmdata.synth.simulator.heads.mesh import TEXELS, head_mesh, mask
from fmdata.synth.simulator.heads.parts import (
    CAP,
    CLOTH,
    EYE,
    HAIR,
    LASH,
    MOUTH,
    SKIN,
    TEETH,
    TONGUE,
)
from fmdata.synth.simulator.heads.render.arrays import Surface, Textures
from fmdata.synth.simulator.heads.render.picture import IOD, IOD_SHARE, toward
from fmdata.synth.simulator.heads.render.raster import draw_nearness, vertex_normals
from fmdata.synth.simulator.heads.units import Rig, turn

_PIVOT = np.array([0.0, 6.55, 0.25])  # of the head, at the top of the neck, in decimetres
_PATCHES = {
    MOUTH: atlas.MOUTH_PATCH, TEETH: atlas.TEETH_PATCH, TONGUE: atlas.TONGUE_PATCH,
    LASH: atlas.LASH_PATCH, HAIR: atlas.HAIR_PATCH, CAP: atlas.CAP_PATCH, CLOTH: atlas.CLOTH_PATCH,
}  # fmt: skip
_DIRECTIONS, _SKY_MAP = 40, 160  # of the sky whose shadows are laid by
_DENSE = 0.9  # cut of the innermost layer of hair above which no skin shines through
# Share of the sky that the parts inside the head see.
_INSIDE = {EYE: 0.8, MOUTH: 0.12, LASH: 0.5}


@dataclass(frozen=True)
class Model:
    """A dressed person.

    Attributes
    ----------
    rig : Rig
        The mesh that units move.
    surface : Surface
        Triangles of the mesh, then of the covers.
    textures : Textures
        At the resolution of the video.
    dark : float32 [V]
        Share of the sky that each vertex sees.
    follows : float64 [V]
        Share of the head's turn that each vertex of the mesh follows, 0 to 1.
    source, rise, hang : int64 [N], float32 [N], float32 [N, 3]
        Of all covers, as in :class:`fmdata.synth.simulator.heads.look.covers.Cover`.
    """

    rig: Rig
    surface: Surface
    textures: Textures
    dark: np.ndarray
    follows: np.ndarray
    source: np.ndarray
    rise: np.ndarray
    hang: np.ndarray

    def vertices(self, weights: np.ndarray, yaw: float, pitch: float, roll: float) -> np.ndarray:
        """Return the vertices, float32 [V, 9], as :mod:`heads.render.arrays` has them.

        Parameters
        ----------
        weights : float64 [52]
            Units.
        yaw, pitch, roll : float
            Turn of the head in radians.
        """
        rotation = turn(yaw, pitch, roll)
        points = self.turned(self.rig.posed(weights), rotation)
        normals = vertex_normals(points, head_mesh().triangles)
        self.rig.round_eyes(points, normals)
        rise = self.rise[:, None] * normals[self.source]
        above = points[self.source] + rise + self.hang @ rotation.T.astype(np.float32)
        points = np.concatenate([points, above])
        normals = np.concatenate([normals, normals[self.source]])
        return np.column_stack([normals, points, self.surface.uv, self.dark])

    def turned(self, points: np.ndarray, rotation: np.ndarray) -> np.ndarray:
        """Turn the head on its neck: `points` float64 [V, 3] of the mesh, to float32 [V, 3]."""
        moved = (points - _PIVOT) @ rotation.T + _PIVOT - points
        return (points + self.follows[:, None] * moved).astype(np.float32)


def build(person: Person, skin: Skin, dress: Dress, rng: np.random.Generator, size: int) -> Model:
    """Build a model for videos of a size."""
    covers = dress.covers
    textures, step = _textures(skin, dress, rng, size)
    return Model(
        rig=Rig(person),
        surface=_surface(covers, step),
        textures=textures,
        dark=np.concatenate([_darkened(person), *(c.dark for c in covers)]),
        follows=_following(),
        source=np.concatenate([c.source for c in covers]),
        rise=np.concatenate([c.rise for c in covers]),
        hang=np.concatenate([c.hang for c in covers]),
    )


def _surface(covers: list[Cover], step: int) -> Surface:
    """Join the mesh and its covers; `step` texels of the full textures are one."""
    mesh = head_mesh()
    shown = ~_hidden(covers)
    own = mesh.triangles[shown], mesh.part[shown]
    groups = [(*own, np.zeros(len(own[1]), np.float32), own[1] == LASH)]
    start = len(mesh.points)
    for cover in covers:
        n = len(cover.triangles)
        part, grain = np.full(n, cover.part, np.int8), np.full(n, cover.grain, np.float32)
        # The mesh comes last, because covers hide much of it.
        groups.insert(-1, (cover.triangles + start, part, grain, np.full(n, cover.two_sided)))
        start += len(cover.source)
    triangles, part, grain, two_sided = map(np.concatenate, zip(*groups, strict=True))
    triangles = triangles.astype(np.int32)
    uv = np.concatenate([_texels(), *(place_in(c.uv, _PATCHES[c.part]) for c in covers)])
    return Surface(
        triangles=triangles,
        part=part,
        two_sided=two_sided,
        grain=grain,
        cut=np.concatenate([np.ones(len(mesh.points), np.float32), *(c.cut for c in covers)]),
        uv=(uv / step).astype(np.float32),
        casting=np.concatenate([mesh.triangles[mesh.part == SKIN], triangles[part == CAP]]),
    )


def _textures(
    skin: Skin, dress: Dress, rng: np.random.Generator, size: int
) -> tuple[Textures, int]:
    """Return the textures, and how many of their texels became one for a video of this size."""
    step = max(1, round(TEXELS / (IOD_SHARE * size / IOD)))

    def shrunk(texture: np.ndarray) -> np.ndarray:
        height, width = texture.shape[0] // step, texture.shape[1] // step
        layers = [
            np.ascontiguousarray(layer) for layer in np.moveaxis(np.atleast_3d(texture), 2, 0)
        ]
        small = [cv2.resize(x, (width, height), interpolation=cv2.INTER_AREA) for x in layers]
        return np.ascontiguousarray(np.dstack(small))

    colour, strands = compose(skin.colour, skin.gloss, dress.colours, rng)
    return Textures(shrunk(colour), shrunk(strands)[..., 0], shrunk(skin.relief)), step


def _texels() -> np.ndarray:
    """Return the texel of each vertex of the mesh, float32 [V, 2]."""
    mesh = head_mesh()
    uv = mesh.uv.copy()
    for part in (MOUTH, TEETH, TONGUE, LASH):
        inside = np.setdiff1d(mesh.vertices(part), mesh.vertices(SKIN))
        uv[inside] = place_in(np.full(2, 0.5), _PATCHES[part])
    eyes = mesh.vertices(EYE)
    for eye in (eyes[mesh.points[eyes, 0] > 0], eyes[mesh.points[eyes, 0] < 0]):
        away = mesh.points[eye] - mesh.points[eye].mean(axis=0)
        away /= np.linalg.norm(away, axis=1, keepdims=True)
        flat = away[:, :2] * [1, -1]
        # What is behind lies on the rim, and is never seen.
        rim = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
        flat = atlas.REACH * np.where(away[:, 2:] < 0, rim, flat)
        uv[eye] = place_in(0.5 + 0.5 * flat, atlas.EYE_PATCH)
    return uv


def _hidden(covers: list[Cover]) -> np.ndarray:
    """Return which triangles of the mesh are scalp under hair, or ears under it, bool [F]."""
    mesh = head_mesh()
    under = np.zeros(len(mesh.points), bool)
    for cover in covers:
        if cover.part == HAIR:
            under[cover.source] |= cover.cut > _DENSE
            under |= (mask("ears", mesh) > 0.3) & bool(np.any(cover.hang))
    return np.asarray((mesh.part == SKIN) & under[mesh.triangles].all(axis=1))


def _following() -> np.ndarray:
    """Return how far each vertex follows the head: the neck twists, the shoulders rest."""
    points = head_mesh().points
    along = np.clip((points[:, 1] + 0.35 * (points[:, 2] - 0.1) - 5.75) / 0.85, 0, 1)
    return np.asarray(along * along * (3 - 2 * along))


def _darkened(person: Person) -> np.ndarray:
    """Return the share of the sky that each vertex of the mesh sees, float32 [V]."""
    mesh = head_mesh()
    points = person.points.astype(np.float32)
    normals = vertex_normals(points, mesh.triangles)
    rng = np.random.default_rng(0)  # the same sky for everybody
    total, seen = np.full(len(points), 1e-6), np.zeros(len(points))
    for direction in rng.normal(size=(_DIRECTIONS, 3)):
        direction[2] = abs(direction[2])
        direction /= np.linalg.norm(direction)
        to_map = toward(direction, _SKY_MAP)
        at = points @ to_map[:, :3].T + to_map[:, 3]
        near = draw_nearness(at, mesh.triangles, _SKY_MAP)
        column, row = np.clip(np.rint(at[:, :2]).astype(int), 0, _SKY_MAP - 1).T
        facing = np.maximum(normals @ direction, 0)
        total += facing
        seen += facing * (at[:, 2] + 0.05 >= near[row, column])
    dark = 0.25 + 0.75 * seen / total
    for part, value in _INSIDE.items():
        dark[np.setdiff1d(mesh.vertices(part), mesh.vertices(SKIN))] = value
    for part in (TEETH, TONGUE):
        inside = mesh.vertices(part)
        dark[inside] = 0.08 + 0.4 * np.clip((mesh.points[inside, 2] - 0.95) / 0.45, 0, 1) ** 2
    return dark.astype(np.float32)
