"""Frames of clips with stand-in labels of action units, and the F1 of each unit.

A dataset has no labels: stand-ins from MediaPipe's blendshapes take their place
(:mod:`fmdata.train.action_units.stand_ins`), so an F1 here is agreement with another network.
"""

from dataclasses import dataclass

import numpy as np

from fmdata.catalog.clip import ActionClip
from fmdata.catalog.errors import DatasetError
from fmdata.train.action_units.stand_ins import BP4D, DISFA, au_stand_ins
from fmdata.train.data import crop_landmarks, images_of, spread_frames

UNITS = {"bp4d": BP4D, "disfa": DISFA}


@dataclass(frozen=True)
class UnitReader:
    """Reads frames with a detected face, spread over a clip.

    Attributes
    ----------
    per_clip, size : int
        Maximum number of frames; side of an image, pixels.
    units : tuple of int
        The K action units.
    """

    per_clip: int
    size: int
    units: tuple[int, ...]

    def __call__(self, clip: ActionClip) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return images, uint8 [k, 3, S, S], landmarks, float [k, 68, 2], and :meth:`scores`.

        Landmarks are in crop sides, 0 to 1.
        """
        chosen = self._chosen(clip)
        images = images_of(clip.frames(chosen.tolist()), self.size, 3)
        return images, crop_landmarks(clip)[chosen], self.scores(clip)

    def scores(self, clip: ActionClip) -> np.ndarray:
        """Return stand-ins from blendshapes, float32 [k, K], 0 to 1; NaN without a stand-in.

        Raises
        ------
        DatasetError
            When the clip has no blendshapes; one built with 68 landmarks has none.
        """
        blendshapes = clip.blendshapes
        if len(blendshapes) == 0:
            raise DatasetError(
                f"no blendshapes for {clip.key}",
                wanted="blendshapes, which stand in for labels of action units",
                where=str(clip.shard.folder),
                todo="build it with --landmarks litert",
            )
        return au_stand_ins(blendshapes[self._chosen(clip)], self.units)

    def _chosen(self, clip: ActionClip) -> np.ndarray:
        return spread_frames(np.flatnonzero(clip.column("detected")), self.per_clip)


def present_units(scores: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Return masks of the present and of the known units of scores, bool [N, K] each."""
    return scores > threshold, np.isfinite(scores)


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
