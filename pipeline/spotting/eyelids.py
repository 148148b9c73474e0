"""Eyelids: blinks, which close both eyes and are not a motion, and winks, which close one eye.

Lid positions are those of the landmarks, or those measured in the pixels by the second pass.
"""

from dataclasses import dataclass, replace

import numpy as np

from fmdata.catalog.printable import ArrayRepr
from fmdata.pipeline.geometry.points import LEFT_EYE_68, RIGHT_EYE_68
from fmdata.pipeline.geometry.timeseries import (
    interpolated,
    opened,
    runs_of,
    widened,
    window_frames,
)

LIDS = np.array([1, 2, 4, 5])  # the points of an eye's six that are not its corners
# The two eyes never blink quite alike: a difference below this share of their common motion is
# asymmetry of the blink. Blinks of twelve people stay below 0.24; a wink has 1.4.
BLINK_ASYMMETRY = 0.3
BLINK_S = 0.5  # eyes closed for longer are not a blink
MIN_BLINK_IOD = 0.02  # decrease of the gap between the lids of both eyes
WIDE_OPEN = 0.9  # quantile of the lids' gap; high, because a wink may be long
MIN_CLOSING_IOD = 0.005  # of an upper lid, measured in the pixels; less may be noise


@dataclass(frozen=True, repr=False)
class Lids(ArrayRepr):
    """Displacement of the eyelids from their positions in the wide-open eye.

    Attributes
    ----------
    down : float64 [T, 2, 2]
        Downward displacement of the middle of the upper and of the lower lid, of the image's left
        and right eye, in interocular distances (IOD); limited to a part of the eye's height.
    known : bool [T, 2]
        False where the displacement of the left or of the right eye's lids could not be measured.
    height : float64 [2]
        Height of the left and of the right eye, wide open, in IOD.
    """

    down: np.ndarray
    known: np.ndarray
    height: np.ndarray


def blink_closure(points: np.ndarray, fps: float, lids: Lids | None = None) -> np.ndarray:
    """Measure how far blinks close both eyes, in interocular distances (IOD).

    Parameters
    ----------
    points : float64 [T, 68, 2]
        The face with its head held still, in IOD.
    fps : float
        Frames per second.
    lids : Lids, optional
        Lid motion as measured in the pixels.

    Returns
    -------
    float64 [T]
        0 between blinks.
    """
    gaps = _gaps(points)
    closed = (np.quantile(gaps, WIDE_OPEN, axis=0) - gaps).min(axis=1)  # a wink may be long
    # A morphological opening in time keeps closures that last `BLINK_S`; it removes the blinks. The
    # eyes count as open outside the clip, which may begin or end within a blink.
    lasting = opened(closed, window_frames(BLINK_S, fps))
    blink: np.ndarray = np.where(closed - lasting > MIN_BLINK_IOD, closed - lasting, 0.0)
    if lids is not None:
        blink[_one_eye_open(lids)] = 0.0  # in a wink the network closes the other eye a little too
    return blink


def one_sided_motion(
    points: np.ndarray, blink: np.ndarray, fps: float, lids: Lids | None = None
) -> np.ndarray:
    """Measure the lid motion of one eye that the other eye does not share.

    The parameters are those of :func:`blink_closure`, and `blink` is its result.

    Returns
    -------
    float64 [T, 4, 2]
        Displacement of the `LIDS` of the left eye, right and down in IOD; motion of the right eye
        has the opposite sign. Interpolated where it is unknown, and during blinks.
    """
    if lids is None:
        return _asymmetry(points[:, LEFT_EYE_68[LIDS]], points[:, RIGHT_EYE_68[LIDS]])
    known = lids.known.all(axis=1) & ~_near_blinks(lids, blink, fps)
    return interpolated(_asymmetry(*_lid_points(lids)), known)


def with_shut_eyes(lids: Lids, points: np.ndarray) -> Lids:
    """Mark unknown lids as shut where the track's points, [T, 68, 2], show a shut eye.

    Both a shut eye and a hidden one look unlike the open eye. But in the track a shut eye is
    closed, and further than the other eye.
    """
    gaps = _gaps(points)
    closed = np.quantile(gaps, WIDE_OPEN, axis=0) - gaps
    shut = ~lids.known & (closed - closed[:, ::-1] > MIN_BLINK_IOD)
    down = lids.down.copy()
    down[..., 0] = np.where(shut, lids.height, down[..., 0])
    down[..., 1] = np.where(shut, 0.0, down[..., 1])
    return replace(lids, down=down, known=lids.known | shut)


def _gaps(points: np.ndarray) -> np.ndarray:
    """Return the gap between the lids of each eye, float64 [T, 2] in IOD, of [T, 68, 2]."""
    eyes = np.stack([points[:, LEFT_EYE_68], points[:, RIGHT_EYE_68]], axis=1)
    gaps: np.ndarray = np.linalg.norm(eyes[:, :, [1, 2]] - eyes[:, :, [5, 4]], axis=-1).mean(-1)
    return gaps


def _asymmetry(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the difference of the two eyes' lid motion, [T, 4, 2] each, float64 [T, 4, 2].

    The difference is soft-thresholded by `BLINK_ASYMMETRY` of the motion that both share.
    """
    right = right * [-1.0, 1.0]
    left, right = left - np.median(left, axis=0), right - np.median(right, axis=0)
    single, both = left - right, (left + right) / 2
    size = np.linalg.norm(single, axis=(1, 2)) / np.sqrt(2 * len(LIDS))
    blink = np.linalg.norm(both, axis=(1, 2)) / np.sqrt(len(LIDS))
    keep = np.clip(1 - BLINK_ASYMMETRY * blink / np.maximum(size, 1e-9), 0, 1)
    return single * keep[:, None, None]


def _lid_points(lids: Lids) -> tuple[np.ndarray, np.ndarray]:
    """Return the displacement of the left and of the right eye's lid points, [T, 4, 2] each."""
    points = np.zeros((len(lids.down), 2, len(LIDS), 2))
    points[..., 1] = lids.down[:, :, [0, 0, 1, 1]]
    return points[:, 0], points[:, 1]


def _closing(lids: Lids) -> tuple[np.ndarray, np.ndarray]:
    """Return masks of the frames in which each eye is certainly open, and perhaps closing.

    Both are bool [T, 2].
    """
    upper = lids.down[:, :, 0]
    rest = [np.median(upper[lids.known[:, eye], eye]) for eye in (0, 1)]
    moved = upper - rest > MIN_CLOSING_IOD
    return lids.known & ~moved, ~lids.known | moved


def _one_eye_open(lids: Lids) -> np.ndarray:
    """Return a mask of the frames in which one eye is open and the other may not be, bool [T]."""
    opened, closing = _closing(lids)
    result: np.ndarray = (opened & closing[:, ::-1]).any(axis=1)
    return result


def _near_blinks(lids: Lids, blink: np.ndarray, fps: float) -> np.ndarray:
    """Return a mask of the frames in which a blink hides one-sided lid motion, bool [T].

    Lids are fast in a blink. After a blink they may open slowly, and seldom in step.
    """
    _, closing = _closing(lids)
    blinking = blink > 0
    near = blinking.copy()
    for start, stop in runs_of(closing[:, 0] & closing[:, 1]):
        near[start:stop] |= blinking[start:stop].any()
    near &= widened(blinking, max(1, round(BLINK_S * fps)))
    return widened(near, 1)
