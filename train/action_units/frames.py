"""Frames of clips with the scores of their action units.

Without a file of labels, stand-ins from MediaPipe's blendshapes take their place
(:mod:`fmdata.train.action_units.stand_ins`): an F1 is then agreement with another network. What a
face scores at rest is subtracted, clip by clip; it says who the person is, not what the face does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fmdata.catalog.clip import ActionClip
from fmdata.catalog.errors import DatasetError
from fmdata.train.action_units.stand_ins import BP4D, DISFA, au_stand_ins
from fmdata.train.action_units.truth import UnitTruth
from fmdata.train.data import crop_landmarks, images_of, spread_frames

UNITS = {"bp4d": BP4D, "disfa": DISFA}


@dataclass(frozen=True)
class UnitReader:
    """Reads frames with a detected face: half of a clip's frames of its motion, half others.

    Attributes
    ----------
    per_clip, size : int
        Maximum number of frames; side of an image, pixels.
    units : tuple of int
        The K action units.
    truth : UnitTruth, optional
        Labels of the units; otherwise stand-ins above rest.
    """

    per_clip: int
    size: int
    units: tuple[int, ...]
    truth: UnitTruth | None = None

    def __call__(self, clip: ActionClip) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return images, uint8 [k, 3, S, S], landmarks, float [k, 68, 2], and :meth:`scores`.

        Landmarks are in crop sides, 0 to 1.
        """
        chosen = _spread(clip, self.per_clip)
        images = images_of(clip.frames(chosen.tolist()), self.size, 3)
        return images, crop_landmarks(clip)[chosen], self.scores(clip)

    def scores(self, clip: ActionClip) -> np.ndarray:
        """Return labels, or stand-ins above rest, float32 [k, K]; NaN where unknown.

        Raises
        ------
        DatasetError
            When the clip has no blendshapes to stand in, or `truth` no labels of it.
        """
        truth, units = self.truth, self.units
        scores = truth.of(clip) if truth else stand_ins_above_rest(clip, units)
        return scores[_spread(clip, self.per_clip)]


def present_units(scores: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Return masks of the present and of the known units of scores, bool [N, K] each."""
    return scores > threshold, np.isfinite(scores)


def stand_ins_above_rest(clip: ActionClip, units: Sequence[int]) -> np.ndarray:
    """Return stand-ins of the units above what the face scores at rest, float32 [T, K].

    Rest is the median of the frames before the onset; where there are none, the tenth percentile
    of the clip.

    Raises
    ------
    DatasetError
        When the dataset has no blendshapes; one built with 68 landmarks has none.
    """
    blendshapes = clip.blendshapes
    if len(blendshapes) == 0:
        raise DatasetError(
            f"no blendshapes for {clip.key}",
            wanted="blendshapes, which stand in for labels of action units",
            where=str(clip.shard.folder),
            todo="build it with --landmarks litert, or name a file of labels with --set truth",
        )
    scores = au_stand_ins(blendshapes, units)
    seen = clip.detected.astype(bool)
    before = seen & (np.arange(clip.n_frames) < (clip.motion.onset if clip.motion else 0))
    if before.any():
        rest = np.median(scores[before], axis=0)
    else:
        rest = np.quantile(scores[seen], 0.1, axis=0) if seen.any() else 0.0
    return np.asarray(scores - rest, np.float32)


def _spread(clip: ActionClip, n: int) -> np.ndarray:
    """Return up to `n` numbers of frames with a face: half of them of the motion, sorted."""
    seen = np.flatnonzero(clip.detected)
    if clip.motion is None:
        return spread_frames(seen, n)
    inside = (seen >= clip.motion.onset) & (seen < clip.motion.offset)
    moving, still = seen[inside], seen[~inside]
    n_moving = min(len(moving), max(n - n // 2, n - len(still)))
    # From the middle of equal parts: at its ends a motion hardly shows.
    middles = (np.arange(n_moving) + 0.5) * len(moving) / max(1, n_moving)
    parts = moving[middles.astype(int)], spread_frames(still, n - n_moving)
    return np.sort(np.concatenate(parts))
