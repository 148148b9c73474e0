"""Phases of a motion: the distance from rest in every frame, and the runs of frames in motion.

The frames furthest from rest are the core of the motion; phases near the core belong to the same
motion. Displacement that a blink may have caused is not a motion.
"""

from dataclasses import dataclass

import numpy as np

from fmdata.catalog.printable import ArrayRepr
from fmdata.pipeline.geometry.timeseries import merged, runs_of, smooth
from fmdata.pipeline.spotting.directions import motion_directions
from fmdata.pipeline.spotting.rest import Rest, amplitude, distance, find_rests, refined_rests

MIN_AMPLITUDE_IOD = 0.0092  # less is landmark noise
CORE_SHARE = 0.5  # of the amplitude
CORE_GAP_S = 0.1  # a dip in a core lasts no longer
PHASE_SHARE = 0.4  # of the amplitude; a further phase of the motion reaches this
PHASE_GAP_S = 0.5  # phases of one motion, such as syllables, are no further apart


@dataclass(frozen=True, repr=False)
class Phases(ArrayRepr):
    """Distance from rest, and phases of the motion of a clip.

    Attributes
    ----------
    axes : float64 [D, R]
        Directions of the motion.
    face : float64 [T, R]
        Displacement along the directions, in IOD; not smoothed.
    before, after : Rest
        Rest at the beginning and at the end of the clip; None after a motion that is held.
    level : float64 [T]
        Distance from the nearer rest, in IOD; smoothed.
    runs : list of (int, int)
        Runs ``[start, stop)`` of frames far from rest that make up the motion; empty without one.
    """

    axes: np.ndarray
    face: np.ndarray
    before: Rest
    after: Rest | None
    level: np.ndarray
    runs: list[tuple[int, int]]


def find_phases(face: np.ndarray, leak: np.ndarray, fps: float) -> Phases:
    """Find the phases of the motion in the displacement of a face.

    Parameters
    ----------
    face : float64 [T, D]
        Displacement, in interocular distances (IOD) over the landmarks' noise, as all that follows.
    leak : float64 [T]
        Displacement that a blink may have caused, in IOD.
    fps : float
        Frames per second.
    """
    axes = motion_directions(face, leak, fps)
    face = face @ axes
    calm = smooth(face, fps)
    before, after = find_rests(calm, leak, fps)
    level = distance(calm, before, after)
    if _is_motion(level, leak):
        runs = _runs(level, leak, fps)
        core = runs[0][0], runs[-1][1]
        before, after = refined_rests(calm, before, after, core=core, fps=fps)
        level = distance(calm, before, after)
    runs = _runs(level, leak, fps) if _is_motion(level, leak) else []
    return Phases(axes, face, before, after, level, runs)


def _is_motion(level: np.ndarray, leak: np.ndarray) -> bool:
    return amplitude(level - leak) >= MIN_AMPLITUDE_IOD


def _runs(level: np.ndarray, leak: np.ndarray, fps: float) -> list[tuple[int, int]]:
    """Find the runs ``[start, stop)`` of frames far from rest that make up one motion.

    A run that does not exceed the `leak` of blinks is not a phase of its own.
    """
    size, sure = amplitude(level), level - leak
    cores = merged(runs_of(level > CORE_SHARE * size), round(CORE_GAP_S * fps))
    core = max(cores, key=lambda run: sure[run[0] : run[1]].sum())
    least = max(PHASE_SHARE * size, MIN_AMPLITUDE_IOD)
    far = merged(runs_of(level > least), round(CORE_GAP_S * fps))
    far = [run for run in far if sure[run[0] : run[1]].max() > least]
    whole = merged(far, round(PHASE_GAP_S * fps))
    start, stop = next((run for run in whole if run[0] <= core[0] < run[1]), core)
    return [run for run in far if start <= run[0] < stop] or [core]
