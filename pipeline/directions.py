"""The way a face moves: the one or two directions of the mesh along which its clearest steps go.

A facial motion moves all its points together, and landmark noise goes every way. Along the
motion's own direction the noise is a small part of what a root mean square over all points adds
up, so a faint motion is seen by it, and a short one is not drowned by a slow drift.

A direction is that of the clip's clearest step: the difference of the mean faces just after and
just before a moment, over the noise that means of so many frames, so far apart, are known to have.
A motion of several phases may take a second direction: a brow, then the mouth.
"""

from itertools import product

import numpy as np

from fmdata.pipeline.smooth import smooth

JITTER_IOD = 0.0025  # from frame to frame, RMS over the face
DRIFT_IOD = 0.0025  # of a face at rest, over DRIFT_S and more
DRIFT_S = 0.5
WIDTHS_S = (0.1, 0.2, 0.4, 0.8)  # of the means; a flash is as short as the first
GAPS_S = (0.04, 0.2)  # between the two means: how long the step itself takes
SECOND_SHARE = 0.6  # of the range along the first direction; a second one has at least this
SECOND_IOD = 0.035  # and more than noise can have


def along_motion(face: np.ndarray, doubt: np.ndarray, fps: float) -> np.ndarray:
    """How far a face is along the directions that its motion takes.

    Parameters
    ----------
    face : float64 [T, D]
        Displacement, in interocular distances.
    doubt : float64 [T]
        How far something else, such as a blink, may have moved a frame's face, in IOD.
    fps : float
        Frames per second.

    Returns
    -------
    float64 [T, R]
        In IOD. R is 1, or 2 where along a second direction, at right angles to the first, the
        face moves nearly as far.
    """
    sure = doubt < JITTER_IOD
    first = clearest_step(face, doubt, fps)
    along = face @ first
    second = clearest_step(face - along[:, None] * first, doubt, fps)
    beside = face @ second
    least = max(SECOND_IOD, SECOND_SHARE * _range(along[sure], fps))
    ways = [along, beside] if _range(beside[sure], fps) > least else [along]
    return np.stack(ways, axis=1)


def clearest_step(face: np.ndarray, doubt: np.ndarray, fps: float) -> np.ndarray:
    """Find the direction of the clearest step, float64 [D].

    Of length 1; of length 0 in a clip that is too short, or does not move at all. Parameters are
    those of :func:`along_motion`.
    """
    trust = 1 / (1 + (doubt / JITTER_IOD) ** 2)
    sums, counts = _summed(trust[:, None] * face), _summed(trust[:, None])
    best, clearest = 0.0, np.zeros(face.shape[1])
    widths = sorted({max(2, round(w * fps)) for w in WIDTHS_S})
    gaps = sorted({max(1, round(g * fps)) for g in GAPS_S})
    for before, after, gap in product(widths, widths, gaps):
        start = np.arange(len(face) - before - gap - after + 1)
        if len(start) == 0:
            continue
        middle = start + before + gap
        n0 = np.maximum(counts[start + before] - counts[start], 1e-9)
        n1 = np.maximum(counts[middle + after] - counts[middle], 1e-9)
        step = (sums[middle + after] - sums[middle]) / n1 - (
            sums[start + before] - sums[start]
        ) / n0
        apart_s = ((before + after) / 2 + gap) / fps
        noise = JITTER_IOD**2 * (1 / n0 + 1 / n1) + DRIFT_IOD**2 * min(1.0, apart_s / DRIFT_S)
        clear = (step**2).sum(1) / noise[:, 0]
        if clear.max() > best:
            best, clearest = float(clear.max()), step[int(np.argmax(clear))]
    length = float(np.linalg.norm(clearest))
    return clearest / (length or 1.0)


def _summed(values: np.ndarray) -> np.ndarray:
    """Running sums [T + 1, D] of [T, D], so that a difference of two is a sum of frames."""
    return np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])


def _range(along: np.ndarray, fps: float) -> float:
    return float(np.ptp(smooth(along, fps))) if len(along) else 0.0
