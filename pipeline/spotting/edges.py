"""Edges of a motion: the first frame in which a rising displacement has begun to rise.

The displacement is one number a frame, a projection on the direction of the motion. It averages the
landmark jitter over the points, so no smoothing in time is needed, and a motion of three frames
keeps its edges. The same function finds the end of a fall, by reversing time, and the arrival at a
plateau, by reversing time and height.
"""

import numpy as np

RISE_S = 0.6  # longest time from the first movement to half the height
POWERS = np.array([1.0, 1.25, 1.5, 1.75, 2.0])  # from an abrupt rise to a soft one
CALM_SHARE = 0.15  # of the height; the rise proper is above
CALM_S = 0.4  # before the rise; the median of these frames is the level it starts from
MIN_CALM = 3  # in frames
STEP = 0.25  # of the grid of onset times, in frames
SEEN_SHARE = 0.006  # of the height; less movement than this is invisible
NOISE_IOD = 0.002  # of a face at rest, along one direction


def first_moving(
    along: np.ndarray,
    high: int,
    height: float,
    fps: float,
    leak: np.ndarray | None = None,
) -> int:
    """Find the first frame of a rise.

    From t0, where the face leaves rest, to th, where it has gone half way, the rise is modelled as
    a power of time, ((t - t0) / (th - t0)) ** p / 2. t0 and p are fitted by least absolute
    deviations, so that a slow drift before the rise has little weight.

    Parameters
    ----------
    along : float64 [T]
        Displacement along the direction of the motion; near 0 before the rise.
    high : int
        A frame after the rise has passed half its height.
    height : float
        Displacement at the end of the rise.
    fps : float
        Frames per second.
    leak : float64 [T], optional
        Displacement that a blink, say, may have caused; it reduces the weight of its frames.

    Returns
    -------
    int
        Between 0 and `high`.
    """
    calm = _calm(along, high, height, fps)
    along, height = along - calm, height - calm
    half = crossing(along, high, height / 2)
    begin, power = _fit_rise(along, half, height, fps, leak)
    hidden = (2 * SEEN_SHARE) ** (1 / power) * (half - begin)
    return int(np.clip(np.floor(begin + hidden) + 1, 0, high))


def _fit_rise(
    along: np.ndarray,
    half: float,
    height: float,
    fps: float,
    leak: np.ndarray | None,
) -> tuple[float, float]:
    """Fit t0 and p of a rise that passes half its height at the time `half`."""
    last = int(np.floor(half))
    earliest = max(0, last - round(RISE_S * fps))
    t = np.arange(earliest, last + 1)
    begin = half - np.arange(STEP, half - earliest + 1 + STEP, STEP)
    elapsed = np.maximum(0, (t - begin[:, None]) / (half - begin[:, None]))
    model = height / 2 * elapsed ** POWERS[:, None, None]
    trust = 1.0 if leak is None else 1 / (1 + leak[t] / NOISE_IOD)
    deviation = (trust * np.abs(model - along[t])).sum(-1)
    power, best = np.unravel_index(np.argmin(deviation), deviation.shape)
    return begin[best], POWERS[power]


def _calm(along: np.ndarray, high: int, height: float, fps: float) -> float:
    """Return the level just before the rise, because a face at rest drifts a little."""
    low = int(np.floor(crossing(along, high, CALM_SHARE * height)))
    before = along[max(0, low - round(CALM_S * fps)) : low]
    return float(np.median(before)) if len(before) >= MIN_CALM else 0.0


def crossing(along: np.ndarray, high: int, height: float) -> float:
    """Return the time of the last upward crossing of `height` up to the frame `high`; 0 if none."""
    above = high
    while above > 0 and along[above - 1] >= height:
        above -= 1
    if above == 0:
        return 0.0
    below, reached = along[above - 1], along[above]
    return above - 1 + float(np.clip((height - below) / max(reached - below, 1e-12), 0, 1))


def project(face: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """Project displacements, [T, D], on the direction of a pose, [D]; float64 [T]."""
    length = float(np.sqrt((pose**2).sum()))
    return (face @ pose) / max(length, 1e-12)
