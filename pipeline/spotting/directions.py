"""Directions of a motion: the one or two directions of the mesh along its clearest steps.

A facial motion moves its points together, while landmark noise has no preferred direction.
Projected on the motion's direction, the noise is a small part of its root mean square over all
points, so a faint motion can be seen, and a slow drift does not hide a short motion.

A step is the difference of the mean faces just after and just before a moment. The clearest step
is the largest one relative to the noise that such means have. A motion of several phases may have
a second direction: a brow, then the mouth.
"""

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np

from fmdata.pipeline.geometry.blocks import blocks
from fmdata.pipeline.geometry.timeseries import smooth

JITTER_IOD = 0.0025  # from frame to frame, RMS over the face
DRIFT_IOD = 0.0025  # of a face at rest, over `DRIFT_S` and more
DRIFT_S = 0.5
WIDTHS_S = (0.1, 0.2, 0.4, 0.8)  # of the means; a flash is as short as the first
GAPS_S = (0.04, 0.2)  # between the two means: the duration of the step
SECOND_SHARE = 0.6  # least range along a second direction, as a share of that along the first
SECOND_IOD = 0.035  # least range along a second direction; noise has less


def motion_directions(face: np.ndarray, artefact: np.ndarray, fps: float) -> np.ndarray:
    """Find the directions of a face's motion.

    Parameters
    ----------
    face : float64 [T, D]
        Displacement, in interocular distances (IOD).
    artefact : float64 [T]
        Displacement that something else, such as a blink, may have caused, in IOD.
    fps : float
        Frames per second.

    Returns
    -------
    float64 [D, R]
        Of length 1, at right angles. R is 1, or 2 where the face moves nearly as far along a second
        direction. Zeros where the face does not move at all.
    """
    clean = artefact < JITTER_IOD
    first = clearest_step(face, artefact, fps)
    along = face @ first
    second = clearest_step(face, artefact, fps, leave_out=(along, first))
    least = max(SECOND_IOD, SECOND_SHARE * _range(along[clean], fps))
    is_second = _range((face @ second)[clean], fps) > least
    return np.stack([first, second] if is_second else [first], axis=1)


def clearest_step(
    face: np.ndarray,
    artefact: np.ndarray,
    fps: float,
    leave_out: tuple[np.ndarray, np.ndarray] | None = None,
) -> np.ndarray:
    """Find the direction of the clearest step, float64 [D].

    Of length 1; of length 0 in a clip that is too short, or does not move at all. Parameters are
    those of :func:`motion_directions`, and a direction to leave out: the projections on it, float64
    [T], and the direction itself, float64 [D].
    """
    trust = 1 / (1 + (artefact / JITTER_IOD) ** 2)

    def weighted(frames: slice) -> np.ndarray:
        some = face[frames]
        if leave_out is not None:
            some = some - leave_out[0][frames, None] * leave_out[1]
        return np.column_stack([trust[frames, None] * some, trust[frames]])

    widths = sorted({max(2, round(w * fps)) for w in WIDTHS_S})
    gaps = sorted({max(1, round(g * fps)) for g in GAPS_S})
    kinds = [kind for kind in product(widths, widths, gaps) if sum(kind) <= len(face)]
    found = [(0.0, np.zeros(face.shape[1]))] * len(kinds)
    for sums in _running_sums(weighted, len(face), max(map(sum, kinds), default=0)):
        found = [
            max(one, _clearest(sums, *kind, fps), key=lambda step: step[0])
            for one, kind in zip(found, kinds, strict=True)
        ]
    _, clearest = max(found, key=lambda step: step[0], default=(0.0, np.zeros(face.shape[1])))
    length = float(np.linalg.norm(clearest))
    return clearest / (length or 1.0)


def _clearest(
    sums: np.ndarray, before: int, after: int, gap: int, fps: float
) -> tuple[float, np.ndarray]:
    """Find the clearest step between means of `before` and `after` frames, `gap` frames apart.

    `sums` are the running sums of weighted displacements and of the weights, [T + 1, D + 1].
    Returns the squared ratio of the step to its noise, and the step, float64 [D].
    """
    start = np.arange(len(sums) - before - gap - after)
    if len(start) == 0:
        return 0.0, np.zeros(sums.shape[1] - 1)
    middle = start + before + gap
    first, second = sums[start + before] - sums[start], sums[middle + after] - sums[middle]
    n0, n1 = np.maximum(first[:, -1:], 1e-9), np.maximum(second[:, -1:], 1e-9)
    step = second[:, :-1] / n1 - first[:, :-1] / n0
    apart_s = ((before + after) / 2 + gap) / fps
    noise = JITTER_IOD**2 * (1 / n0 + 1 / n1) + DRIFT_IOD**2 * min(1.0, apart_s / DRIFT_S)
    clear = (step**2).sum(1) / noise[:, 0]
    best = int(np.argmax(clear))
    return float(clear[best]), step[best].copy()  # a view would keep all steps in memory


def _running_sums(
    values: Callable[[slice], np.ndarray], n_frames: int, reach: int
) -> Iterator[np.ndarray]:
    """Yield running sums of values [T, D], block by block.

    Each block begins `reach` frames before the end of the last one, so that the sum over any
    `reach` frames or fewer is a difference within one block.
    """
    sums = None
    for frames in blocks(n_frames):
        more = values(frames)
        past = np.zeros((1, more.shape[1])) if sums is None else sums[-max(1, reach) :]
        sums = np.concatenate([past, np.cumsum(np.concatenate([past[-1:], more]), axis=0)[1:]])
        yield sums


def _range(along: np.ndarray, fps: float) -> float:
    return float(np.ptp(smooth(along, fps))) if len(along) else 0.0
