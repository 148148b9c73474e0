"""The shape of a face at rest, which differs from person to person."""

import numpy as np

from fmdata.catalog.storage.schema import N_SHAPE_POINTS
from fmdata.catalog.types import Landmarks
from fmdata.pipeline.geometry.points import MESH_478, STABLE_68, layout_of, to_68
from fmdata.pipeline.geometry.pose import CANONICAL
from fmdata.pipeline.geometry.similarity import apply, fit_3d

# Jaw line, brows, nose and the corners of the eyes: not the lips and the lids.
SHAPE_68 = np.array([*range(37), 39, 42, 45])
_MAX_FRAMES = 64  # that are looked at
_CANONICAL_IOD = float(np.linalg.norm(CANONICAL[7] - CANONICAL[10]))

assert len(SHAPE_68) == N_SHAPE_POINTS


def face_shape(landmarks: Landmarks, rest: np.ndarray) -> np.ndarray | None:
    """Return the median face of the frames at rest, in the frame of a face that looks ahead.

    Parameters
    ----------
    landmarks : float32 [T, N, 3]
        Face points of every frame.
    rest : bool [T]
        The frames at rest, at least one.

    Returns
    -------
    float32 [40, 3] or None
        :data:`SHAPE_68`, in interocular distances of the canonical face, x to the image's right, y
        up, z to the viewer. None for another layout than the mesh: FAN's noise is too large.
    """
    if layout_of(landmarks) is not MESH_478:
        return None
    (frames,) = np.nonzero(rest)
    chosen = frames[np.unique(np.linspace(0, len(frames) - 1, _MAX_FRAMES).round().astype(int))]
    points = np.concatenate([to_68(landmarks[t : t + 1]) for t in chosen.tolist()])
    points = points.astype(np.float64) * (1, -1, -1)
    upright = apply(fit_3d(points[:, STABLE_68], CANONICAL), points[:, SHAPE_68])
    return (np.median(upright, axis=0) / _CANONICAL_IOD).astype(np.float32)
