"""A look at a clip: how far the face is from rest in every frame, and where it moves.

The frames furthest from rest are the motion's core; phases that lie near it are part of the same
motion. What a blink or a turn of the head may have done is no motion.
"""

from dataclasses import dataclass

import numpy as np

from fmdata.catalog.types import ArrayRepr
from fmdata.pipeline.geometry.timeseries import merged, runs_of, smooth
from fmdata.pipeline.spotting.directions import along_motion
from fmdata.pipeline.spotting.rest import Rest, amplitude, away, rests, settled

LEAST_AMPLITUDE_IOD = 0.0092  # less than this is landmark noise, not a motion
HEAD_RESPONSE = 0.0007  # IOD by which a degree of yaw or pitch may deform the mesh
CORE_SHARE = 0.5  # of the amplitude
CORE_GAP_S = 0.1  # a core may dip for this long
PHASE_SHARE = 0.4  # of the amplitude; a further phase of one motion reaches this
PHASE_GAP_S = 0.5  # phases of one motion, such as syllables, are no further apart


@dataclass(frozen=True, repr=False)
class Look(ArrayRepr):
    """What one look at a clip shows.

    Attributes
    ----------
    face : float64 [T, R]
        How far the face is along its motion's directions, in IOD; not smoothed.
    before, after : Rest
        The rests that the clip begins and ends in; None after a motion that is held to the end.
    level : float64 [T]
        How far the face is from the nearer rest, in IOD; smoothed.
    phases : list of (int, int)
        Runs ``[start, stop)`` of frames far from rest that make up the motion; none without one.
    """

    face: np.ndarray
    before: Rest
    after: Rest | None
    level: np.ndarray
    phases: list[tuple[int, int]]

    @property
    def course(self) -> np.ndarray:
        """The motion's course, 0 at rest and 1 at its height, float64 [T]."""
        course: np.ndarray = np.clip(self.level / amplitude(self.level), 0.0, 1.0)
        return course


def look_at(
    face: np.ndarray, blink: np.ndarray, turned: np.ndarray, fps: float, *, moves: bool = False
) -> Look:
    """Look at a face whose head is still.

    Parameters
    ----------
    face : float64 [T, D]
        Displacement, in interocular distances; this and what follows over the landmarks' noise.
    blink : float64 [T]
        How far a blink may have moved it, in IOD.
    turned : float64 [T, 2]
        Yaw and pitch of the head, in degrees.
    fps : float
        Frames per second.
    moves : bool
        Whether an earlier look has shown that there is a motion.
    """
    leak = blink + HEAD_RESPONSE * np.linalg.norm(turned, axis=1)
    face = along_motion(face, blink, fps)
    calm = smooth(face, fps)
    before, after = rests(calm, blink, fps)
    level = away(calm, before, after)
    if moves or _is_motion(level, leak):
        phases = _phases(level, leak, fps)
        core = phases[0][0], phases[-1][1]
        before, after = settled(calm, before, after, core=core, fps=fps)
        level = away(calm, before, after)
    found = moves or _is_motion(level, leak)
    return Look(face, before, after, level, _phases(level, leak, fps) if found else [])


def _is_motion(level: np.ndarray, leak: np.ndarray) -> bool:
    return amplitude(level - leak) >= LEAST_AMPLITUDE_IOD


def _phases(level: np.ndarray, leak: np.ndarray, fps: float) -> list[tuple[int, int]]:
    """Find the runs ``[start, stop)`` of frames far from rest that make up one motion.

    What is no more than the `leak` of a blink or a turn of the head is no phase of its own.
    """
    size, sure = amplitude(level), level - leak
    cores = merged(runs_of(level > CORE_SHARE * size), round(CORE_GAP_S * fps))
    core = max(cores, key=lambda run: sure[run[0] : run[1]].sum())
    least = max(PHASE_SHARE * size, LEAST_AMPLITUDE_IOD)
    far = merged(runs_of(level > least), round(CORE_GAP_S * fps))
    far = [run for run in far if sure[run[0] : run[1]].max() > least]
    whole = merged(far, round(PHASE_GAP_S * fps))
    start, stop = next((run for run in whole if run[0] <= core[0] < run[1]), core)
    return [run for run in far if start <= run[0] < stop] or [core]
