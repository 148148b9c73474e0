"""The face at rest: the poses that a clip begins and ends in, and whether it ends in its apex.

A face need not return to just the pose it came from, so each end of the clip has its own rest.
Poses are displacements as :func:`fmdata.pipeline.spotting.displacement.displacement` gives them.
"""

from dataclasses import dataclass

import numpy as np

from fmdata.catalog.types import ArrayRepr
from fmdata.pipeline.geometry.timeseries import merged, runs_of, window_frames

TOLERANCE_IOD = 0.004  # landmark noise around a face at rest
REST_SHARE = 0.15  # of the largest displacement; nearer than this to the rest pose is at rest
REST_SEARCH_S = 0.1  # a recording may begin with the end of something else
REST_WINDOW_S = 0.12  # least that a rest lasts
REST_GAP_S = 0.15  # a twitch this short does not end a rest
SETTLE_S = 0.3  # least to settle a rest pose on
DIP_S = 0.08  # coming back for no longer than this is not coming back
FALSE_STARTS = 1  # times that a face may come back before it goes to hold
RETURN_SHARE = 0.5  # of the largest displacement; further than this from the first rest: elsewhere


@dataclass(frozen=True, repr=False)
class Rest(ArrayRepr):
    """A face at rest: its pose, float64 [D], over the frames ``[start, stop)``."""

    pose: np.ndarray
    start: int
    stop: int


def rms(face: np.ndarray) -> np.ndarray:
    """Size of displacements [..., D] in IOD; their weights already make the sum a mean."""
    return np.sqrt((face**2).sum(-1))


def amplitude(level: np.ndarray) -> float:
    """Largest displacement that lasts two frames: a single wild frame is a landmark fault."""
    return float(np.minimum(level[1:], level[:-1]).max()) if len(level) > 1 else 0.0


def rests(face: np.ndarray, blink: np.ndarray, fps: float) -> tuple[Rest, Rest | None]:
    """Find the rests before and after the motion; None after it when the apex is held.

    Parameters
    ----------
    face : float64 [T, D]
        Displacement, smoothed.
    blink : float64 [T]
        How far a blink may have moved the face, in IOD.
    fps : float
        Frames per second.
    """
    n = len(face)
    before, mirrored = first_rest(face, fps), first_rest(face[::-1], fps)
    after = Rest(mirrored.pose, n - mirrored.stop, n - mirrored.start)
    return before, None if is_held(face, blink, before, after, fps) else after


def first_rest(face: np.ndarray, fps: float) -> Rest:
    """Find the rest that a clip begins with; where it begins in motion, its first frames."""
    width = min(len(face), window_frames(REST_WINDOW_S, fps))
    starts = range(min(len(face) - width, round(REST_SEARCH_S * fps)) + 1)
    windows = [face[s : s + width] for s in starts]
    spread = np.array([rms(w - w.mean(0)).max() for w in windows])
    quiet = spread < TOLERANCE_IOD
    if not quiet.any():
        first = int(np.argmin(spread))
        return Rest(face[first], 0, first + 1)
    first = int(np.argmax(quiet))
    pose, stop = np.median(windows[first], axis=0), first + width
    for _ in range(2):  # the second time around a pose that no longer hangs on a few frames
        level = rms(face - pose)
        near = level < max(TOLERANCE_IOD, REST_SHARE * amplitude(level))
        near[first : first + width] = True
        runs = merged(runs_of(near), round(REST_GAP_S * fps))
        stop = next(end for start, end in runs if start <= first < end)
        pose = np.median(face[first:stop], axis=0)
    return Rest(pose, first, stop)


def is_held(face: np.ndarray, blink: np.ndarray, before: Rest, after: Rest, fps: float) -> bool:
    """Tell a held apex from a new rest.

    Both are away from the first rest. But a face that holds its apex goes there once, or at the
    second start; in speech, say, it goes to and fro before the mouth comes to rest elsewhere.
    """
    level = rms(face - before.pose)
    gap = float(rms(after.pose - before.pose))
    if gap < RETURN_SHARE * amplitude(level):
        return False
    gone = merged(runs_of(level > RETURN_SHARE * gap), round(DIP_S * fps))
    sure = [run for run in gone if (level - blink)[slice(*run)].max() > RETURN_SHARE * gap]
    return len(sure) <= FALSE_STARTS + 1


def settled(
    face: np.ndarray, before: Rest, after: Rest | None, core: tuple[int, int], fps: float
) -> tuple[Rest, Rest | None]:
    """Take the rest poses from all frames near rest outside a motion's core ``[start, stop)``.

    The first frames of a clip alone may be a blink. Where too little lies outside the core, a rest
    stays as it was: those frames are the rise itself.
    """
    level = away(face, before, after)
    near = np.flatnonzero(level < RETURN_SHARE * amplitude(level))
    least = max(2, round(SETTLE_S * fps))

    def pose_of(frames: np.ndarray, rest: Rest) -> np.ndarray:
        return rest.pose if len(frames) < least else np.median(face[frames], axis=0)

    first = Rest(pose_of(near[near < core[0]], before), before.start, core[0])
    if after is None:
        return first, None
    return first, Rest(pose_of(near[near >= core[1]], after), core[1], after.stop)


def away(face: np.ndarray, before: Rest, after: Rest | None) -> np.ndarray:
    """How far the face is from the nearer rest, float64 [T] in IOD.

    What lies outside the rests, at the very ends of a clip, is part of something else.
    """
    level = rms(face - before.pose)
    if after is not None:
        level = np.minimum(level, rms(face - after.pose))
        level[after.stop :] = level[after.stop - 1]
    level[: before.start] = level[before.start]
    return level
