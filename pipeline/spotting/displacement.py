"""How a face moves once its head is held still: the displacement that motions are spotted in.

The head is taken out by a similarity in space, not in the plane: turning the head would otherwise
look like a motion of the face. Blinks are left out by leaving out the eyes, except for what one
lid does and the other does not, because a blink closes both eyes and a wink closes one; and what
blinks do to the rest of the mesh is learned from the clip and taken out.
"""

from dataclasses import replace

import numpy as np
from scipy.ndimage import binary_dilation, grey_opening

from fmdata.catalog.types import Landmarks, Track
from fmdata.pipeline.blocks import blocks, median_points
from fmdata.pipeline.bridge import bridged
from fmdata.pipeline.points import (
    LEFT_EYE_68,
    RIGHT_EYE_68,
    STABLE_PAIRS_68,
    interocular_distance,
    layout_of,
    pick,
    to_68,
)
from fmdata.pipeline.runs import runs_of
from fmdata.pipeline.similarity import apply, to_median
from fmdata.pipeline.smooth import window_frames
from fmdata.pipeline.spotting.lids import Lids

EYES_68 = np.arange(36, 48)
FACE_68 = np.array([*range(36), *range(48, 68)])  # all but the eyes
LIDS = np.array([1, 2, 4, 5])  # of an eye's six points, those that are not its corners
# Two lids never blink quite alike: what is less than this share of their common motion is a
# blink's own asymmetry. Blinks of twelve people stay below 0.24; a wink makes 1.4.
BLINK_ASYMMETRY = 0.3
LID_WEIGHT = 1.7  # a wink has little else to be seen by
BLINK_S = 0.5  # eyes closed for longer are no blink
LEAST_BLINK_IOD = 0.02  # how far the lids of both eyes come together
WIDE_OPEN = 0.9  # quantile of the lids' gap; a wink may be long
LEAST_CLOSING_IOD = 0.005  # of an upper lid, measured in the picture; what is less may be noise
BLINK_RESPONSE = 0.25  # most that the rest of the face moves, as a share of the lids' closing
CALM_IOD = 0.02  # a face that moves less than this from before a blink to after it is calm


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
    blink = _blink(points, fps)
    if lids is not None:
        lids = _with_shut_eyes(lids, points)
        blink[_one_eye_alone(lids)] = 0.0  # a network lets one eye close a little with the other
    response = _blink_response(points, blink, fps)
    for frames in blocks(len(points)):
        points[frames] -= blink[frames, None, None] * response
    if lids is None:
        single = _lid_asymmetry(points[:, LEFT_EYE_68[LIDS]], points[:, RIGHT_EYE_68[LIDS]])
    else:
        told = lids.known.all(axis=1) & ~_near_blinks(lids, blink, fps)
        single = bridged(_lid_asymmetry(*_lid_points(lids)), told)
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


def _blink(points: np.ndarray, fps: float) -> np.ndarray:
    """How far both eyes are closed for a moment, float64 [T] in IOD, from [T, 68, 2]."""
    gaps = _gaps(points)
    closed = -(gaps - np.median(gaps, axis=0)).max(axis=1)
    # An opening in time keeps the closures that last `BLINK_S`; what it takes away are the blinks.
    # Before and after the clip the eyes are taken to be open: it may begin or end within a blink.
    lasting = grey_opening(closed, size=window_frames(BLINK_S, fps), mode="constant", cval=0.0)
    blink: np.ndarray = np.where(closed - lasting > LEAST_BLINK_IOD, closed - lasting, 0.0)
    return blink


def _gaps(points: np.ndarray) -> np.ndarray:
    """How far each eye's lids are apart, float64 [T, 2] in IOD, from [T, 68, 2]."""
    eyes = np.stack([points[:, LEFT_EYE_68], points[:, RIGHT_EYE_68]], axis=1)
    gaps: np.ndarray = np.linalg.norm(eyes[:, :, [1, 2]] - eyes[:, :, [5, 4]], axis=-1).mean(-1)
    return gaps


