"""Landmark index sets of the 478-point mesh and of the 68 iBUG points, and the distances of points.

A backend returns one of the two; :func:`layout_of` recognises it by the number of points. Left and
right are the image's. Promise: every set is mirror-symmetric, as :data:`MIRROR_68` and the tests
show, so that a face and its mirror image are measured alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fmdata.catalog.types import Landmarks
from fmdata.pipeline.geometry.blocks import blocks

IOD_POINTS = (33, 263)
"""Outer eye corners; their distance is the interocular distance (IOD)."""

# Points that expressions hardly move: eye corners, bridge and tip of the nose, middle of the
# forehead, temples and the sides of the face.
STABLE = np.array(
    [33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 10, 151, 9, 8, 127, 356, 234, 454, 103, 332]
)

RIGID = np.setdiff1d(STABLE, [10, 151, 9, 8, 103, 332])
"""The stable points that a raised brow does not move; head rotation is measured by them."""

STABLE_PAIRS = np.array([(33, 263), (133, 362), (127, 356), (234, 454), (103, 332)])
"""The stable points that have a mirror image: (image left, image right)."""

# 478 -> 68 in iBUG's order. Public maps disagree on jaw and nose; this one is mirror-symmetric,
# has the chin at index 8 and lies closest to a detector trained on 300-W.
MAP_68 = np.concatenate(
    [
        [127, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 356],  # jaw
        [70, 63, 105, 66, 107, 336, 296, 334, 293, 300],  # brows
        [168, 197, 195, 4, 240, 97, 2, 326, 460],  # nose
        [33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380],  # eyes
        [61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181],  # outer lip
        [78, 82, 13, 312, 308, 317, 14, 87],  # inner lip
    ]
)

LEFT_EYE_68 = np.array([36, 37, 38, 39, 40, 41])
RIGHT_EYE_68 = np.array([45, 44, 43, 42, 47, 46])
"""The two eyes point by point: entry k of one is the mirror image of entry k of the other."""

EYES_68 = np.arange(36, 48)
FACE_68 = np.setdiff1d(np.arange(68), EYES_68)
"""The 56 points outside the eyes."""

# Stable points among the 68: the ends of the jaw line, bridge, tip and base of the nose, corners of
# the eyes.
STABLE_68 = np.array([0, 16, 27, 28, 29, 30, 33, 36, 39, 42, 45])
STABLE_PAIRS_68 = np.array([(0, 16), (36, 45), (39, 42)])

# Index of each of the 68 points in a mirrored face.
MIRROR_68 = np.concatenate(
    [
        range(16, -1, -1),
        range(26, 16, -1),
        [27, 28, 29, 30, 35, 34, 33, 32, 31],
        [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40],
        [54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65],
    ]
)


@dataclass(frozen=True)
class Layout:
    """Point sets and noise of the landmarks of one kind of backend.

    Attributes
    ----------
    n_points : int
        Points of a face.
    iod : (int, int)
        Outer eye corners; their distance is the interocular distance (IOD).
    stable : int [K]
        Points that expressions hardly move.
    rigid : int [R]
        The stable points that a raised brow does not move.
    stable_pairs : int [P, 2]
        The stable points that have a mirror image: (image left, image right).
    to_68 : int [68]
        The 68 iBUG points.
    noise : float
        Standard deviation of a point's noise, as a multiple of MediaPipe's.
    """

    n_points: int
    iod: tuple[int, int]
    stable: np.ndarray
    rigid: np.ndarray
    stable_pairs: np.ndarray
    to_68: np.ndarray
    noise: float


# FAN's points lie on a grid of 3 % of the IOD.
MESH_478 = Layout(478, IOD_POINTS, STABLE, RIGID, STABLE_PAIRS, MAP_68, noise=1.0)
IBUG_68 = Layout(68, (36, 45), STABLE_68, STABLE_68, STABLE_PAIRS_68, np.arange(68), noise=4.0)
_LAYOUTS = {layout.n_points: layout for layout in (MESH_478, IBUG_68)}


def layout_of(landmarks: np.ndarray | Landmarks) -> Layout:
    """Return the layout of landmarks [..., N, D].

    Raises
    ------
    ValueError
        When no layout has N points.
    """
    n = landmarks.shape[-2]
    if n not in _LAYOUTS:
        raise ValueError(f"landmarks of {n} points, wanted {' or '.join(map(str, _LAYOUTS))}")
    return _LAYOUTS[n]


def pick(landmarks: Landmarks, points: Sequence[int] | np.ndarray) -> np.ndarray:
    """Return some points of every frame, float32 [T, K, 3], of landmarks [T, N, 3]."""
    n = landmarks.shape[0]
    # Point by point in memory, as numpy lays out ``landmarks[:, points]``: the memory order decides
    # the order of summation, and so the rounding.
    picked = np.empty((len(points), n, 3), np.float32).swapaxes(0, 1)
    for frames in blocks(n):
        picked[frames] = landmarks[frames][:, points]
    return picked


def to_68(landmarks: np.ndarray) -> np.ndarray:
    """Pick the 68 iBUG points, [..., 68, D], out of landmarks [..., N, D]."""
    return landmarks[..., layout_of(landmarks).to_68, :]


def interocular_distance(landmarks: np.ndarray) -> np.ndarray:
    """Return the distance of the outer eye corners, [...], of landmarks [..., N, D], in their unit.

    With D = 3 the distance does not shrink when the head turns.
    """
    first, second = layout_of(landmarks).iod
    return np.linalg.norm(landmarks[..., first, :] - landmarks[..., second, :], axis=-1)
