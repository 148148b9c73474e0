"""Frames of clips with stand-in labels of action units, and the F1 of each unit.

A dataset has no labels: stand-ins from MediaPipe's blendshapes take their place
(:mod:`fmdata.train.action_units.stand_ins`), so an F1 here is agreement with another network.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fmdata.catalog import Dataset
from fmdata.catalog.errors import DatasetError
from fmdata.train.action_units.stand_ins import BP4D, DISFA, au_stand_ins
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
        Stand-ins from blendshapes, 0 to 1; NaN for a unit without a stand-in.
    """

    images: Tensor
    landmarks: np.ndarray
    scores: np.ndarray

    def present(self, threshold: float) -> tuple[Tensor, Tensor]:
        """Return masks of the present and of the known units, bool [N, K] each."""
        scores = torch.from_numpy(self.scores)
        return scores > threshold, scores.isfinite()


def read_unit_frames(
    dataset: Dataset, subjects: Sequence[str], per_clip: int, size: int, units: Sequence[int]
) -> UnitFrames:
    """Read frames with a detected face, spread over every action clip of some subjects.

    Parameters
    ----------
    per_clip : int
        Maximum number of frames of a clip.
    size : int
        Side of an image, pixels.
    units : sequence of int
        The K action units.

    Raises
    ------
    DatasetError
        When the dataset has no blendshapes; one built with 68 landmarks has none.
    """
    images, landmarks, scores = [], [], []
    for clip in dataset.actions:
        if clip.subject not in subjects:
            continue
        chosen = spread_frames(np.flatnonzero(clip.column("detected")), per_clip)
        blendshapes = clip.blendshapes
        if len(blendshapes) == 0:
            raise DatasetError(
                f"no blendshapes for {clip.key}",
                wanted="blendshapes, which stand in for labels of action units",
                where=str(dataset.path),
                todo="build it with --landmarks litert",
            )
        images.append(images_of(clip.frames(chosen.tolist()), size, 3))
        landmarks.append(crop_landmarks(clip)[chosen])
        scores.append(au_stand_ins(blendshapes[chosen], units))
    return UnitFrames(
        torch.from_numpy(np.concatenate(images)), np.concatenate(landmarks), np.concatenate(scores)
    )


def f1_of_units(predicted: np.ndarray, true: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the F1 of each unit over the frames in which it is known.

    Parameters
    ----------
    predicted, true, known : bool [N, K]
        Predicted presence, true presence, and a mask of the frames where the truth is known.

    Returns
    -------
    float64 [K]
        NaN for a unit that is never present: its F1 is undefined.
    """
    hits = (predicted & true & known).sum(axis=0)
    n_predicted, n_true = (predicted & known).sum(axis=0), (true & known).sum(axis=0)
    return np.where(n_true > 0, 2 * hits / np.maximum(n_predicted + n_true, 1), np.nan)
