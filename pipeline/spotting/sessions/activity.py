"""Activity of a face in a long recording: its distance from the rest around each moment.

A face drifts over minutes, and so does a camera, so there is no rest pose of a whole session. The
rest of a moment is the pose that the face has most often in the calmer half of the frames around
it: the mode, since a median may lie between two poses where a face moves in half of the frames.
"""

import numpy as np

from fmdata.catalog.types import Track
from fmdata.pipeline.geometry.timeseries import merged, runs_of, smooth
from fmdata.pipeline.spotting.rest import rms
from fmdata.pipeline.spotting.signal import measure
from fmdata.pipeline.spotting.spot import BLINK_REMAINDER

REACH_S, STEP_S = 10.0, 2.0  # frames on either side that give a rest; between two rests
CALM_S = 0.3  # window in which a calm face hardly changes
CALM_SHARE = 0.5  # of the frames, which are the calm ones
NEAR_IOD = 0.025  # distance of two poses that are alike
MAX_POSES = 125  # that are compared with one another
MIN_LEVEL_IOD = 0.014  # distance from rest of an active face, at least
NOISE_TIMES = 2.5  # the same, as a multiple of the usual distance of the calm frames
LOW_SHARE = 0.6  # of that distance, down to which an activity lasts
GAP_S = 0.22  # dip within one activity


def active_runs(track: Track, fps: float) -> list[tuple[int, int]]:
    """List the runs ``[start, stop)`` of frames in which a face is away from the rest around them.

    Parameters
    ----------
    track : Track
        The face in a part of a session.
    fps : float
        Frames per second.
    """
    signal = measure(track, fps, 1.0)
    face = smooth(signal.face, fps)
    calmness = _spread(face, round(CALM_S * fps / 2))
    level = rms(face - _rest(face, calmness, fps)) - BLINK_REMAINDER * signal.blink
    near = level < NEAR_IOD
    noise = float(np.median(level[near])) if near.any() else 0.0
    high = max(MIN_LEVEL_IOD, NOISE_TIMES * noise)
    runs = merged(runs_of(level > LOW_SHARE * high), round(GAP_S * fps))
    return [run for run in runs if level[slice(*run)].max() > high]


def _spread(face: np.ndarray, half: int) -> np.ndarray:
    """Return the standard deviation of the face, float [T, D], around each frame, in IOD."""
    n = len(face)
    sums = np.concatenate([np.zeros((1, face.shape[1])), np.cumsum(face, axis=0)])
    squares = np.concatenate([[0.0], np.cumsum((face**2).sum(axis=1))])
    start = np.clip(np.arange(n) - half, 0, n)
    stop = np.clip(np.arange(n) + half + 1, 0, n)
    size = stop - start
    mean = (sums[stop] - sums[start]) / size[:, None]
    spread: np.ndarray = (squares[stop] - squares[start]) / size - (mean**2).sum(axis=1)
    return np.sqrt(np.maximum(spread, 0.0))


def _rest(face: np.ndarray, calmness: np.ndarray, fps: float) -> np.ndarray:
    """Return the pose at rest around each frame, float64 [T, D]."""
    n, reach = len(face), REACH_S * fps
    anchors = np.arange(0, n - 1 + STEP_S * fps, STEP_S * fps)
    poses = []
    for at in anchors:
        near = slice(max(0, round(at - reach)), min(n, round(at + reach)) or 1)
        calm = calmness[near] <= np.quantile(calmness[near], CALM_SHARE)
        poses.append(_mode(face[near][calm]))
    columns = np.array(poses).T
    return np.stack([np.interp(np.arange(n), anchors, column) for column in columns], axis=1)


def _mode(poses: np.ndarray) -> np.ndarray:
    """Return the median of the poses, float [K, D], that are near the most usual one."""
    some = poses[:: -(-len(poses) // MAX_POSES)]
    squares = (some**2).sum(axis=1)
    apart = np.maximum(squares[:, None] + squares - 2 * some @ some.T, 0.0)
    usual = some[np.argmax(np.exp(-apart / NEAR_IOD**2).sum(axis=1))]
    near = rms(poses - usual) <= NEAR_IOD
    return np.asarray(np.median(poses[near], axis=0))
