"""The head's mesh: what is kept of the base mesh, its texture coordinates, and its units."""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from fmdata.synth.simulator.heads import assets
from fmdata.synth.simulator.heads.parts import EYE, LASH, MOUTH, SKIN, TEETH, TONGUE
from fmdata.synth.simulator.heads.render.arrays import float32

_GROUPS = {
    "helper-l-eye": EYE,
    "helper-r-eye": EYE,
    "helper-upper-teeth": TEETH,
    "helper-lower-teeth": TEETH,
    "helper-tongue": TONGUE,
    "helper-l-eyelashes-2": LASH,
    "helper-r-eyelashes-2": LASH,
}
LOWEST = 4.7  # of the kept skin, in decimetres: below the shoulders
EYES = np.array([[0.31, 7.28, 1.25], [-0.31, 7.28, 1.25]])  # centres, left and right
# The skin's texture is wrapped about the vertical axis, with more texels in front.
WIDTH, HEIGHT = 896, 768
AXIS_Z, _TOP, _BOTTOM = 0.3, 8.65, 4.6
_FRONT = 1.6  # density in front, over the mean density
TEXELS = HEIGHT / (_TOP - _BOTTOM)  # in a decimetre
_MASK_SIZE = 2048


@dataclass(frozen=True)
class Mesh:
    """Mesh of a head at rest.

    Attributes
    ----------
    points : float64 [V, 3]
        Vertices in decimetres: x to the subject's left, y up, z to the front.
    kept : int64 [V]
        Their numbers in the base mesh.
    triangles : int32 [F, 3]
        Corners, counter-clockwise as seen from outside.
    part : int8 [F]
        Part of each triangle.
    uv : float32 [V, 2]
        Texel of each vertex in the skin's texture.
    masks : float32 [V, 2]
        Texture coordinates of MakeHuman's masks, 0 to 1.
    """

    points: np.ndarray
    kept: np.ndarray
    triangles: np.ndarray
    part: np.ndarray
    uv: np.ndarray
    masks: np.ndarray

    def vertices(self, part: int) -> np.ndarray:
        """Return the vertices of a part, int64 [N], sorted."""
        return np.unique(self.triangles[self.part == part])


@cache
def head_mesh() -> Mesh:
    """Read the mesh, and keep the head, the neck and the shoulders."""
    base = assets.read_mesh()
    quads, parts = [], []
    for name, group in base.groups.items():
        if name == "body":
            group = group[(base.points[group[..., 0], 1] > LOWEST).all(axis=1)]
            part = np.where(_is_inside(base.corners[group[:, :, 1]].mean(axis=1)), MOUTH, SKIN)
        elif name in _GROUPS:
            part = np.full(len(group), _GROUPS[name])
        else:
            continue
        quads.append(group)
        parts.append(part)
    faces, part = np.concatenate(quads), np.concatenate(parts)
    kept, number = np.unique(faces[..., 0], return_inverse=True)
    number = number.reshape(-1, 4)
    masks = np.zeros((len(kept), 2), np.float32)
    masks[number] = base.corners[faces[..., 1]]
    triangles = np.concatenate([number[:, [0, 1, 2]], number[:, [0, 2, 3]]])
    points = base.points[kept]
    return Mesh(
        points,
        kept,
        triangles.astype(np.int32),
        np.tile(part, 2).astype(np.int8),
        texels(points),
        masks,
    )


def _is_inside(corner: np.ndarray) -> np.ndarray:
    """Return which texture coordinates, float64 [F, 2], are of the inside of the mouth."""
    return (corner[:, 1] < 0.14) & (corner[:, 0] > 0.7)


def texels(points: np.ndarray) -> np.ndarray:
    """Return the texels of points on the base mesh's skin, float32 [V, 2]."""
    angle = np.arctan2(points[:, 0], points[:, 2] - AXIS_Z) / np.pi
    across = 0.5 + 0.5 * angle * (_FRONT - (_FRONT - 1) * np.abs(angle))
    down = (_TOP - points[:, 1]) / (_TOP - _BOTTOM)
    return np.stack([across * (WIDTH - 1), down * (HEIGHT - 1)], axis=1).astype(np.float32)


def mask(name: str, mesh: Mesh) -> np.ndarray:
    """Return one of MakeHuman's masks at the vertices, float32 [V], 0 to 1."""
    picture = float32(assets.read_mask(name))
    at = mesh.masks * _MASK_SIZE * float32([1, -1]) + float32([-0.5, _MASK_SIZE - 0.5])
    return np.asarray(cv2.remap(picture, at[:, :1], at[:, 1:], cv2.INTER_LINEAR)[:, 0] / 255)


@dataclass(frozen=True)
class Unit:
    """Displacement of a face unit at weight 1.

    Attributes
    ----------
    index : int64 [N]
        Vertices.
    delta : float64 [N, 3]
        Displacements in decimetres, on the base mesh.
    """

    index: np.ndarray
    delta: np.ndarray


@cache
def units() -> dict[str, Unit]:
    """Return the face units by ARKit's names; eyes are not moved by them, but turned."""
    mesh = head_mesh()
    number = np.full(mesh.kept.max() + 1, -1)
    number[mesh.kept] = np.arange(len(mesh.kept))
    number[mesh.kept[mesh.vertices(EYE)]] = -1
    found = {}
    for name in assets.unit_names():
        target = assets.read_unit(name)
        here = target.index < len(number)
        index = np.where(here, number[np.where(here, target.index, 0)], -1)
        found[name] = Unit(index[index >= 0], target.delta[index >= 0])
    return found
