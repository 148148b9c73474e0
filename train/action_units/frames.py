"""Frames of clips with the scores of their action units.

Without a file of labels, stand-ins from MediaPipe's blendshapes take their place
(:mod:`fmdata.train.action_units.stand_ins`): an F1 is then agreement with another network. What a
face scores at rest is subtracted, clip by clip; it says who the person is, not what the face does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fmdata.catalog import Dataset
from fmdata.catalog.clip import ActionClip
from fmdata.catalog.errors import DatasetError
from fmdata.train.action_units.stand_ins import BP4D, DISFA, au_stand_ins
from fmdata.train.action_units.truth import UnitTruth
from fmdata.train.data import crop_landmarks, images_of, spread_frames

UNITS = {"bp4d": BP4D, "disfa": DISFA}


@dataclass(frozen=True)
class UnitFrames:
    """N frames of some subjects.

    Attributes
    ----------
    images : Tensor uint8 [N, 3, S, S]
    landmarks : ndarray float32 [N, 68, 2]
        In crop sides, 0 to 1.
    scores : ndarray float32 [N, K]
        Labels, or stand-ins above rest; NaN where unknown.
    subjects : list of str
        Subject of each.
    """

    images: Tensor
    landmarks: np.ndarray
    scores: np.ndarray
    subjects: list[str]

    def present(self, threshold: float) -> tuple[Tensor, Tensor]:
        """Return masks of the present and of the known units, bool [N, K] each."""
        scores = torch.from_numpy(self.scores)
        return scores > threshold, scores.isfinite()


def read_unit_frames(
    dataset: Dataset,
    subjects: Sequence[str],
    per_clip: int,
    size: int,
    units: Sequence[int],
    truth: UnitTruth | None = None,
) -> UnitFrames:
    """Read frames with a detected face, from every action clip of some subjects.

    Half of a clip's frames are spread over its motion, half over the others.

    Parameters
    ----------
    per_clip : int
        Maximum number of frames of a clip.
    size : int
        Side of an image, pixels.
    units : sequence of int
        The K action units.
    truth : UnitTruth, optional
        Labels of the units; otherwise stand-ins above rest.

    Raises
    ------
    DatasetError
        When the dataset has no blendshapes to stand in, or `truth` no labels of a clip.
    """
    images, landmarks, scores, whose = [], [], [], []
    for clip in dataset.actions:
        if clip.subject not in subjects:
            continue
        chosen = _spread(clip, per_clip)
        images.append(images_of(clip.frames(chosen.tolist()), size, 3))
        landmarks.append(crop_landmarks(clip)[chosen])
        scores.append((truth.of(clip) if truth else stand_ins_above_rest(clip, units))[chosen])
        whose += [clip.subject] * len(chosen)
    pixels = torch.from_numpy(np.concatenate(images))
    return UnitFrames(pixels, np.concatenate(landmarks), np.concatenate(scores), whose)


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
