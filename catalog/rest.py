"""Rest: the frames beside a motion in which the face is seen and does not move.

Only these pad a compound. The build counts them (columns ``lead`` and ``trail``), the synthesis draws
from them, and ``verify`` checks both by the same rule.
"""

from dataclasses import replace

import numpy as np

from fmdata.catalog.types import Motion

TOLERANCE_IOD = 0.004  # landmark noise around a face at rest
REST_SHARE = 0.15  # of the amplitude; a face nearer than this to its rest is at rest


def at_rest(intensity: np.ndarray, detected: np.ndarray, amplitude_iod: float) -> np.ndarray:
    """Return the frames that show the face at rest, bool [T].

    Parameters
    ----------
    intensity : float [T]
        Distance of the face from rest, as stored: float32, in interocular distances.
    detected : bool [T]
        Frames in which the face was found.
    amplitude_iod : float
        Amplitude of the clip's motion.
    """
    level = np.asarray(intensity, np.float64)
    near: np.ndarray = level < max(TOLERANCE_IOD, REST_SHARE * amplitude_iod)
    return near & np.asarray(detected, bool)


def with_rest(motion: Motion, intensity: np.ndarray, detected: np.ndarray) -> Motion:
    """Return a motion with its frames at rest counted, by :func:`at_rest`.

    `lead` counts those that end at the onset without a gap, `trail` those that begin at the offset;
    a held apex has none.
    """
    resting = at_rest(intensity, detected, motion.amplitude_iod)
    lead = run_length(resting[: motion.onset][::-1])
    return replace(motion, lead=lead, trail=run_length(resting[motion.offset :]))


def tail_room(motion: Motion, detected: np.ndarray) -> int:
    """Return the number of frames that may follow the motion in a compound.

    After a ``return`` these are the frames at rest. After a ``hold`` they are the frames of the held
    apex, from :attr:`Motion.second_stop` on, up to the first that does not show the face.
    """
    if motion.style == "return":
        return motion.trail
    return run_length(np.asarray(detected, bool)[motion.second_stop : motion.offset])


def run_length(mask: np.ndarray) -> int:
    """Return the number of true values, bool [T], before the first false one.

    >>> run_length(np.array([True, True, False, True]))
    2
    """
    return len(mask) if mask.all() else int(np.argmin(mask))
