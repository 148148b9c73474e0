"""Measures of alignment: motion of the stable points in the crop, and landmarks inside the crop.

Landmarks of the network jitter, so the simulator's true skin positions are measured as well. Both
are mapped by the transforms of the dataset. A similarity of the plane cannot compensate a head
rotation in depth, which moves the nose against the temples. So the residual of the best possible
transforms is reported too.
"""

from dataclasses import dataclass

import numpy as np

from fmdata.pipeline.geometry.similarity import apply, to_median


@dataclass(frozen=True)
class Wobble:
    """RMS distances of a clip's stable points from their means over time, in crop pixels.

    Attributes
    ----------
    found_neutral, found : float
        For the network's landmarks, in neutral frames and in all frames.
    true_neutral, true : float
        The same for the true positions.
    best : float
        For the true positions in all frames, under the similarities that fit them best.
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
    """Return the RMS distance of points [T, N, 2] from their means over time; NaN for T = 0."""
    if len(points) == 0:
        return np.nan
    return float(np.sqrt(np.square(points - points.mean(0)).sum(-1).mean()))


def inside(landmarks: np.ndarray, transforms: np.ndarray, size: int) -> float:
    """Return the share of landmarks [T, N, 2], source pixels, inside a crop of side `size`."""
    points = apply(transforms.astype(np.float64), landmarks)
    return float(((points >= 0) & (points <= size - 1)).all(-1).mean())
