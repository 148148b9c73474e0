"""Frames of clips with their classes, read as small images of a fixed number."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fmdata.catalog.clip import ActionClip
from fmdata.train.data import images_of
from fmdata.train.views.frames import late_start, random_start, sample_frames


@dataclass(frozen=True)
class ClassedClip:
    """Frames of a clip, uint8 [K, T, 3, S, S] from K starts; its class and subject."""

    frames: np.ndarray
    label: int
    subject: str


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
    late_starts : bool
        Begin clips to train on also on the way to the apex.
    shares : tuple of float
        Starts of clips to measure, as shares of the way to the apex.
    """

    column: str
    classes: tuple[str, ...]
    frames: int
    stride: int
    side: int
    late_starts: bool
    shares: tuple[float, ...] = (0.0,)

    def __call__(self, clip: ActionClip) -> ClassedClip:
        """Read a clip from all starts."""
        return self._read(clip, [late_start(_apex(clip), share) for share in self.shares])

    def drawn(self, clip: ActionClip, rng: np.random.Generator) -> ClassedClip:
        """Read a clip to train on, from one start."""
        return self._read(clip, [random_start(_apex(clip), rng) if self.late_starts else 0])

    def _read(self, clip: ActionClip, starts: Sequence[int]) -> ClassedClip:
        numbers = [sample_frames(clip.n_frames, self.frames, self.stride, at) for at in starts]
        distinct, places = np.unique(np.stack(numbers), return_inverse=True)
        images = images_of(clip.frames(distinct.tolist()), self.side, 3)
        label = self.classes.index(str(clip.row[self.column]))
        chosen = images[places.reshape(len(starts), self.frames)]
        return ClassedClip(chosen, label, clip.subject)


def _apex(clip: ActionClip) -> int:
    """Return a clip's apex; its number of frames where it has no motion."""
    return clip.motion.apex if clip.motion else clip.n_frames
