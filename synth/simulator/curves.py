"""Timing of a simulated motion, and intensity curves that follow it exactly.

Promise: ``intensity(timing, peak)`` is zero outside ``[onset, offset)``, above zero inside, and
equal to `peak` from the apex until the release. So the timing is the ground truth.
"""

from dataclasses import dataclass

import numpy as np

FLASH_FRAMES = (3, 5)  # minimum and maximum length of a flash


@dataclass(frozen=True)
class Timing:
    """Key frames of one motion.

    Attributes
    ----------
    n_frames : int
        Length of the recording.
    onset : int
        First frame of the motion.
    apex : int
        First frame of the plateau.
    release : int
        First frame after the plateau.
    offset : int
        First frame after the motion. A held apex has ``release == offset == n_frames``.
    """

    n_frames: int
    onset: int
    apex: int
    release: int
    offset: int


def draw_timing(
    rng: np.random.Generator, fps: float, *, hold: bool, flash: bool = False, lead: bool = True
) -> Timing:
    """Draw the timing of one motion.

    Parameters
    ----------
    rng : numpy.random.Generator
        Random generator.
    fps : float
        Frames per second; all lengths are drawn in seconds.
    hold : bool
        Keep the apex until the last frame.
    flash : bool
        Make the motion 3 to 5 frames long at any frame rate.
    lead : bool
        Begin with neutral frames; otherwise the motion begins in the first frame.
    """

    def frames(low_s: float, high_s: float, minimum: int) -> int:
        return max(minimum, round(fps * rng.uniform(low_s, high_s)))

    before = frames(0.44, 0.62, 8)
    rise, plateau, fall = frames(0.24, 0.44, 2), frames(0.36, 0.6, 2), frames(0.28, 0.5, 2)
    after = frames(0.44, 0.6, 8)
    if flash:
        length = int(rng.integers(FLASH_FRAMES[0], FLASH_FRAMES[1] + 1))
        rise = fall = (length - 1) // 2
        plateau = length - rise - fall
        before, after = before * 2, after * 2  # the motion stays a small part of the clip
    if hold:
        plateau, fall, after = 2 * plateau + fall, 0, 0
    onset = before if lead else 0
    apex = onset + rise
    release = apex + plateau
    return Timing(release + fall + after, onset, apex, release, release + fall)


def intensity(timing: Timing, peak: float) -> np.ndarray:
    """Return the intensity of every frame, float64 [T], 0 (neutral) to `peak`.

    The rise and the fall are half periods of a cosine.
    """
    t = np.arange(timing.n_frames)
    rise = (t - timing.onset + 1) / (timing.apex - timing.onset + 1)
    fall = (timing.offset - t) / (timing.offset - timing.release + 1)
    held = timing.release == timing.n_frames
    curve = peak * raised_cosine(rise if held else np.minimum(rise, fall))
    curve[: timing.onset] = 0.0
    curve[timing.offset :] = 0.0
    return np.asarray(curve)


def raised_cosine(x: np.ndarray) -> np.ndarray:
    """Return 0 for x ≤ 0, 1 for x ≥ 1, and half a period of a cosine between."""
    return 0.5 - 0.5 * np.cos(np.pi * np.clip(x, 0.0, 1.0))


def blinks(rng: np.random.Generator, n_frames: int, fps: float) -> np.ndarray:
    """Draw blinks: the closure of both lids in every frame, float64 [T], 0 to 1.

    A Poisson process with one blink in two seconds, independent of the motion; each blink takes
    0.2 to 0.32 s.
    """
    closed = np.zeros(n_frames)
    t = np.arange(n_frames)
    for _ in range(rng.poisson(0.5 * n_frames / fps)):
        centre = rng.uniform(0, n_frames)
        half = 0.5 * fps * rng.uniform(0.2, 0.32)
        # The curve is clipped at 1, so the lids stay shut for a moment.
        closed = np.maximum(closed, raised_cosine(1.4 * (1 - np.abs(t - centre) / half)))
    return closed
