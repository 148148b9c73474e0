"""Frames of clips for the extractors: images, landmarks and expressions."""

from dataclasses import dataclass

import numpy as np

from fmdata.catalog.clip import ActionClip
from fmdata.train.data import crop_landmarks, images_of, spread_frames

PLATEAU = 0.7  # share of the peak intensity from which a frame shows the expression


@dataclass(frozen=True)
class FaceReader:
    """Reads frames with a detected face, spread over a clip.

    Attributes
    ----------
    size, channels, frames : int
        Side and channels of an image; frames of a clip, at most.
    names : tuple of str
        The classes, neutral first; none for landmarks, which take every frame with a face.
    column : str
        Column of the actions that has the classes.
    actions : frozenset of str
        Classes that training subjects show.
    """

    size: int
    channels: int
    frames: int
    names: tuple[str, ...] = ()
    column: str = "action"
    actions: frozenset[str] = frozenset()

    def __call__(self, clip: ActionClip) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return images, uint8 [k, C, S, S], landmarks, float [k, 68, 2], and classes, int [k]."""
        chosen, labels = self._chosen(clip)
        images = images_of(clip.frames(chosen.tolist()), self.size, self.channels)
        return images, crop_landmarks(clip)[chosen], labels[chosen]

    def points(self, clip: ActionClip) -> np.ndarray:
        """Return the landmarks of the same frames, float [k, 68, 2], without their pixels."""
        return crop_landmarks(clip)[self._chosen(clip)[0]]

    def _chosen(self, clip: ActionClip) -> tuple[np.ndarray, np.ndarray]:
        """Return the chosen frames, int [k], and the class of every frame, int [T]."""
        usable = clip.column("detected").astype(bool)
        labels = np.zeros(len(usable), np.int64)
        if self.names:
            # Frames between neutral and the plateau belong to neither class.
            intensity, action = clip.intensity, str(clip.row[self.column])
            shown = intensity >= PLATEAU * intensity.max()
            # A clip without a motion may hold a missed one; an action that no training subject
            # shows is no class.
            if clip.motion is None or action not in self.actions:
                usable[:] = False
            else:
                onset = clip.motion.onset
                usable &= (np.arange(len(usable)) < onset) | shown
                labels[onset:] = self.names.index(action)
        return spread_frames(np.flatnonzero(usable), self.frames), labels
