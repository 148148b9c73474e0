"""Curves over the frames of a simulated recording."""

import numpy as np

_BLINK_S = (0.2, 0.32)  # length of a blink


def raised_cosine(x: np.ndarray) -> np.ndarray:
    """Return 0 for x ≤ 0, 1 for x ≥ 1, and half a period of a cosine between."""
    return 0.5 - 0.5 * np.cos(np.pi * np.clip(x, 0.0, 1.0))


def blinks(rng: np.random.Generator, n_frames: int, fps: float) -> np.ndarray:
    """Draw blinks: the closure of both lids in every frame, float64 [T], 0 to 1.

    A Poisson process with one blink in two seconds, independent of the motion.
    """
    closed = np.zeros(n_frames)
    for _ in range(rng.poisson(0.5 * n_frames / fps)):
        centre = rng.uniform(0, n_frames)
        closed = np.maximum(closed, blink(n_frames, centre, blink_half(rng, fps)))
    return closed


def blink_half(rng: np.random.Generator, fps: float) -> float:
    """Draw half the length of a blink, in frames."""
    return float(0.5 * fps * rng.uniform(*_BLINK_S))


def blink(n_frames: int, centre: float, half: float) -> np.ndarray:
    """Return the closure of both lids in one blink, float64 [T], 0 to 1."""
    # The curve is clipped at 1, so the lids stay shut for a moment.
    return raised_cosine(1.4 * (1 - np.abs(np.arange(n_frames) - centre) / half))


def there_and_back(n_frames: int, start: int, stop: int, ramp: int) -> np.ndarray:
    """Return 0 outside ``[start, stop)`` and 1 inside, with ramps of `ramp` frames, float64 [T]."""
    t = np.arange(n_frames)
    return raised_cosine(np.minimum(t - start + 1, stop - t) / (ramp + 1))
