"""Rotation of the head: a weighted Procrustes fit of the canonical face to the landmarks.

As in MediaPipe's face geometry: the landmarks' depth has no absolute scale, so the fit is repeated
with the scale that the last one found, through the picture of a camera with a fixed field of view.
"""

import numpy as np

from fmdata.pipeline.landmarks.litert.bundle import CanonicalFace

FIELD_OF_VIEW_DEG = 63.0  # of the camera, from the top of the frame to its bottom


def head_matrix(landmarks: np.ndarray, width: int, height: int, face: CanonicalFace) -> np.ndarray:
    """Fit the canonical face.

    Parameters
    ----------
    landmarks : float [478, 3]
        In pixels of the frame; the irises are not used.
    width, height : int
        Of the frame, in pixels.
    face : CanonicalFace
        The face to fit.

    Returns
    -------
    float64 [3, 4]
        Scaled rotation and translation from the canonical face to the camera: x right, y up, z to
        the viewer, cm.
    """
    # On a plane at distance 1 from the camera, with the depth in the same unit.
    unit = 2 * np.tan(np.deg2rad(FIELD_OF_VIEW_DEG) / 2) / height
    screen = np.asarray(landmarks, np.float64)[: len(face.vertices)] - (width / 2, height / 2, 0)
    screen *= (unit, -unit, unit)
    screen[:, 2] -= screen[:, 2].mean()
    screen = screen[face.basis]
    scale = _scale(_fit(face, screen * (1, 1, -1)))
    scale *= _scale(_fit(face, _in_space(screen, scale)))
    return _fit(face, _in_space(screen, scale))


def _in_space(screen: np.ndarray, scale: float) -> np.ndarray:
    """Return the points of the plane in space, where the face is 1 / `scale` times as large."""
    depth = (screen[:, 2] + 1) / scale
    return np.column_stack([screen[:, :2] * depth[:, None], -depth])


def _fit(face: CanonicalFace, points: np.ndarray) -> np.ndarray:
    """Fit a similarity from the basis of the canonical face to points [N, 3], float64 [3, 4]."""
    target = face.shares @ points
    u, s, vt = np.linalg.svd((face.shares * (points - target).T) @ face.around)
    if _is_mirrored(u) != _is_mirrored(vt):  # no reflection
        u[:, 2], s[2] = -u[:, 2], -s[2]
    rotation = u @ vt
    scale = s.sum() / face.spread
    return np.column_stack([scale * rotation, target - scale * rotation @ face.middle])


def _is_mirrored(matrix: np.ndarray) -> bool:
    """Return whether an orthogonal matrix [3, 3] has a negative determinant."""
    (a, b, c), (d, e, f), (g, h, i) = matrix.tolist()
    return bool(a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g) < 0)


def _scale(transform: np.ndarray) -> float:
    return float(np.linalg.norm(transform[:, 0]))
