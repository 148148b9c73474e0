"""Measures of alignment: how still the stable points stand in the crop, and what lies inside it.

Landmarks as the network finds them jitter by themselves; the simulator knows where the skin truly
is. Both are pushed through the transforms of the dataset. A similarity of the plane cannot undo a
turn in depth, which moves the nose against the temples: that much remains with the best transforms
possible, and is told beside the rest.
"""

from dataclasses import dataclass

import numpy as np

from fmdata.pipeline.geometry.similarity import apply, to_median


@dataclass(frozen=True)
class Wobble:
    """Of one clip: RMS distances of the stable points from their means over time, crop pixels.

    Attributes
    ----------
    found_neutral, found : float
        Of the landmarks found, in the frames where nothing moves, and in all.
    true_neutral, true : float
        Of the true positions.
    best : float
        Of the true positions in all frames, under the similarities that fit them best.
    """

    found_neutral: float
    found: float
    true_neutral: float
    true: float
    best: float


def wobble(
    found: np.ndarray, true: np.ndarray, transforms: np.ndarray, neutral: np.ndarray
) -> Wobble:
    """Measure one clip.

    Parameters
    ----------
    found, true : float [T, N, 2]
        Stable points in source pixels.
    transforms : float [T, 2, 3]
        From source pixels to crop pixels.
    neutral : bool [T]
        Frames in which the face is at rest.
    """
    transforms = transforms.astype(np.float64)
    size = float(np.median(np.hypot(transforms[:, 0, 0], transforms[:, 1, 0])))
    found_in_crop, true_in_crop = apply(transforms, found), apply(transforms, true)
    return Wobble(
        found_neutral=unrest(found_in_crop[neutral]),
        found=unrest(found_in_crop),
        true_neutral=unrest(true_in_crop[neutral]),
        true=unrest(true_in_crop),
        best=size * unrest(apply(to_median(true), true)),
    )


def unrest(points: np.ndarray) -> float:
    """RMS distance of points [T, N, 2] from their means over time; NaN without frames."""
    if len(points) == 0:
        return np.nan
    return float(np.sqrt(np.square(points - points.mean(0)).sum(-1).mean()))


def inside(landmarks: np.ndarray, transforms: np.ndarray, size: int) -> float:
    """Share of the landmarks [T, N, 2], source pixels, on pixels of a crop of side `size`."""
    points = apply(transforms.astype(np.float64), landmarks)
    return float(((points >= 0) & (points <= size - 1)).all(-1).mean())
