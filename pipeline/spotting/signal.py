"""Signal in which motions are spotted: the face with its head held still, without nuisances.

Two measurements of the same frame stand side by side. The points of the face, with the head's pose
removed by a similarity in space, measure a displacement; but a landmark network deforms the mesh a
little as the head turns. The expression scores of MediaPipe's blendshape network hardly follow the
head; but a faint motion does not move them. The eyes are left out of both: a blink or a glance is
no facial motion. Only motion of one eye's lids is kept.
"""

from dataclasses import dataclass

import numpy as np

from fmdata.catalog.printable import ArrayRepr
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
from fmdata.pipeline.spotting.eyelids import (
    LIDS,
    Lids,
    blink_closure,
    one_sided_motion,
    with_shut_eyes,
)
from fmdata.pipeline.spotting.head_rotation import head_rotation
from fmdata.pipeline.spotting.nuisances import Nuisance, subtract

LID_WEIGHT = 1.7  # above 1, because a wink moves little else
SCORE_IOD = 0.025  # displacement that a change of one expression score from 0 to 1 counts as
WINK_IOD = 0.08  # the same for the difference of the two eyes' blinks: an eye is 0.1 IOD high
# MediaPipe's scores without the neutral face, the blinks and the gaze (11 to 18).
EXPRESSIONS = np.r_[1:9, 19:52]
BLINK_LEFT, BLINK_RIGHT = 9, 10
N_POINTS = 2 * len(FACE_68)
N_DISPLACED = N_POINTS + 2 * len(LIDS)

# Prior standard deviations of the response of the face, RMS over its points. Real faces respond
# less to head rotation than simulated ones: only a motion in doubt must exceed the larger response.
BLINK_PRIOR = 0.25  # IOD per IOD of the lids' closing
ROTATION_PRIOR, DOUBTFUL_ROTATION_PRIOR = 0.0005, 0.003  # IOD per degree


@dataclass(frozen=True, repr=False)
class Signal(ArrayRepr):
    """Displacement and expression scores of every frame.

    Attributes
    ----------
    face : float64 [T, D]
        In interocular distances (IOD), over the landmarks' noise. First x and y of 60 points in
        turn, right and down, weighted so that the squared differences of two frames add up to the
        mean square over the 56 points outside the eyes, plus `LID_WEIGHT` squared times the mean
        square of the one-sided lid motion. Then, if the track has scores, `WINK_IOD` times the
        difference of the two eyes' blinks, and `SCORE_IOD` times the expressions.
    blink : float64 [T]
        Closure of both eyes by blinks, in IOD; 0 between blinks.
    noise : float
        Standard deviation of the landmarks' noise, relative to MediaPipe's single detections.
    """

    face: np.ndarray
    blink: np.ndarray
    noise: float


def measure(
    track: Track, fps: float, noise: float, lids: Lids | None = None, *, in_doubt: bool = False
) -> Signal:
    """Measure the signal of a track.

    Parameters
    ----------
    track : Track
        The face in every frame.
    fps : float
        Frames per second.
    noise : float
        Standard deviation of the landmarks' noise, relative to that of the backend.
    lids : Lids, optional
        Lid motion as measured in the pixels.
    in_doubt : bool
        Whether to attribute more of the displacement to head rotation.
    """
    noise *= layout_of(track.landmarks).noise
    points = _stabilised(track.landmarks)
    if lids is not None:
        lids = with_shut_eyes(lids, points)
    blink = blink_closure(points, fps, lids)
    single = np.zeros((len(points), len(LIDS), 2))
    if lids is not None or track.blendshapes is None:  # the scores show it better than the points
        single = one_sided_motion(points, blink, fps, lids)
    face = _side_by_side(points, single, track.blendshapes)
    face /= noise
    per_degree = DOUBTFUL_ROTATION_PRIOR if in_doubt else ROTATION_PRIOR
    nuisances = [
        Nuisance(blink, BLINK_PRIOR / noise),
        *(Nuisance(angle, per_degree / noise) for angle in head_rotation(track.landmarks, fps).T),
    ]
    return Signal(subtract(nuisances, face, fps), blink, noise)


def displaced_share(direction: np.ndarray) -> float:
    """Return the share of points and lids, 0 to 1, in the length of a direction, float [D]."""
    squares = np.square(direction)
    return float(np.sqrt(squares[:N_DISPLACED].sum() / max(float(squares.sum()), 1e-12)))


def lid_share(direction: np.ndarray) -> float:
    """Return the share of one eye's lids, 0 to 1, in the squared length of a direction."""
    squares = np.square(direction)
    return float(squares[N_POINTS : N_DISPLACED + 1].sum() / max(squares.sum(), 1e-12))


def _side_by_side(points: np.ndarray, single: np.ndarray, scores: np.ndarray | None) -> np.ndarray:
    """Return points [T, 68, 2], lid motion [T, 4, 2] and scores [T, 52], weighted, [T, D]."""
    n = len(points)
    face = np.empty((n, N_DISPLACED + (0 if scores is None else 1 + len(EXPRESSIONS))))
    for frames in blocks(n):
        some = face[frames]
        some[:, :N_POINTS] = points[frames][:, FACE_68].reshape(len(some), -1)
        some[:, :N_POINTS] /= np.sqrt(len(FACE_68))
        some[:, N_POINTS:N_DISPLACED] = single[frames].reshape(len(some), -1)
        some[:, N_POINTS:N_DISPLACED] *= LID_WEIGHT / np.sqrt(2 * len(LIDS))
        if scores is not None:
            one_sided = scores[frames, BLINK_LEFT] - scores[frames, BLINK_RIGHT]
            some[:, N_DISPLACED] = WINK_IOD * one_sided
            some[:, N_DISPLACED + 1 :] = SCORE_IOD * scores[frames][:, EXPRESSIONS]
    return face


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
