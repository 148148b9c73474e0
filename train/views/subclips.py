"""Contrastive subclips: two clips out of one that show different motions, and twins of each.

Sun et al. 2023, section 3.3 and figure 3. A view is an array of frame numbers into the clip, and
which of its colour-distorted and blurred variants to take them from: a pure function of lengths and
a generator. No pixel is touched.
"""

from typing import NamedTuple

import numpy as np


class View(NamedTuple):
    """Which of a clip's variants, and which of its frames, int [L]."""

    variant: int
    frames: np.ndarray


def twin_views(
    n_frames: int, variants: int, padding: int, generator: np.random.Generator, *, subclips: bool
) -> list[tuple[View, View]]:
    """Two views of a clip that show one motion: the T of figure 3, drawn twice.

    Parameters
    ----------
    n_frames, variants : int
        Of the clip, and how many variants there are of it, two at least.
    padding : int
        The most frames by which a view is padded at either end.
    generator : numpy.random.Generator
    subclips : bool
        Give two views of A and two of B (the paper's SS+) in place of two of the clip (SS).

    Returns
    -------
    list of (View, View)
        Twins, never of one variant; different items are different clips.
    """
    parts = contrastive_subclips(n_frames, generator) if subclips else (np.arange(n_frames),)
    twins = []
    for part in parts:
        one, other = (
            View(int(variant), padded_in_time(part, padding, generator))
            for variant in generator.permutation(variants)[:2]
        )
        twins.append((one, other))
    return twins


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
