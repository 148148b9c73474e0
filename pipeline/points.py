"""Which landmark is what: index sets of the 478-point mesh, its 68-point subset, distances.

Left and right are the image's. Promise: every set here is mirror-symmetric, as :data:`MIRROR_68`
and the tests show, so that a face and its mirror image are measured alike.
"""

import numpy as np

IOD_POINTS = (33, 263)
"""Outer eye corners; their distance is the interocular distance (IOD)."""

# Points that expressions hardly move: eye corners, bridge and tip of the nose, middle of the
# forehead, temples and the sides of the face.
STABLE = np.array(
    [33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 10, 151, 9, 8, 127, 356, 234, 454, 103, 332]
)

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

# Where each of the 68 points lies in a mirrored face.
MIRROR_68 = np.concatenate(
    [
        range(16, -1, -1),
        range(26, 16, -1),
        [27, 28, 29, 30, 35, 34, 33, 32, 31],
        [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40],
        [54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65],
    ]
)


def to_68(landmarks: np.ndarray) -> np.ndarray:
    """Pick the 68 iBUG points, [..., 68, D], out of the mesh, [..., 478, D]."""
    return landmarks[..., MAP_68, :]


def interocular_distance(landmarks: np.ndarray) -> np.ndarray:
    """Distance of the outer eye corners, [...], of a mesh [..., 478, D], in the mesh's unit.

    With D = 3 it does not shrink when the head turns away.
    """
    first, second = IOD_POINTS
    return np.linalg.norm(landmarks[..., first, :] - landmarks[..., second, :], axis=-1)
