"""Contrastive subclips: two clips from one that show different motions, and twins of each.

Sun et al. 2023, section 3.3 and figure 3. A view is an array of frame numbers and the number of a
colour-distorted and blurred variant of the clip: a pure function of lengths and a generator. No
pixel is read.
"""

from typing import NamedTuple

import numpy as np


class View(NamedTuple):
    """Number of a clip's variant, and frame numbers in it, int [L]."""

    variant: int
    frames: np.ndarray


def twin_views(
    n_frames: int, variants: int, padding: int, generator: np.random.Generator, *, subclips: bool
) -> list[tuple[View, View]]:
    """Draw two views of a clip that show one motion: the T of figure 3, drawn twice.

    Parameters
    ----------
    n_frames, variants : int
        Number of the clip's frames, and of its variants, at least two.
    padding : int
        Maximum number of frames by which a view is padded at either end.
    generator : numpy.random.Generator
    subclips : bool
        Return two views of A and two of B (the paper's SS+) instead of two of the clip (SS).

    Returns
    -------
    list of (View, View)
        Twins of two different variants; different items are different clips.
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
    """Draw subclip A, half of a clip's frames in one piece, and B, the joined remaining frames.

    The significant frames lie in the middle, so that A and B seldom show the same motion; one may
    hold a compound's first motion and the other its second.

    Parameters
    ----------
    n_frames : int
        Number of the clip's frames, at least two.
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


def padded_in_time(frames: np.ndarray, padding: int, generator: np.random.Generator) -> np.ndarray:
    """Repeat a clip's first and last frame, each up to `padding` more times; int [L']."""
    before, after = generator.integers(0, padding + 1, 2)
    return np.pad(frames, (before, after), mode="edge")
