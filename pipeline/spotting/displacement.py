"""How a face moves once its head is held still: the displacement that motions are spotted in.

The head is taken out by a similarity in space, not in the plane: turning the head would otherwise
look like a motion of the face. Blinks are left out by leaving out the eyes, except for what one
eye's lids do alone; and what blinks do to the rest of the mesh is taken out.
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
from fmdata.pipeline.spotting.blinks import LIDS, alone, blink_response, blinks, with_shut_eyes
from fmdata.pipeline.spotting.lid_motion import Lids

LID_WEIGHT = 1.7  # a wink has little else to be seen by


def displacement(
    track: Track, fps: float, lids: Lids | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Hold the head still: where the face's points are, upright and in units of its size.

    Parameters
    ----------
    track : Track
        The face in every frame.
    fps : float
        Frames per second.
    lids : Lids, optional
        How far the lids have moved, where that is known better than by the track.

    Returns
    -------
    face : float64 [T, 120]
        x and y of 60 points in turn, right and down, in interocular distances, weighted so that
        the squared differences of two frames add up to the mean square over the 56 points outside
        the eyes, plus `LID_WEIGHT` squared times that over the eyelids, where only what one eye
        does and the other does not counts.
    blink : float64 [T]
        How far blinks close both eyes, in interocular distances; 0 between them.
    """
    points = _still(track.landmarks)
    if lids is not None:
        lids = with_shut_eyes(lids, points)
    blink = blinks(points, fps, lids)
    single = alone(points, blink, fps, lids)
    response = blink_response(points, blink, fps)
    for frames in blocks(len(points)):
        points[frames] -= blink[frames, None, None] * response
    face = np.empty((len(points), len(FACE_68) + len(LIDS), 2))
    for frames in blocks(len(points)):
        face[frames, : len(FACE_68)] = points[frames][:, FACE_68] / np.sqrt(len(FACE_68))
        face[frames, len(FACE_68) :] = LID_WEIGHT * single[frames] / np.sqrt(2 * len(LIDS))
    return face.reshape(len(points), -1), blink


def lid_share(direction: np.ndarray) -> float:
    """How much of a direction in which a face moves, float [120], is the lids', 0 to 1."""
    squares = np.square(direction)
    return float(squares[2 * len(FACE_68) :].sum() / max(squares.sum(), 1e-12))


def _still(landmarks: Landmarks) -> np.ndarray:
    """Take every frame's turn, place and size out of landmarks [T, N, 3]; float64 [T, 68, 2].

    And the median face's own yaw and roll.
    """
    n = landmarks.shape[0]
    to_face = to_median(pick(landmarks, layout_of(landmarks).stable).astype(np.float64))

    def faced(frames: slice) -> np.ndarray:
        return apply(to_face[frames], to_68(landmarks[frames]).astype(np.float64))

    faces = np.empty((n, 68, 3))
    for frames in blocks(n):
        faces[frames] = faced(frames)
    median = median_points(faces)
    del faces
    turn, size = _upright(median), max(float(interocular_distance(median)), 1e-6)
    # Made once more rather than kept: in a long clip, three coordinates are the half too much.
    still = np.empty((n, 68, 2))
    for frames in blocks(n):
        still[frames] = (faced(frames) @ turn.T)[..., :2] / size
    return still


def _upright(face: np.ndarray) -> np.ndarray:
    """Rotation that lays the line between the eyes along x, so that mirroring is x to -x."""
    left, right = STABLE_PAIRS_68.T
    across = (face[right] - face[left]).sum(0)
    x = across / max(float(np.linalg.norm(across)), 1e-6)
    down = np.array([0.0, 1.0, 0.0]) - x[1] * x
    y = down / max(float(np.linalg.norm(down)), 1e-6)
    return np.stack([x, y, np.cross(x, y)])
