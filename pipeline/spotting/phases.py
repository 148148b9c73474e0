"""Phases of a motion: the distance from rest in every frame, and the runs of frames in motion.

The frames furthest from rest are the core of the motion; phases near the core belong to the same
motion. Displacement that a blink or a rotation of the head may have caused is not a motion.
"""

from dataclasses import dataclass

import numpy as np

from fmdata.catalog.types import ArrayRepr
from fmdata.pipeline.geometry.timeseries import merged, runs_of, smooth
from fmdata.pipeline.spotting.directions import project_on_motion
from fmdata.pipeline.spotting.rest import Rest, amplitude, distance, find_rests, refined_rests

MIN_AMPLITUDE_IOD = 0.0092  # less is landmark noise
ROTATION_IOD_PER_DEG = 0.0007  # deformation that may remain, a degree of yaw or pitch
CORE_SHARE = 0.5  # of the amplitude
CORE_GAP_S = 0.1  # a dip in a core lasts no longer
PHASE_SHARE = 0.4  # of the amplitude; a further phase of the motion reaches this
PHASE_GAP_S = 0.5  # phases of one motion, such as syllables, are no further apart


@dataclass(frozen=True, repr=False)
class Phases(ArrayRepr):
    """Distance from rest, and phases of the motion of a clip.

    Attributes
    ----------
    face : float64 [T, R]
        Displacement along the directions of the motion, in IOD; not smoothed.
    before, after : Rest
        Rest at the beginning and at the end of the clip; None after a motion that is held.
    level : float64 [T]
        Distance from the nearer rest, in IOD; smoothed.
    runs : list of (int, int)
        Runs ``[start, stop)`` of frames far from rest that make up the motion; empty without one.
    """

    face: np.ndarray
    before: Rest
    after: Rest | None
    level: np.ndarray
    runs: list[tuple[int, int]]

    @property
    def course(self) -> np.ndarray:
        """Course of the motion, 0 at rest and 1 at its height, float64 [T]."""
        course: np.ndarray = np.clip(self.level / amplitude(self.level), 0.0, 1.0)
        return course


def find_phases(
    face: np.ndarray, blink: np.ndarray, rotation: np.ndarray, fps: float, *, known: bool = False
) -> Phases:
    """Find the phases of the motion in the displacement of a face.

    Parameters
    ----------
    face : float64 [T, D]
        Displacement, in interocular distances (IOD) over the landmarks' noise, as all that follows.
    blink : float64 [T]
        Displacement that a blink may have caused, in IOD.
    rotation : float64 [T, 2]
        Yaw and pitch of the head, in degrees.
    fps : float
        Frames per second.
    known : bool
        Whether there is known to be a motion; `MIN_AMPLITUDE_IOD` is then not asked for.
    """
    leak = blink + ROTATION_IOD_PER_DEG * np.linalg.norm(rotation, axis=1)
    face = project_on_motion(face, blink, fps)
    calm = smooth(face, fps)
    before, after = find_rests(calm, blink, fps)
    level = distance(calm, before, after)
    if known or _is_motion(level, leak):
        runs = _runs(level, leak, fps)
        core = runs[0][0], runs[-1][1]
        before, after = refined_rests(calm, before, after, core=core, fps=fps)
        level = distance(calm, before, after)
    found = known or _is_motion(level, leak)
    return Phases(face, before, after, level, _runs(level, leak, fps) if found else [])


def _is_motion(level: np.ndarray, leak: np.ndarray) -> bool:
    return amplitude(level - leak) >= MIN_AMPLITUDE_IOD


def _runs(level: np.ndarray, leak: np.ndarray, fps: float) -> list[tuple[int, int]]:
    """Find the runs ``[start, stop)`` of frames far from rest that make up one motion.

    A run that does not exceed the `leak` of blinks and head rotation is not a phase of its own.
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
