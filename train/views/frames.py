"""Frames of a clip for a network with an input of fixed length."""

import numpy as np

LATE_STARTS = 1 / 4, 1 / 3, 1 / 2


def sample_frames(n_frames: int, length: int, stride: int, start: int = 0) -> np.ndarray:
    """Return every `stride`-th frame number from `start`, the last repeated, int [length].

    SMaTE, section 4.2: 25 frames, stride 2 at 30 frames a second on CK+ and 3 on AFEW.
    """
    return np.minimum(start + stride * np.arange(length), n_frames - 1)


def late_start(apex: int, share: float) -> int:
    """Return the frame at a share of the way from the clip's start to its apex.

    SMaTE, section 2: CK+ runs from the neutral face to the apex; sequences that begin at a quarter,
    a third or half of the way show less of the neutral face, which identifies a person.
    """
    return int(apex * share)


def random_start(apex: int, generator: np.random.Generator) -> int:
    """Draw a clip's own start or one of the late ones, with equal probability."""
    return late_start(apex, generator.choice([0.0, *LATE_STARTS]))
