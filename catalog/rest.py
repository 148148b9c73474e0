"""Rest: the frames beside a motion in which the face is seen and does not move.

Only these pad a compound. The build counts them (columns ``lead`` and ``trail``), the synthesis
draws from them and may move the edges of a motion by a few frames, and ``verify`` checks all of it
by the same rules.
"""

from dataclasses import replace

import numpy as np

from fmdata.catalog.types import Motion

TOLERANCE_IOD = 0.004  # landmark noise around a face at rest
REST_SHARE = 0.15  # of the amplitude; a face nearer than this to its rest is at rest
EDGE_FRAMES = 5  # by which a smooth compound may move the end of its first, the start of its second
CORE_SHARE = 0.5  # of the amplitude; frames of a motion beyond it are in every compound


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


def second_stop(motion: Motion) -> int:
    """Return the end of a motion that comes second in a compound: the apex of a ``hold``.

    The held frames from there on are the compound's tail. At least one frame comes before.
    """
    return motion.offset if motion.style == "return" else max(motion.apex, motion.onset + 1)


def tail_room(motion: Motion, detected: np.ndarray) -> int:
    """Return the number of frames that may follow the motion in a compound.

    After a ``return`` these are the frames at rest. After a ``hold`` they are the frames of the
    held apex, from :func:`second_stop` on, up to the first that does not show the face.
    """
    if motion.style == "return":
        return motion.trail
    return run_length(np.asarray(detected, bool)[second_stop(motion) : motion.offset])


def first_stops(motion: Motion, intensity: np.ndarray) -> list[int]:
    """Return where a motion may end that comes first in a smooth compound, its offset first.

    Up to :data:`EDGE_FRAMES` frames at rest may follow, or as many may be left out: held ones, or
    those in which the face has come half way back.
    """
    after = range(1, min(EDGE_FRAMES, motion.trail) + 1)
    before = range(1, min(EDGE_FRAMES, motion.n_frames - 1) + 1)
    if motion.style == "return":
        left = np.asarray(intensity, np.float64)[motion.onset : motion.offset][::-1]
        before = before[: run_length(left < CORE_SHARE * motion.amplitude_iod)]
    return [motion.offset + shift for shift in (0, *after, *(-n for n in before))]


def second_starts(motion: Motion, intensity: np.ndarray) -> list[int]:
    """Return where a motion may begin that comes second in a smooth compound, its onset first.

    Up to :data:`EDGE_FRAMES` frames at rest may precede it, or as many may be left out in which the
    face has not come half way.
    """
    before = range(1, min(EDGE_FRAMES, motion.lead) + 1)
    after = range(1, min(EDGE_FRAMES, second_stop(motion) - 1 - motion.onset) + 1)
    left = np.asarray(intensity, np.float64)[motion.onset : second_stop(motion)]
    after = after[: run_length(left < CORE_SHARE * motion.amplitude_iod)]
    return [motion.onset + shift for shift in (0, *(-n for n in before), *after)]


def run_length(mask: np.ndarray) -> int:
    """Return the number of true values, bool [T], before the first false one.

    >>> run_length(np.array([True, True, False, True]))
    2
    """
    return len(mask) if mask.all() else int(np.argmin(mask))
