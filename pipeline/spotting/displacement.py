"""Displacement of the face with its head held still: the signal in which motions are spotted.

Head motion is removed by a similarity in space, not in the plane, in which a turning head would
look like a moving face. The points of the eyes are left out, so blinks are too; only one-sided lid
motion is kept. The artefact of blinks in the rest of the mesh is subtracted.
"""

import numpy as np

from fmdata.catalog.types import Landmarks, Track
from fmdata.pipeline.geometry.blocks import blocks, median_points
from fmdata.pipeline.geometry.points import (
    FACE_68,
    STABLE_PAIRS_68,
    interocular_distance,
    layout_of,
    pick,
    to_68,
)
from fmdata.pipeline.geometry.similarity import apply, to_median
from fmdata.pipeline.spotting.blinks import (
    LIDS,
    blink_closure,
    blink_response,
    one_sided_motion,
    with_shut_eyes,
)
from fmdata.pipeline.spotting.lid_motion import Lids

LID_WEIGHT = 1.7  # above 1, because a wink moves little else


def displacement(
    track: Track, fps: float, lids: Lids | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Measure the face's points with the head held still, upright and in interocular distances.

    Parameters
    ----------
    track : Track
        The face in every frame.
    fps : float
        Frames per second.
    lids : Lids, optional
        Lid motion as measured in the pixels.

    Returns
    -------
    face : float64 [T, 120]
        x and y of 60 points in turn, right and down, in interocular distances. Weighted so that
        the squared differences of two frames add up to the mean square over the 56 points outside
        the eyes, plus `LID_WEIGHT` squared times the mean square of the one-sided lid motion.
    blink : float64 [T]
        Closure of both eyes by blinks, in interocular distances; 0 between blinks.
    """
    points = _stabilised(track.landmarks)
    if lids is not None:
        lids = with_shut_eyes(lids, points)
    blink = blink_closure(points, fps, lids)
    single = one_sided_motion(points, blink, fps, lids)
    response = blink_response(points, blink, fps)
    for frames in blocks(len(points)):
        points[frames] -= blink[frames, None, None] * response
    face = np.empty((len(points), len(FACE_68) + len(LIDS), 2))
    for frames in blocks(len(points)):
        face[frames, : len(FACE_68)] = points[frames][:, FACE_68] / np.sqrt(len(FACE_68))
        face[frames, len(FACE_68) :] = LID_WEIGHT * single[frames] / np.sqrt(2 * len(LIDS))
    return face.reshape(len(points), -1), blink


def lid_share(direction: np.ndarray) -> float:
    """Return the lids' share, 0 to 1, of the squared length of a displacement, float [120]."""
    squares = np.square(direction)
    return float(squares[2 * len(FACE_68) :].sum() / max(squares.sum(), 1e-12))


def _stabilised(landmarks: Landmarks) -> np.ndarray:
    """Remove each frame's head pose, position and size from landmarks [T, N, 3].

    Also the median face's own yaw and roll. Returns float64 [T, 68, 2] in IOD.
    """
    n = landmarks.shape[0]
    to_face = to_median(pick(landmarks, layout_of(landmarks).stable).astype(np.float64))

    def aligned(frames: slice) -> np.ndarray:
        return apply(to_face[frames], to_68(landmarks[frames]).astype(np.float64))

    faces = np.empty((n, 68, 3))
    for frames in blocks(n):
        faces[frames] = aligned(frames)
    median = median_points(faces)
    del faces
    turn, size = _upright(median), max(float(interocular_distance(median)), 1e-6)
    # Computed twice, not kept: in a long clip the third coordinate would take too much memory.
    still = np.empty((n, 68, 2))
    for frames in blocks(n):
        still[frames] = (aligned(frames) @ turn.T)[..., :2] / size
    return still


def _upright(face: np.ndarray) -> np.ndarray:
    """Return the rotation that aligns the line between the eyes with x, so that mirroring is -x."""
    left, right = STABLE_PAIRS_68.T
    across = (face[right] - face[left]).sum(0)
    x = across / max(float(np.linalg.norm(across)), 1e-6)
    down = np.array([0.0, 1.0, 0.0]) - x[1] * x
    y = down / max(float(np.linalg.norm(down)), 1e-6)
    return np.stack([x, y, np.cross(x, y)])
