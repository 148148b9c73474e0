"""AU attention maps: where on an aligned face each action unit shows.

Section 2.2 of the RRL paper (2023): ellipses around landmarks, one map an AU, smoothed by a
Gaussian of σ = 3, to K maps of 14 × 14. The centres are JAA-Net's. What the paper leaves open is
settled so: the ellipse is a circle, as wide as the inner corners of the eyes are apart; the image
is the network's, 224 × 224, and σ counts its pixels; the two circles of an AU are united
before smoothing; a cell's value is its mean over 16 × 16 pixels, so a map lies between 0 and 1.
Promise: the maps of a mirrored face are the mirrored maps.
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

# AU: two of the 68 points, and how far below them its centres lie, in distances of the inner eye
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
        In pixels of the crop, whose first pixel's centre is (0, 0); y points down. D is 2 or 3.
    size : int
        Side of the square crop, in pixels.
    aus : sequence of int
        The K action units asked for, keys of :data:`CENTRES`.

    Returns
    -------
    float32 [..., K, 14, 14]
        Rows from the top, columns from the left of the crop; 0 to 1.

    Raises
    ------
    ValueError
        For an AU without centres, or another number of landmarks.
    """
    centres, distance = au_centres(landmarks, aus)
    scale = IMAGE_PX / size
    centres, radius = (centres + 0.5) * scale, RADIUS * distance * scale
    smoothing, maps = _smoothing(), np.zeros((*centres.shape[:-2], GRID, GRID), np.float32)
    for face in np.ndindex(distance.shape):
        maps[face] = smoothing @ _rows(centres[face], float(radius[face]))
    return maps


def au_centres(landmarks: np.ndarray, aus: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Find the two centres of each AU, and the distance that measures a face.

    Parameters
    ----------
    landmarks : float [..., 478, D] or [..., 68, D]
        x, y and perhaps z; y points down and the face is upright.
    aus : sequence of int
        K action units.

    Returns
    -------
    centres : float64 [..., K, 2, 2]
        x and y of the one and the other, in the landmarks' unit.
    distance : float64 [...]
        Between the inner eye corners, along x.
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
    """Draw two circles an AU, centres [K, 2, 2]; smooth along the rows: float64 [K, 224, 14].

    No image is drawn: a row of a circle is a run of pixels ``[start, stop)``, and what a run adds
    to each cell is a difference of sums.
    """
    middle = np.arange(IMAGE_PX) + 0.5
    x, away = centres[..., :1], middle - centres[..., 1:]
    half = np.sqrt(np.maximum(radius**2 - away**2, 0.0))
    start = np.clip(np.ceil(x - half - 0.5), 0, IMAGE_PX).astype(int)
    stop = np.clip(np.floor(x + half - 0.5) + 1, 0, IMAGE_PX).astype(int)
    stop = np.where(np.abs(away) <= radius, np.maximum(stop, start), start)
    shared = start.max(axis=1)  # where the two overlap, they count once
    shared_stop = np.maximum(stop.min(axis=1), shared)
    upto = _sums()
    rows: np.ndarray = (upto[stop] - upto[start]).sum(axis=1) - (upto[shared_stop] - upto[shared])
    return rows


@cache
def _smoothing() -> np.ndarray:
    """Smooth along one axis and average to cells: float64 [14, 224], from pixels to cells.

    Outside the image there is nothing.
    """
    pixels = np.arange(IMAGE_PX)
    away = pixels[:, None] - pixels
    reach = round(4 * SIGMA_PX)
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / SIGMA_PX) ** 2).sum()
    gaussian = np.where(np.abs(away) <= reach, np.exp(-0.5 * (away / SIGMA_PX) ** 2) / taps, 0.0)
    return gaussian.reshape(GRID, IMAGE_PX // GRID, IMAGE_PX).mean(axis=1)


@cache
def _sums() -> np.ndarray:
    """What the first n pixels of a row add to each cell, float64 [225, 14]."""
    return np.concatenate([np.zeros((1, GRID)), np.cumsum(_smoothing().T, axis=0)])
