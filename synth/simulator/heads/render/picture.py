"""The picture of a head in a camera: from points in space to sRGB."""

from functools import cache
from typing import NamedTuple

import numpy as np

from fmdata.synth.simulator.heads.render.arrays import KEY, POINT, Lights, Surface, Textures
from fmdata.synth.simulator.heads.render.raster import draw_ids, draw_nearness
from fmdata.synth.simulator.heads.render.shade import encode, relief_of, shade

EYES = np.array([0.0, 7.28, 1.25])  # point that the camera looks at, between the eyes
IOD = 0.93  # distance of the outer eye corners of the base mesh, in decimetres
IOD_SHARE, EYE_LEVEL = 0.3, 0.43  # in the picture, as of the portraits
_SHADOW_MAP = 224  # pixels
_REACH = 2.1  # half of its width, in decimetres
_MIDDLE = np.array([0.0, 7.1, 0.4])
_BRIGHTEST, _SHOULDER = 1.5, 0.7  # linear light that is white, and where the curve bends


class View(NamedTuple):
    """Place of the camera.

    Attributes
    ----------
    size : int
        Width and height of the picture in pixels.
    scale : float
        Size of the head, over its usual size.
    shift : pair of float
        Shift of the head to the right and down, in pixels.
    distance : float
        From the camera to the eyes, in decimetres.
    """

    size: int
    scale: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    distance: float = 8.0

    @property
    def focal(self) -> float:
        """Pixels of a decimetre at the eyes."""
        return IOD_SHARE * self.size / IOD * self.scale

    def project(self, points: np.ndarray) -> np.ndarray:
        """Return column, row and nearness of `points` [N, 3] in the picture, [N, 3]."""
        away = points - EYES.astype(points.dtype)
        near = self.distance / (self.distance - away[:, 2])
        column = 0.5 * self.size - 0.5 + self.focal * away[:, 0] * near + self.shift[0]
        row = EYE_LEVEL * self.size - 0.5 - self.focal * away[:, 1] * near + self.shift[1]
        return np.stack([column, row, near], axis=1)


class Stage(NamedTuple):
    """Light and background.

    Attributes
    ----------
    lamps : float32 [4, 2, 3]
        As in :class:`fmdata.synth.simulator.heads.render.arrays.Lights`.
    background : float32 [S, S, 3]
        Linear RGB.
    """

    lamps: np.ndarray
    background: np.ndarray


def draw(
    surface: Surface,
    vertices: np.ndarray,
    textures: Textures,
    creases: np.ndarray,
    stage: Stage,
    view: View,
) -> np.ndarray:
    """Return the picture, uint8 [S, S, 3] sRGB.

    Parameters
    ----------
    surface, textures
        The triangles, and what is read on them.
    vertices : float32 [V, 9]
        As in :mod:`fmdata.synth.simulator.heads.render.arrays`.
    creases : float32 [2, K]
        Depth of the creases, on the subject's right and left.
    stage, view
        Light, background and camera.
    """
    points = vertices[:, POINT : POINT + 3]
    at = view.project(points)
    screen = np.column_stack([2 * at[:, :2] + 0.5, at[:, 2]]).astype(np.float32)
    ids, near = draw_ids(screen, surface, textures.strands, 2 * view.size)
    relief = relief_of(ids, screen, surface, vertices, textures.relief, creases)
    to_map = toward(stage.lamps[KEY, 0], _SHADOW_MAP)
    at = (points @ to_map[:, :3].T + to_map[:, 3]).astype(np.float32)
    lights = Lights(stage.lamps, to_map, draw_nearness(at, surface.casting, _SHADOW_MAP))
    focal, atlas = np.float32(view.focal), textures.atlas
    light = shade(
        ids, near, screen, relief, surface, vertices, atlas, lights, focal, stage.background
    )
    return np.asarray(encode(light, srgb_curve(), _BRIGHTEST))


def toward(direction: np.ndarray, pixels: int) -> np.ndarray:
    """Return the map from points to column, row and nearness as seen from far off, [3, 4]."""
    direction = np.asarray(direction, np.float64)
    across = np.cross([0.0, 1.0, 0.0], direction)
    across /= np.linalg.norm(across)
    down = -np.cross(direction, across)
    scale = pixels / (2 * _REACH)
    linear = np.stack([scale * across, scale * down, direction])
    offset = np.array([pixels / 2, pixels / 2, 0]) - linear @ _MIDDLE * [1, 1, 0]
    return np.column_stack([linear, offset]).astype(np.float32)


@cache
def srgb_curve() -> np.ndarray:
    """Return the sRGB values of linear light from 0 to `_BRIGHTEST`, uint8 [N]."""
    x = np.linspace(0, _BRIGHTEST, 4096)
    over = np.maximum(x - _SHOULDER, 0) / (1 - _SHOULDER)
    x = np.minimum(x, _SHOULDER) + (1 - _SHOULDER) * (1 - np.exp(-over))
    s = np.where(x < 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)
    return np.asarray(np.clip(255 * s + 0.5, 0, 255), np.uint8)


def nearest(
    points: np.ndarray, triangles: np.ndarray, wanted: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the triangles that points of a picture lie on: the one in front, or the closest.

    Parameters
    ----------
    points : float64 [V, 3]
        Column, row and nearness of vertices.
    triangles : int [F, 3]
        Those that face the camera are looked at.
    wanted : float64 [N, 2]
        Column and row of the points.

    Returns
    -------
    int [N, 3], float64 [N, 3]
        Corners, and the shares of them.
    """
    a, b, c = (points[triangles[:, k]] for k in range(3))
    u, v = b[:, :2] - a[:, :2], c[:, :2] - a[:, :2]
    area = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    front = area < 0
    triangles, a, u, v, area = triangles[front], a[front], u[front], v[front], area[front]
    corners, shares = [], []
    for point in wanted:
        away = point - a[:, :2]
        t = (away[:, 0] * v[:, 1] - away[:, 1] * v[:, 0]) / area
        r = (u[:, 0] * away[:, 1] - u[:, 1] * away[:, 0]) / area
        share = np.clip(np.stack([1 - t - r, t, r], axis=1), 0, 1)
        share /= share.sum(axis=1, keepdims=True)
        at = (share[..., None] * points[triangles]).sum(axis=1)
        miss = np.linalg.norm(at[:, :2] - point, axis=1)
        best = np.lexsort((-at[:, 2], np.round(miss, 3)))[0]
        corners.append(triangles[best])
        shares.append(share[best])
    return np.stack(corners), np.stack(shares)
