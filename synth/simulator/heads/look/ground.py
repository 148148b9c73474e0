"""The base mesh laid out on the texture: which point of the face each texel is."""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from fmdata.synth.simulator.heads.mesh import AXIS_Z, HEIGHT, WIDTH, head_mesh, mask
from fmdata.synth.simulator.heads.parts import SKIN
from fmdata.synth.simulator.heads.render.arrays import Surface
from fmdata.synth.simulator.heads.render.raster import all_shares, draw_ids


@dataclass(frozen=True)
class Ground:
    """The base mesh on its texture.

    Attributes
    ----------
    side : float32 [H, W]
        Distance of each texel from the middle of the face, in decimetres on the base mesh.
    x, y, z : float32 [H, W]
        Its place on the base mesh.
    lips, lids : float32 [H, W]
        MakeHuman's masks, 0 to 1.
    """

    side: np.ndarray
    x: np.ndarray
    y: np.ndarray
    z: np.ndarray
    lips: np.ndarray
    lids: np.ndarray

    def spot(self, x: float, y: float, wide: float, tall: float) -> np.ndarray:
        """Return a soft spot on either side of the face, float32 [H, W], 0 to 1."""
        across, up = (self.side - x) / wide, (self.y - y) / tall
        return np.asarray(np.exp(-(across**2) - up**2) * (self.z > 0.4))


@cache
def ground() -> Ground:
    """Lay the base mesh on its texture; what lies outside hides what lies within."""
    mesh = head_mesh()
    skin = mesh.triangles[mesh.part == SKIN]
    radius = np.hypot(mesh.points[:, 0], mesh.points[:, 2] - AXIS_Z)
    screen = np.column_stack([mesh.uv, 1 + radius]).astype(np.float32)
    whole, none = np.ones(len(screen), np.float32), np.zeros(len(skin), bool)
    surface = Surface(
        skin, none.astype(np.int8), none, none.astype(np.float32), whole, mesh.uv, skin
    )
    ids, _ = draw_ids(screen, surface, np.zeros((1, 1), np.float32), WIDTH)
    ids = ids[:HEIGHT]
    shares = all_shares(ids, screen, skin)
    weights = np.dstack([shares, 1 - shares.sum(axis=2)])
    values = np.column_stack([mesh.points, mask("lips", mesh), mask("eyelids", mesh)])
    corners = skin[np.maximum(ids, 0)]
    laid = sum(weights[..., k, None] * values[corners[..., k]] for k in range(3))
    x, y, z, lips, lids = np.moveaxis(np.where(ids[..., None] >= 0, laid, 0), 2, 0)
    lips = cv2.GaussianBlur(lips.astype(np.float32), (0, 0), 2.0)
    return Ground(*(v.astype(np.float32) for v in (np.abs(x), x, y, z, lips, lids)))


def noise(rng: np.random.Generator, cells: int) -> np.ndarray:
    """Draw smooth noise of unit variance with `cells` cells across the texture, float32 [H, W]."""
    small = rng.standard_normal((max(2, cells * HEIGHT // WIDTH), cells), np.float32)
    drawn = cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.asarray(drawn / max(float(drawn.std()), 1e-6))


def ridge(x: np.ndarray, width: float) -> np.ndarray:
    """Return 1 where `x` is 0, falling off over `width` to either side."""
    return np.asarray(np.exp(-((x / width) ** 2)))
