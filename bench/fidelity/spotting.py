"""Measures of spotting: found motions against true ones. Pure functions of the two.

A recording in which no motion was found has no errors and an overlap of 0. Intervals are
half-open, so their lengths are those of the inclusive frame counts that MEGC uses.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fmdata.catalog.types import Motion
from fmdata.synth.simulator.script import Truth

EVENTS = ("onset", "apex", "offset")


@dataclass(frozen=True)
class Case:
    """One recording: what is true of it, and what was found.

    Attributes
    ----------
    truth : Truth
        Its `onset` is None where nothing moves, its `apex` and `release` where nobody knows them.
    motion : Motion or None
        None where no motion was found.
    flash : bool
        Whether the clip was flagged as a flash.
    """

    truth: Truth
    motion: Motion | None
    flash: bool = False

    @property
    def moves(self) -> bool:
        """Whether there is a motion to be found."""
        return self.truth.onset is not None


@dataclass(frozen=True)
class Error:
    """How far the found frames of one event are from the true ones; NaN where none was found.

    Attributes
    ----------
    median : float
        Signed, frames; negative is early.
    mean_absolute, mean_absolute_ms : float
        In frames and milliseconds.
    """

    median: float
    mean_absolute: float
    mean_absolute_ms: float


@dataclass(frozen=True)
class Score:
    """What a row has come to. Shares are 0 to 1; NaN where there is nothing to take a share of.

    Attributes
    ----------
    n : int
        Recordings.
    onset, apex, offset : Error
        Over the motions found.
    iou : float
        Mean intersection over union, a miss counting 0.
    iou_half, iou_most : float
        Share of the true motions that were found with at least 0.5, and 0.8.
    style, plateau : float
        Share of the motions found whose style is right; whose apex lies in the true plateau, from
        the first frame at full intensity to the last.
    near_plateau : float
        The same, a frame beside it allowed.
    flash : float
        Share of the true motions that were found and flagged as a flash.
    missed : float
        Share of the true motions of which not one frame was found.
    false_alarms : float
        Share of the recordings where a motion was found that shares no frame with a true one.
    """

    n: int
    onset: Error
    apex: Error
    offset: Error
    iou: float
    iou_half: float
    iou_most: float
    style: float
    plateau: float
    near_plateau: float
    flash: float
    missed: float
    false_alarms: float


def score(cases: Sequence[Case]) -> Score:
    """Measure a row."""
    moving = [case for case in cases if case.moves]
    found = [case for case in moving if case.motion is not None]
    ious = np.array([iou(case) for case in moving])
    return Score(
        n=len(cases),
        onset=error(found, "onset"),
        apex=error(found, "apex"),
        offset=error(found, "offset"),
        iou=_mean(ious),
        iou_half=_mean(ious >= 0.5),
        iou_most=_mean(ious >= 0.8),
        style=_mean([c.motion is not None and c.motion.style == c.truth.style for c in found]),
        plateau=_mean([beside_plateau(case) == 0 for case in found]),
        near_plateau=_mean([beside_plateau(case) <= 1 for case in found]),
        flash=_mean([iou(case) > 0 and case.flash for case in moving]),
        missed=_mean(ious == 0),
        false_alarms=_mean([case.motion is not None and iou(case) == 0 for case in cases]),
    )


def error(found: Sequence[Case], event: str) -> Error:
    """Measure one of `EVENTS` over cases in which a motion was found."""
    known = [case for case in found if getattr(case.truth, event) is not None]
    if not known:
        return Error(np.nan, np.nan, np.nan)
    frames = np.array([getattr(c.motion, event) - getattr(c.truth, event) for c in known])
    ms = 1000 * frames / np.array([case.truth.fps for case in known])
    return Error(float(np.median(frames)), float(np.abs(frames).mean()), float(np.abs(ms).mean()))


def iou(case: Case) -> float:
    """Frames in both the found and the true motion over frames in either, 0 to 1."""
    truth, motion = case.truth, case.motion
    if motion is None or truth.onset is None or truth.offset is None:
        return 0.0
    both = min(motion.offset, truth.offset) - max(motion.onset, truth.onset)
    either = motion.n_frames + truth.offset - truth.onset - max(both, 0)
    return max(both, 0) / either


def beside_plateau(case: Case) -> float:
    """How many frames the found apex lies outside the true plateau; NaN where that is unknown."""
    truth, motion = case.truth, case.motion
    if motion is None or truth.apex is None or truth.release is None:
        return np.nan
    return max(truth.apex - motion.apex, motion.apex - (truth.release - 1), 0)


def _mean(values: Sequence[bool] | np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else np.nan
