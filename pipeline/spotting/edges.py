"""The edge of a movement: the first frame in which a rising displacement has begun to rise.

The displacement is one number a frame, projected on the way the face goes: over so many points
the landmarks' jitter averages out, so nothing need be smoothed in time and a motion of three
frames keeps its edges. By mirroring time, and height, the same edge is the end of a fall, and the
arrival at a plateau.
"""

import numpy as np

RISE_S = 0.6  # longest time from the first movement to half the height
ABRUPT_TO_SOFT = np.array([1.0, 1.25, 1.5])
SOFTER = np.array([1.0, 1.25, 1.5, 1.75, 2.0])
CALM_SHARE = 0.15  # of the height; the rise proper is above
CALM_S = 0.4  # before it, whose level is where the rise starts from
LEAST_CALM = 3  # in frames
STEP = 0.25  # in frames
SEEN_SHARE = 0.006  # of the height; less than this is not seen to move
NOISE_IOD = 0.002  # of a face at rest, along one direction


def first_moving(
    along: np.ndarray,
    high: int,
    height: float,
    fps: float,
    leak: np.ndarray | None = None,
    powers: np.ndarray = ABRUPT_TO_SOFT,
) -> int:
    """Find the first frame of a rise.

    From the time the face leaves, t0, to the time it is half way, th, the rise is taken to be a
    power of time, ((t - t0) / (th - t0)) ** p / 2. The t0 and p that fit best, by least absolute
    differences so that a slow creeping before the rise counts for little, tell when it began.

    Parameters
    ----------
    along : float64 [T]
        Displacement along the way the face goes; near 0 before the rise.
    high : int
        A frame after the rise has passed half its height.
    height : float
        Where the rise arrives.
    fps : float
        Frames per second.
    leak : float64 [T], optional
        How far something else, a blink, say, may have moved the face; such frames count for less.
    powers : float64 [P]
        The shapes p to try.

    Returns
    -------
    int
        Between 0 and `high`.
    """
    calm = _calm(along, high, height, fps)
    along, height = along - calm, height - calm
    half = crossing(along, high, height / 2)
    last = int(np.floor(half))
    earliest = max(0, last - round(RISE_S * fps))
    t = np.arange(earliest, last + 1)
    begin = half - np.arange(STEP, half - earliest + 1 + STEP, STEP)
    elapsed = np.maximum(0, (t - begin[:, None]) / (half - begin[:, None]))
    model = height / 2 * elapsed ** powers[:, None, None]
    trust = 1.0 if leak is None else 1 / (1 + leak[t] / NOISE_IOD)
    fault = (trust * np.abs(model - along[t])).sum(-1)
    power, best = np.unravel_index(np.argmin(fault), fault.shape)
    hidden = (2 * SEEN_SHARE) ** (1 / powers[power]) * (half - begin[best])
    return int(np.clip(np.floor(begin[best] + hidden) + 1, 0, high))


def _calm(along: np.ndarray, high: int, height: float, fps: float) -> float:
    """Level of the frames just before the rise: a face at rest drifts a little."""
    low = int(np.floor(crossing(along, high, CALM_SHARE * height)))
    before = along[max(0, low - round(CALM_S * fps)) : low]
    return float(np.median(before)) if len(before) >= LEAST_CALM else 0.0


def crossing(along: np.ndarray, high: int, height: float) -> float:
    """Time of the last upward crossing of a height at or before the frame `high`; 0 if none."""
    above = high
    while above > 0 and along[above - 1] >= height:
        above -= 1
    if above == 0:
        return 0.0
    below, reached = along[above - 1], along[above]
    return above - 1 + float(np.clip((height - below) / max(reached - below, 1e-12), 0, 1))


def project(face: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """Length of displacements [T, D] along the way to `pose`, [D], float64 [T]."""
    length = float(np.sqrt((pose**2).sum()))
    return (face @ pose) / max(length, 1e-12)
