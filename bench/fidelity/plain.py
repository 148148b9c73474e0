"""Two plain methods of spotting, which stand beside fmdata's in every table.

Both see the same landmarks, aligned in space as fmdata's are: all 68 points, those of the eyes too.
Each is a function of a track and its frame rate that returns onset and offset; None where it finds
no motion.
"""

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from fmdata.catalog.types import Motion, Track
from fmdata.pipeline.geometry.points import interocular_distance, layout_of, to_68
from fmdata.pipeline.geometry.similarity import apply, to_median
from fmdata.pipeline.geometry.timeseries import window_frames

Span = tuple[int, int]
WINDOWS_S = (0.17, 0.3, 0.5)
QUIET, TIMES, LEAST_IOD = 20, 2.0, 0.003  # percentile of the deviations, its multiple, their floor
FIRST, SHARE, MEAN = 5, 0.2, 3  # frames at rest; share of the largest; frames of the moving mean


def deviations(track: Track, fps: float) -> Span | None:
    """Spot by the standard deviations of the points in three windows.

    Facial-motion encoder, 2022, Section 2.5. The paper gives neither windows nor threshold: a frame
    moves where the largest of the three deviations is above twice their 20th percentile.
    """
    points = aligned(track)
    spread = np.zeros(len(points))
    for window in (window_frames(w, fps) for w in WINDOWS_S):
        ends = ((window // 2, window // 2), (0, 0), (0, 0))
        around = sliding_window_view(np.pad(points, ends, mode="edge"), window, axis=0)
        spread = np.maximum(spread, np.sqrt(around.var(-1).sum(-1).mean(1)))
    return _span(spread > max(TIMES * np.percentile(spread, QUIET), LEAST_IOD))


def threshold(track: Track, fps: float) -> Span | None:
    """Spot where the face is further from its first five frames than a fifth of the largest way."""
    points = aligned(track)
    away = points - np.median(points[:FIRST], axis=0)
    distance = np.sqrt(np.square(away).sum(-1).mean(1))
    mean = np.convolve(np.pad(distance, MEAN // 2, mode="edge"), np.full(MEAN, 1 / MEAN), "valid")
    return _span(mean > SHARE * mean.max())


OURS = "fmdata"  # the name of our method beside them
METHODS: dict[str, Callable[[Track, float], Span | None]] = {
    "threshold": threshold,
    "deviations": deviations,
}


def as_motion(span: Span | None, n_frames: int) -> Motion | None:
    """Return a motion of these boundaries; its other values are not measured."""
    if span is None:
        return None
    onset, offset = span
    style = "hold" if offset == n_frames else "return"
    return Motion(onset, onset, offset, style, 0.0, 0.0, 0, 0.0)


def aligned(track: Track) -> np.ndarray:
    """Return the 68 points with the head held still, float64 [T, 68, 2], in IOD."""
    landmarks = np.asarray(track.landmarks[:], np.float64)
    to_face = to_median(landmarks[:, layout_of(landmarks).stable])
    points = apply(to_face, to_68(landmarks))
    still: np.ndarray = points[..., :2] / np.median(interocular_distance(points))
    return still


def _span(moving: np.ndarray) -> Span | None:
    """Return the first frame that moves and the first after the last one."""
    frames = np.flatnonzero(moving)
    return (int(frames[0]), int(frames[-1]) + 1) if len(frames) else None
