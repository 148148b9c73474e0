"""Arrays that the compiled functions take, in named groups."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

# Columns of an array of vertices, float32 [V, 9]: in the camera's frame (x right, y up, z to the
# camera, decimetres), then the texel, and the share of the sky that the vertex sees.
NORMAL, POINT, TEXEL, DARK = 0, 3, 6, 8
SKY, GROUND, KEY, FILL = range(4)


def float32(values: ArrayLike) -> np.ndarray:
    """Return values as an array of float32."""
    return np.asarray(values, np.float32)


class Surface(NamedTuple):
    """Triangles, and what of them is drawn.

    Attributes
    ----------
    triangles : int32 [F, 3]
        Corners; clockwise on the screen is the back.
    part : int8 [F]
        One of :mod:`fmdata.synth.simulator.heads.parts`.
    two_sided : bool [F]
        Whether the back is drawn, too.
    grain : float32 [F]
        Weight of the strands against `cut`.
    cut : float32 [V]
        Nothing is drawn where it is below `grain` times the strands.
    uv : float32 [V, 2]
        Texel of each vertex.
    casting : int32 [C, 3]
        The triangles that cast a shadow.
    """

    triangles: np.ndarray
    part: np.ndarray
    two_sided: np.ndarray
    grain: np.ndarray
    cut: np.ndarray
    uv: np.ndarray
    casting: np.ndarray


class Textures(NamedTuple):
    """Arrays that are read at a texel.

    Attributes
    ----------
    atlas : float32 [H, W, 4]
        Linear RGB, and the strength of the highlight.
    strands : float32 [H, W]
        Pattern of the hair, 0 to 1.
    relief : float32 [H, W, 1 + K]
        Height of the skin in decimetres at rest, and of each crease.
    """

    atlas: np.ndarray
    strands: np.ndarray
    relief: np.ndarray


class Lights(NamedTuple):
    """Lamps, and the shadow of one of them.

    Attributes
    ----------
    lamps : float32 [4, 2, 3]
        `SKY`, `GROUND`, `KEY`, `FILL`: direction to the lamp, and linear RGB.
    to_map : float32 [3, 4]
        Map from points to column, row and nearness of the shadow map.
    shadows : float32 [N, N]
        Nearness to the key lamp.
    """

    lamps: np.ndarray
    to_map: np.ndarray
    shadows: np.ndarray
