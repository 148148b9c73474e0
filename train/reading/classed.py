"""Frames of clips with their classes, read as small images of a fixed number."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fmdata.catalog.clip import ActionClip
from fmdata.train.data import images_of
from fmdata.train.views.frames import late_start, random_start, sample_frames
from fmdata.train.views.texture import planes_of


@dataclass(frozen=True)
class ClassedClip:
    """Frames of a clip, uint8 [K, T, C, S, S] from K starts; its class and subject.

    Attributes
    ----------
    frames : uint8 [K, T, C, S, S]
        Colour, texture or both.
    label : int
    subject : str
    is_copy : bool
        Whether it is trained on as an augmented copy.
    """

    frames: np.ndarray
    label: int
    subject: str
    is_copy: bool = False


@dataclass(frozen=True)
class ClipReader:
    """Reads the frames of clips that a network takes.

    Attributes
    ----------
    column : str
        Column of the actions that has the classes.
    classes : tuple of str
    frames, stride, side : int
        Number of frames, step between two of them, and side of an image in pixels.
    colours, planes : bool
        Read the crops, three channels; and the planes of their LBP maps, eight.
    late_starts : bool
        Begin clips to train on also on the way to the apex.
    copies : int
        Augmented copies beside each original, on average.
    shares : tuple of float
        Starts of clips to measure, as shares of the way to the apex.
    """

    column: str
    classes: tuple[str, ...]
    frames: int
    stride: int
    side: int
    colours: bool = True
    planes: bool = False
    late_starts: bool = False
    copies: int = 0
    shares: tuple[float, ...] = (0.0,)

    def __call__(self, clip: ActionClip) -> ClassedClip:
        """Read a clip from all starts."""
        return self._read(clip, [late_start(_apex(clip), share) for share in self.shares])

    def drawn(self, clip: ActionClip, rng: np.random.Generator) -> ClassedClip:
        """Read a clip to train on, from one start, as it is or as a copy."""
        start = random_start(_apex(clip), rng) if self.late_starts else 0
        return self._read(clip, [start], is_copy=bool(rng.integers(1 + self.copies)))

    def _read(
        self, clip: ActionClip, starts: Sequence[int], *, is_copy: bool = False
    ) -> ClassedClip:
        numbers = [sample_frames(clip.n_frames, self.frames, self.stride, at) for at in starts]
        distinct, places = np.unique(np.stack(numbers), return_inverse=True)
        parts = [images_of(clip.frames(distinct.tolist()), self.side, 3)] if self.colours else []
        parts += [planes_of(clip.lbp(distinct.tolist()), self.side)] if self.planes else []
        images = np.concatenate(parts, axis=1)
        label = self.classes.index(str(clip.row[self.column]))
        chosen = images[places.reshape(len(starts), self.frames)]
        return ClassedClip(chosen, label, clip.subject, is_copy)


def _apex(clip: ActionClip) -> int:
    """Return a clip's apex; its number of frames where it has no motion."""
    return clip.motion.apex if clip.motion else clip.n_frames
