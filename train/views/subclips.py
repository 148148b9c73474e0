"""Contrastive subclips: two clips from one that show different motions, and twins of each.

Sun et al. 2023, section 3.3 and figure 3. A view names frames of a clip, between which it is
interpolated, and a colour-distorted and blurred variant: a pure function of lengths and a
generator. No pixel is read.

The paper's twins hold the same frames, by which an untrained network finds nine of ten. So the T of
figure 3 may also differ in what two takes of a motion differ in: tempo, amplitude, and how much of
the rest is there at either end.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from torch import Tensor, from_numpy

MIN_SHARE = 0.5  # of a clip's frames that ragged ends leave


@dataclass(frozen=True)
class Variation:
    """Ranges in which the views of a clip differ; the defaults are the paper's padding alone.

    Attributes
    ----------
    variants : int
        Number of the clip's variants by colour and blur; at least two for twins.
    stride : int
        A view takes every `stride`-th frame, on average.
    padding, ragged : float
        Greatest number of the clip's frames by which a view is padded at either end, and by which
        it is cut there.
    tempo : float
        Greatest factor of the tempo, up and down.
    amplitude : float
        Greatest share by which the motion is larger or smaller.
    """

    variants: int = 1
    stride: int = 1
    padding: float = 0.0
    ragged: float = 0.0
    tempo: float = 1.0
    amplitude: float = 0.0


class View(NamedTuple):
    """A variant of a clip, at some moments, at some scale.

    Attributes
    ----------
    variant : int
        Number of the clip's variant.
    before, after : int [L]
        Frames of the clip beside each moment.
    share : float32 [L]
        Share of the frame after it, 0 to 1.
    scale : float
        Amplitude of the motion in units of the clip's.
    """

    variant: int
    before: np.ndarray
    after: np.ndarray
    share: np.ndarray
    scale: float

    def of(self, clip: Tensor, rest: Tensor) -> Tensor:
        """Return the view of a clip's features.

        Parameters
        ----------
        clip : Tensor float [R, T, m]
            Features of the clip's variants.
        rest : Tensor float [..., m]
            Features about which the motion is scaled.

        Returns
        -------
        Tensor float [L, m]
        """
        chosen, share = clip[self.variant], from_numpy(self.share)[:, None]
        taken = chosen[self.before].lerp(chosen[self.after], share)
        return rest + self.scale * (taken - rest)


def twin_views(
    n_frames: int, variation: Variation, generator: np.random.Generator, *, subclips: bool
) -> list[tuple[View, View]]:
    """Draw two views of a clip that show one motion: the T of figure 3, drawn twice.

    Parameters
    ----------
    n_frames : int
        Number of the clip's frames, at least two.
    variation : Variation
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
        one, other = generator.permutation(variation.variants)[:2]
        twins.append(
            (
                draw_view(part, int(one), variation, generator),
                draw_view(part, int(other), variation, generator),
            )
        )
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


def draw_view(
    part: np.ndarray, variant: int, variation: Variation, generator: np.random.Generator
) -> View:
    """Draw a view of some frames of a clip, int [n]: cut, re-timed, padded, and scaled."""
    cut = generator.uniform(0, variation.ragged, 2)
    tempo = variation.tempo ** generator.uniform(-1, 1)
    phase, scale = generator.uniform(0, 1), 1 + variation.amplitude * generator.uniform(-1, 1)
    pads = generator.integers(0, int(variation.padding / variation.stride) + 1, 2)
    last = len(part) - 1
    # Long cuts are shortened alike.
    cut *= min(1.0, (1 - MIN_SHARE) * last / max(1e-9, float(cut.sum())))
    step = variation.stride * tempo
    times = np.arange(cut[0] + phase * max(0.0, step - 1), last - cut[1] + 1e-6, step)
    times = np.pad(times if len(times) else np.array([last / 2]), pads, mode="edge")
    before = np.minimum(np.floor(times).astype(int), last)
    after = np.minimum(before + 1, last)
    share = (times - before).clip(0, 1).astype(np.float32)
    return View(variant, part[before], part[after], share, float(scale))
