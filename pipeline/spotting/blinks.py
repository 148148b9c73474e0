"""Blinks, which close both eyes and are no motion, and winks, which close one.

What the lids do is taken from the landmarks, or from the pictures where a closer look has been
taken. What a blink does to the rest of the mesh is learned from the clip.
"""

from dataclasses import replace

import numpy as np
from scipy.ndimage import binary_dilation, grey_opening

from fmdata.pipeline.geometry.blocks import blocks
from fmdata.pipeline.geometry.points import EYES_68, FACE_68, LEFT_EYE_68, RIGHT_EYE_68
from fmdata.pipeline.geometry.timeseries import bridged, runs_of, window_frames
from fmdata.pipeline.spotting.lid_motion import Lids

LIDS = np.array([1, 2, 4, 5])  # of an eye's six points, those that are not its corners
# Two lids never blink quite alike: what is less than this share of their common motion is a
# blink's own asymmetry. Blinks of twelve people stay below 0.24; a wink makes 1.4.
BLINK_ASYMMETRY = 0.3
BLINK_S = 0.5  # eyes closed for longer are no blink
LEAST_BLINK_IOD = 0.02  # how far the lids of both eyes come together
WIDE_OPEN = 0.9  # quantile of the lids' gap; a wink may be long
LEAST_CLOSING_IOD = 0.005  # of an upper lid, measured in the picture; what is less may be noise
BLINK_RESPONSE = 0.25  # most that the rest of the face moves, as a share of the lids' closing
CALM_IOD = 0.02  # a face that moves less than this from before a blink to after it is calm


def blinks(points: np.ndarray, fps: float, lids: Lids | None = None) -> np.ndarray:
    """How far both eyes are closed for a moment, in interocular distances (IOD).

    Parameters
    ----------
    points : float64 [T, 68, 2]
        The face, its head held still, in IOD; this and what follows.
    fps : float
        Frames per second.
    lids : Lids, optional
        How far the lids have moved, where that is known better than by the points.

    Returns
    -------
    float64 [T]
        0 between blinks.
    """
    gaps = _gaps(points)
    closed = -(gaps - np.median(gaps, axis=0)).max(axis=1)
    # An opening in time keeps the closures that last `BLINK_S`; what it takes away are the blinks.
    # Before and after the clip the eyes are taken to be open: it may begin or end within a blink.
    lasting = grey_opening(closed, size=window_frames(BLINK_S, fps), mode="constant", cval=0.0)
    blink: np.ndarray = np.where(closed - lasting > LEAST_BLINK_IOD, closed - lasting, 0.0)
    if lids is not None:
        blink[_one_eye_open(lids)] = 0.0  # a network lets one eye close a little with the other
    return blink


def blink_response(points: np.ndarray, blink: np.ndarray, fps: float) -> np.ndarray:
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


def alone(
    points: np.ndarray, blink: np.ndarray, fps: float, lids: Lids | None = None
) -> np.ndarray:
    """What the lids of one eye do and those of the other do not.

    Parameters are those of :func:`blinks`, and its result.

    Returns
    -------
    float64 [T, 4, 2]
        Of the `LIDS` of the left eye, right and down in IOD; what the right eye does counts the
        other way. Interpolated where it cannot be told.
    """
    if lids is None:
        return _asymmetry(points[:, LEFT_EYE_68[LIDS]], points[:, RIGHT_EYE_68[LIDS]])
    told = lids.known.all(axis=1) & ~_near_blinks(lids, blink, fps)
    return bridged(_asymmetry(*_lid_points(lids)), told)


def with_shut_eyes(lids: Lids, points: np.ndarray) -> Lids:
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


def _gaps(points: np.ndarray) -> np.ndarray:
    """How far each eye's lids are apart, float64 [T, 2] in IOD, from [T, 68, 2]."""
    eyes = np.stack([points[:, LEFT_EYE_68], points[:, RIGHT_EYE_68]], axis=1)
    gaps: np.ndarray = np.linalg.norm(eyes[:, :, [1, 2]] - eyes[:, :, [5, 4]], axis=-1).mean(-1)
    return gaps


def _asymmetry(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Keep what one eye's lids, [T, 4, 2], do and the other's do not, float64 [T, 4, 2]."""
    right = right * [-1.0, 1.0]
    left, right = left - np.median(left, axis=0), right - np.median(right, axis=0)
    single, both = left - right, (left + right) / 2
    size = np.linalg.norm(single, axis=(1, 2)) / np.sqrt(2 * len(LIDS))
    blink = np.linalg.norm(both, axis=(1, 2)) / np.sqrt(len(LIDS))
    keep = np.clip(1 - BLINK_ASYMMETRY * blink / np.maximum(size, 1e-9), 0, 1)
    return single * keep[:, None, None]


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


def _one_eye_open(lids: Lids) -> np.ndarray:
    """Frames in which one eye is open and the other may not be, bool [T]."""
    opened, closing = _closing(lids)
    result: np.ndarray = (opened & closing[:, ::-1]).any(axis=1)
    return result


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
