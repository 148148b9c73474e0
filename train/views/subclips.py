"""Contrastive subclips: two clips out of one that show different motions, and twins of each.

Sun et al. 2023, section 3.3 and figure 3. Everything is an array of frame numbers into the clip,
int [L], a pure function of a length and a generator; no pixel is touched.
"""

import numpy as np


def contrastive_subclips(
    n_frames: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw subclip A, half of a clip's frames in one piece, and B, what remains, joined.

    The significant frames lie in the middle, so that A and B seldom show the same motion; a
    compound's first motion may fall to the one and its second to the other.

    Parameters
    ----------
    n_frames : int
        Of the clip, two at least.
    generator : numpy.random.Generator

    Returns
    -------
    a : int [n_frames // 2]
    b : int [n_frames - n_frames // 2]
    """
    length = n_frames // 2
    start = int(generator.integers(0, n_frames - length + 1))
    frames = np.arange(n_frames)
    inside = (frames >= start) & (frames < start + length)
    return frames[inside], frames[~inside]


def padded_in_time(frames: np.ndarray, most: int, generator: np.random.Generator) -> np.ndarray:
    """Repeat a clip's first frame, and its last, each up to `most` times more; int [L']."""
    before, after = generator.integers(0, most + 1, 2)
    return np.pad(frames, (before, after), mode="edge")
