"""AU attention maps: the region of each action unit in an aligned face.

Section 2.2 of the RRL paper (2023): ellipses around landmarks, one map per AU, smoothed by a
Gaussian of σ = 3, as K maps of 14 × 14. The centres are JAA-Net's. Choices that the paper leaves
open: the ellipse is a circle, its diameter the distance of the inner eye corners; σ is in pixels of
the network's image, 224 × 224; an AU's two circles are united before smoothing; a cell is the
mean of 16 × 16 pixels, from 0 to 1. Promise: the maps of a mirrored face are the mirrored maps.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np

from fmdata.pipeline.geometry.points import to_68
from fmdata.train.action_units.stand_ins import BP4D

GRID = 14
IMAGE_PX = 224
SIGMA_PX = 3.0
RADIUS = 0.5  # of a circle, in distances of the inner eye corners

# AU: two of the 68 points, and the offset of its centres below them, in distances of the inner eye
# corners.
CENTRES = {
    1: ((21, 22), -1 / 2),
    2: ((18, 25), -1 / 3),
    4: ((19, 24), 1 / 3),
    6: ((41, 46), 1.0),
    7: ((38, 43), 0.0),
    9: ((32, 34), -1 / 2),
    10: ((61, 63), 0.0),
    12: ((48, 54), 0.0),
    14: ((48, 54), 0.0),
    15: ((48, 54), 0.0),
    17: ((56, 58), 1 / 2),
    23: ((51, 57), 0.0),
    24: ((51, 57), 0.0),
    25: ((51, 57), 0.0),
    26: ((56, 58), 1 / 2),
}
_INNER_EYES = (39, 42)


def attention_maps(landmarks: np.ndarray, size: int, aus: Sequence[int] = BP4D) -> np.ndarray:
    """Draw the attention maps of aligned faces.

    Parameters
    ----------
    landmarks : float [..., 478, D] or [..., 68, D]
        In pixels of the crop; the first pixel's centre is (0, 0), y points down. D is 2 or 3.
    size : int
        Side of the square crop, in pixels.
    aus : sequence of int
        The K requested action units, keys of :data:`CENTRES`.

    Returns
    -------
    float32 [..., K, 14, 14]
        Rows from the top, columns from the left of the crop; 0 to 1.

    Raises
    ------
    ValueError
        When an AU has no centres, or the number of landmarks is another.
    """
    centres, distance = au_centres(landmarks, aus)
    scale = IMAGE_PX / size
    centres, radius = (centres + 0.5) * scale, RADIUS * distance * scale
    smoothing, maps = _smoothing(), np.zeros((*centres.shape[:-2], GRID, GRID), np.float32)
    for face in np.ndindex(distance.shape):
        maps[face] = smoothing @ _rows(centres[face], float(radius[face]))
    return maps


def au_centres(landmarks: np.ndarray, aus: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the two centres of each AU, and the distance of the inner eye corners.

    Parameters
    ----------
    landmarks : float [..., 478, D] or [..., 68, D]
        x, y and optionally z; y points down and the face is upright.
    aus : sequence of int
        K action units.

    Returns
    -------
    centres : float64 [..., K, 2, 2]
        x and y of both, in the landmarks' unit.
    distance : float64 [...]
        Distance of the inner eye corners along x.
    """
    unknown = [au for au in aus if au not in CENTRES]
    if unknown:
        raise ValueError(f"no centres for AU {unknown}, wanted some of {sorted(CENTRES)}")
    points = to_68(np.asarray(landmarks, np.float64)[..., :2])
    one, other = (points[..., corner, 0] for corner in _INNER_EYES)
    distance: np.ndarray = np.abs(one - other)
    centres = points[..., [CENTRES[au][0] for au in aus], :]
    below = np.array([CENTRES[au][1] for au in aus])
    centres[..., 1] += (distance[..., None] * below)[..., None]
    return centres, distance


def _rows(centres: np.ndarray, radius: float) -> np.ndarray:
    """Draw two circles per AU, centres [K, 2, 2]; smooth along the rows: float64 [K, 224, 14].

    No image is drawn: a row of a circle is a run of pixels ``[start, stop)``, and its contribution
    to a cell is a difference of cumulative sums.
    """
    middle = np.arange(IMAGE_PX) + 0.5
    x, away = centres[..., :1], middle - centres[..., 1:]
    half = np.sqrt(np.maximum(radius**2 - away**2, 0.0))
    start = np.clip(np.ceil(x - half - 0.5), 0, IMAGE_PX).astype(int)
    stop = np.clip(np.floor(x + half - 0.5) + 1, 0, IMAGE_PX).astype(int)
    stop = np.where(np.abs(away) <= radius, np.maximum(stop, start), start)
    shared = start.max(axis=1)  # an overlap counts once
    shared_stop = np.maximum(stop.min(axis=1), shared)
    sums = _sums()
    rows: np.ndarray = (sums[stop] - sums[start]).sum(axis=1) - (sums[shared_stop] - sums[shared])
    return rows


@cache
def _smoothing() -> np.ndarray:
    """Return the matrix that smooths along one axis and averages to cells, float64 [14, 224].

    Pixels outside the image are 0.
    """
    pixels = np.arange(IMAGE_PX)
    away = pixels[:, None] - pixels
    reach = round(4 * SIGMA_PX)
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / SIGMA_PX) ** 2).sum()
    gaussian = np.where(np.abs(away) <= reach, np.exp(-0.5 * (away / SIGMA_PX) ** 2) / taps, 0.0)
    return gaussian.reshape(GRID, IMAGE_PX // GRID, IMAGE_PX).mean(axis=1)


@cache
def _sums() -> np.ndarray:
    """Return the cumulative sums over pixels of their weights in each cell, float64 [225, 14]."""
    return np.concatenate([np.zeros((1, GRID)), np.cumsum(_smoothing().T, axis=0)])
