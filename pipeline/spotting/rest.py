"""The face at rest: its pose at the beginning and at the end of a clip, and held apexes.

A face need not return to the pose it left, so each end of the clip has a rest of its own. Poses are
displacements as :func:`fmdata.pipeline.spotting.displacement.displacement` returns them.
"""

from dataclasses import dataclass

import numpy as np

from fmdata.catalog.printable import ArrayRepr
from fmdata.catalog.rest import REST_SHARE, TOLERANCE_IOD
from fmdata.pipeline.geometry.timeseries import merged, runs_of, window_frames

REST_SEARCH_S = 0.1  # a recording may begin with the end of another motion
REST_WINDOW_S = 0.12  # shortest rest
REST_GAP_S = 0.15  # a twitch this short does not end a rest
SETTLE_S = 0.3  # shortest time at rest that a rest pose is refined on
DIP_S = 0.08  # a return for no longer than this is not a return
FALSE_STARTS = 1  # returns of a face before it holds its apex
RETURN_SHARE = 0.5  # of the largest displacement; nearer than this to a rest is a return


@dataclass(frozen=True, repr=False)
class Rest(ArrayRepr):
    """A face at rest: its pose, float64 [D], over the frames ``[start, stop)``."""

    pose: np.ndarray
    start: int
    stop: int


def rms(face: np.ndarray) -> np.ndarray:
    """Return the size of displacements [..., D] in IOD; their weights make the sum a mean."""
    return np.sqrt((face**2).sum(-1))


def amplitude(level: np.ndarray) -> float:
    """Return the largest displacement that lasts two frames; one frame may be an outlier."""
    return float(np.minimum(level[1:], level[:-1]).max()) if len(level) > 1 else 0.0


def find_rests(face: np.ndarray, blink: np.ndarray, fps: float) -> tuple[Rest, Rest | None]:
    """Find the rests before and after the motion; None after it when the apex is held.

    Parameters
    ----------
    face : float64 [T, D]
        Displacement, smoothed.
    blink : float64 [T]
        Displacement that a blink may have caused, in IOD.
    fps : float
        Frames per second.
    """
    n = len(face)
    before, mirrored = first_rest(face, fps), first_rest(face[::-1], fps)
    after = Rest(mirrored.pose, n - mirrored.stop, n - mirrored.start)
    return before, None if is_held(face, blink, before, after, fps) else after


def first_rest(face: np.ndarray, fps: float) -> Rest:
    """Find the rest at the beginning of a clip; a single frame if the clip begins in motion."""
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
    for _ in range(2):  # the second time with a pose that does not depend on a few frames
        level = rms(face - pose)
        near = level < max(TOLERANCE_IOD, REST_SHARE * amplitude(level))
        near[first : first + width] = True
        runs = merged(runs_of(near), round(REST_GAP_S * fps))
        stop = next(end for start, end in runs if start <= first < end)
        pose = np.median(face[first:stop], axis=0)
    return Rest(pose, first, stop)


def is_held(face: np.ndarray, blink: np.ndarray, before: Rest, after: Rest, fps: float) -> bool:
    """Check whether the clip ends in a held apex, not in a new rest.

    Both are away from the first rest. A face that holds its apex leaves that rest once, or twice
    after a false start; in speech, say, it leaves and returns often before its last pose.
    """
    level = rms(face - before.pose)
    gap = float(rms(after.pose - before.pose))
    if gap < RETURN_SHARE * amplitude(level):
        return False
    gone = merged(runs_of(level > RETURN_SHARE * gap), round(DIP_S * fps))
    sure = [run for run in gone if (level - blink)[slice(*run)].max() > RETURN_SHARE * gap]
    return len(sure) <= FALSE_STARTS + 1


def refined_rests(
    face: np.ndarray, before: Rest, after: Rest | None, core: tuple[int, int], fps: float
) -> tuple[Rest, Rest | None]:
    """Compute the rest poses from all frames near rest outside a motion's core ``[start, stop)``.

    The first frames of a clip may be a blink. A rest keeps its pose if there are fewer than
    `SETTLE_S` of such frames, because those would be part of the rise.
    """
    level = distance(face, before, after)
    near = np.flatnonzero(level < RETURN_SHARE * amplitude(level))
    least = max(2, round(SETTLE_S * fps))

    def pose_of(frames: np.ndarray, rest: Rest) -> np.ndarray:
        return rest.pose if len(frames) < least else np.median(face[frames], axis=0)

    first = Rest(pose_of(near[near < core[0]], before), before.start, core[0])
    if after is None:
        return first, None
    return first, Rest(pose_of(near[near >= core[1]], after), core[1], after.stop)


def distance(face: np.ndarray, before: Rest, after: Rest | None) -> np.ndarray:
    """Return the distance of the face from the nearer rest, float64 [T] in IOD.

    Frames before the first rest and after the last one belong to another motion; they repeat the
    distance of the nearest frame of a rest.
    """
    level = rms(face - before.pose)
    if after is not None:
        level = np.minimum(level, rms(face - after.pose))
        level[after.stop :] = level[after.stop - 1]
    level[: before.start] = level[before.start]
    return level
