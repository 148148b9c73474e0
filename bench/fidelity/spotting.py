"""Measures of spotting: pure functions of found and true motions.

A recording without a found motion has no errors and an IoU of 0. An onset between the first change
and the main rise of a slow motion has an error of 0. Intervals are half-open, so their lengths
equal the inclusive frame counts of MEGC.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fmdata.catalog.given import overlap
from fmdata.catalog.types import Motion
from fmdata.synth.simulator.script import Truth

EVENTS = ("onset", "apex", "offset")
NEAR = 2  # frames


@dataclass(frozen=True)
class Case:
    """One recording: its ground truth and the found motion.

    Attributes
    ----------
    truth : Truth
        `onset` is None for a still face; `apex` and `release` are None where unknown.
    motion : Motion or None
        None if no motion was found.
    flash : bool
        True if the clip was flagged as a flash.
    offset : float or None
        The true offset where it is the mean of several marks; None for that of `truth`.
    """

    truth: Truth
    motion: Motion | None
    flash: bool = False
    offset: float | None = None

    @property
    def moves(self) -> bool:
        """True unless the face is still."""
        return self.truth.onset is not None

    def true_span(self, event: str) -> tuple[float, float] | None:
        """Return the first and the last frame that is right for an event; None where unknown.

        A slow motion has no exact onset: it is right from the first change to the main rise.
        """
        if event == "offset" and self.offset is not None:
            return self.offset, self.offset
        first: int | None = getattr(self.truth, event)
        if first is None:
            return None
        rise = self.truth.rise if event == "onset" else None
        return first, first if rise is None else rise

    def error(self, event: str) -> float | None:
        """Return the signed error of the found event in frames, negative if early."""
        span = self.true_span(event)
        if self.motion is None or span is None:
            return None
        found = getattr(self.motion, event)
        return float(found - min(max(found, span[0]), span[1]))


@dataclass(frozen=True)
class Error:
    """Differences of found and true frames of one event; NaN if no motion was found.

    Attributes
    ----------
    median : float
        Median signed difference in frames; negative is early.
    mean_absolute, mean_absolute_ms : float
        Mean absolute difference in frames and in milliseconds.
    worst : float
        Largest absolute difference in frames.
    """

    median: float
    mean_absolute: float
    mean_absolute_ms: float
    worst: float


@dataclass(frozen=True)
class Score:
    """Measures of a row. Shares are 0 to 1; NaN for a share of nothing.

    Attributes
    ----------
    n : int
        Number of recordings.
    near_onset : float
        Share of the true motions whose onset was found within `NEAR` frames.
    onset, apex, offset : Error
        Errors over the found motions.
    iou : float
        Mean intersection over union; a missed motion counts 0.
    iou_50, iou_80 : float
        Share of the true motions with an IoU of at least 0.5, and 0.8.
    style : float
        Share of the found motions with the right style.
    plateau : float
        Share of the found motions whose apex lies in the true plateau, from the first to the last
        frame at full intensity.
    near_plateau : float
        The same with a tolerance of one frame.
    flash : float
        Share of the true motions that were found and flagged as a flash.
    missed : float
        Share of the true motions without any found frame.
    false_alarms : float
        Share of the recordings with a found motion that has no frame in common with a true one.
    """

    n: int
    near_onset: float
    onset: Error
    apex: Error
    offset: Error
    iou: float
    iou_50: float
    iou_80: float
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
        near_onset=_mean([(e := c.error("onset")) is not None and abs(e) <= NEAR for c in moving]),
        onset=error(found, "onset"),
        apex=error(found, "apex"),
        offset=error(found, "offset"),
        iou=_mean(ious),
        iou_50=_mean(ious >= 0.5),
        iou_80=_mean(ious >= 0.8),
        style=_mean([c.motion is not None and c.motion.style == c.truth.style for c in found]),
        plateau=_mean([beside_plateau(case) == 0 for case in found]),
        near_plateau=_mean([beside_plateau(case) <= 1 for case in found]),
        flash=_mean([iou(case) > 0 and case.flash for case in moving]),
        missed=_mean(ious == 0),
        false_alarms=_mean([case.motion is not None and iou(case) == 0 for case in cases]),
    )


def error(cases: Sequence[Case], event: str) -> Error:
    """Measure one of `EVENTS` over the cases in which it was found and is known."""
    known = [(e, case) for case in cases if (e := case.error(event)) is not None]
    if not known:
        return Error(np.nan, np.nan, np.nan, np.nan)
    frames = np.array([e for e, _ in known])
    size = np.abs(frames)
    ms = 1000 * size / np.array([case.truth.fps for _, case in known])
    return Error(float(np.median(frames)), float(size.mean()), float(ms.mean()), float(size.max()))


def iou(case: Case) -> float:
    """Return the intersection over union of the found and the true motion, 0 to 1."""
    truth, motion = case.truth, case.motion
    if motion is None or truth.onset is None or truth.offset is None:
        return 0.0
    return float(overlap.iou(motion.onset, motion.offset, truth.onset, truth.offset))


def beside_plateau(case: Case) -> float:
    """Return the distance of the found apex from the true plateau, in frames; NaN if unknown."""
    truth, motion = case.truth, case.motion
    if motion is None or truth.apex is None or truth.release is None:
        return np.nan
    return max(truth.apex - motion.apex, motion.apex - (truth.release - 1), 0)


def _mean(values: Sequence[bool] | np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else np.nan