def _blink_response(points: np.ndarray, blink: np.ndarray, fps: float) -> np.ndarray:
    """What a blink does to the rest of the mesh, float64 [68, 2] a unit, learned from [T, 68, 2].

    The landmark network moves brows and jaw by a hundredth of the interocular distance with every
    blink, each face in its own way. How much is learned from the clip: at a blink, the difference
    to the mean of the frames just before and just after, in which a steady motion cancels out.
    """
    reach, t = max(1, round(BLINK_S / 2 * fps)), np.arange(len(points))
    response = np.zeros(points.shape[1:])
    if len(points) <= 2 * reach or not blink.any():
        return response
    # At an end of the clip there is only one side to compare with.
    before = np.where(t >= reach, t - reach, t + reach)
    after = np.where(t < len(t) - reach, t + reach, t - reach)
    by = np.maximum(blink - (blink[before] + blink[after]) / 2, 0.0)
    trust = np.empty(len(points))
    for frames in blocks(len(points)):
        earlier, later = points[before[frames]], points[after[frames]]
        moved = points[frames] - (earlier + later) / 2
        # A blink in the midst of a motion teaches little.
        swing = later[:, FACE_68] - earlier[:, FACE_68]
        trust[frames] = by[frames] / (1 + np.square(swing).sum(-1).mean(-1) / CALM_IOD**2)
        # Summed on from block to block, in the order of the frames.
        weights = np.concatenate([[1.0], trust[frames]])
        response = np.einsum("t,tkd->kd", weights, np.concatenate([response[None], moved]))
    response /= (trust * by).sum() + LEAST_BLINK_IOD**2
    size = float(np.sqrt(np.square(response[FACE_68]).sum(-1).mean()))
    response *= min(1.0, BLINK_RESPONSE / max(size, 1e-9))
    response[EYES_68] = 0.0
    return response


def _lid_asymmetry(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Keep what one eye's lids, [T, 4, 2], do and the other's do not, float64 [T, 4, 2]."""
    right = right * [-1.0, 1.0]
    left, right = left - np.median(left, axis=0), right - np.median(right, axis=0)
    single, both = left - right, (left + right) / 2
    size = np.linalg.norm(single, axis=(1, 2)) / np.sqrt(2 * len(LIDS))
    blink = np.linalg.norm(both, axis=(1, 2)) / np.sqrt(len(LIDS))
    keep = np.clip(1 - BLINK_ASYMMETRY * blink / np.maximum(size, 1e-9), 0, 1)
    return single * keep[:, None, None]


def _with_shut_eyes(lids: Lids, points: np.ndarray) -> Lids:
    """Tell an eye that is shut from one that is hidden, by the track's points [T, 68, 2].

    Of either the picture is unlike the open eye's; but the shut one is closed for the network too,
    and further than the other.
    """
    gaps = _gaps(points)
    closed = np.quantile(gaps, WIDE_OPEN, axis=0) - gaps
    shut = ~lids.known & (closed - closed[:, ::-1] > LEAST_BLINK_IOD)
    down = lids.down.copy()
    down[..., 0] = np.where(shut, lids.height, down[..., 0])
    down[..., 1] = np.where(shut, 0.0, down[..., 1])
    return replace(lids, down=down, known=lids.known | shut)


def _lid_points(lids: Lids) -> tuple[np.ndarray, np.ndarray]:
    """Let the points of the left and of the right eye's lids, [T, 4, 2], move down with them."""
    points = np.zeros((len(lids.down), 2, len(LIDS), 2))
    points[..., 1] = lids.down[:, :, [0, 0, 1, 1]]
    return points[:, 0], points[:, 1]


def _closing(lids: Lids) -> tuple[np.ndarray, np.ndarray]:
    """Where each eye is surely open, and where it may be closed in part; bool [T, 2] each."""
    upper = lids.down[:, :, 0]
    rest = [np.median(upper[lids.known[:, eye], eye]) for eye in (0, 1)]
    moved = upper - rest > LEAST_CLOSING_IOD
    return lids.known & ~moved, ~lids.known | moved


def _one_eye_alone(lids: Lids) -> np.ndarray:
    """Frames in which one eye is open and the other may not be, bool [T]."""
    opened, closing = _closing(lids)
    alone: np.ndarray = (opened & closing[:, ::-1]).any(axis=1)
    return alone


def _near_blinks(lids: Lids, blink: np.ndarray, fps: float) -> np.ndarray:
    """Frames in which a blink hides what one eye does alone, bool [T].

    Lids are fast in a blink, and after it they seldom open quite together, and may open slowly.
    """
    _, closing = _closing(lids)
    blinking = blink > 0
    near = blinking.copy()
    for start, stop in runs_of(closing[:, 0] & closing[:, 1]):
        near[start:stop] |= blinking[start:stop].any()
    near &= binary_dilation(blinking, iterations=max(1, round(BLINK_S * fps)))
    result: np.ndarray = binary_dilation(near)
    return result
