"""Events near the boundaries of a motion: blinks, glances, and head motion in step with it.

None of them is part of the motion. Each is drawn by its own generator, so none changes another.
"""

from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter1d

from fmdata.synth.simulator.timing.course import Course
from fmdata.synth.simulator.timing.curves import blink, blink_half, there_and_back

_SACCADE_S = 0.05  # the gaze is quick
_GLANCE_S = (0.2, 0.5)
_EARLY_S = (0.1, 0.4)  # from a glance's start to the onset
_ASIDE_IOD, _DOWN_IOD = (0.05, 0.08), (0.04, 0.06)  # path of the iris
# The network sees about a quarter of this angle in a warped picture.
_FOLLOW_DEG, _FOLLOW_S = 8.0, 0.1  # largest rotation of the head after a glance, and its lag
_NOD_DEG = (8.0, 16.0)
_LAG_S, _INERTIA_S = 0.08, (0.04, 0.2)  # of the head against the face


class Event(NamedTuple):
    """Name of an event, for the table of the truth, and its curve over the frames."""

    name: str
    curve: np.ndarray


def boundary_blink(rng: np.random.Generator, course: Course, fps: float) -> Event:
    """Draw a blink that ends just before the onset, hides it, or hides the offset.

    The curve is the closure of both lids, float64 [T], 0 to 1. A held motion has no offset to hide.
    """
    half = blink_half(rng, fps)
    names = ("blink before", "blink at onset", "blink at offset")
    name = str(rng.choice(names if course.after else names[:2]))
    centre = {
        "blink before": course.onset - half - fps * rng.uniform(0.0, 0.1),
        "blink at onset": course.onset + half * rng.uniform(-0.6, 0.8),
        "blink at offset": course.offset + half * rng.uniform(-0.8, 0.6),
    }[name]
    return Event(name, blink(course.n_frames, centre, half))


def end_blink(rng: np.random.Generator, course: Course, fps: float) -> Event:
    """Draw a blink that hides the offset of the motion, or the end of a held one."""
    half = blink_half(rng, fps)
    centre = course.offset + half * rng.uniform(-0.6, 0.3)
    return Event("blink at end", blink(course.n_frames, centre, half))


def glance(rng: np.random.Generator, course: Course, fps: float) -> Event:
    """Draw a glance to a side or down, and back, that begins before the motion or during it.

    The curve is the displacement of both irises, right and down in the image, float64 [T, 2], in
    interocular distances.
    """
    name = str(rng.choice(["glance left", "glance right", "glance down"]))
    aside, down = rng.uniform(*_ASIDE_IOD), rng.uniform(*_DOWN_IOD)
    little = rng.uniform(-0.2, 0.2)
    # Left and right are the subject's own.
    path = {
        "glance left": (aside, little * aside),
        "glance right": (-aside, little * aside),
        "glance down": (little * down, down),
    }[name]
    early = course.onset - fps * rng.uniform(*_EARLY_S)
    length = max(3, round(fps * rng.uniform(*_GLANCE_S)))
    latest = max(course.onset + 1, min(course.release, course.n_frames - length))
    late = rng.uniform(course.onset, latest)
    start = max(0, round(early if rng.uniform() < 0.5 else late))
    ramp = max(1, round(_SACCADE_S * fps))
    along = there_and_back(course.n_frames, start, start + length, ramp)
    return Event(name, along[:, None] * np.array(path))


def follow(rng: np.random.Generator, gaze: np.ndarray, fps: float) -> np.ndarray:
    """Draw the rotation of a head that follows a glance a little way, a little later.

    Returns the yaw and the pitch to add, float64 [T, 2], in radians.
    """
    angle = np.radians(rng.uniform(0.0, _FOLLOW_DEG))
    lag = round(_FOLLOW_S * fps)
    late = np.concatenate([np.repeat(gaze[:1], lag, axis=0), gaze])[: len(gaze)]
    smooth = gaussian_filter1d(late, _INERTIA_S[0] * fps, axis=0, mode="nearest")
    return np.asarray(angle * smooth / np.abs(gaze).max())


def nod(rng: np.random.Generator, course: Course, fps: float) -> Event:
    """Draw a rotation of the head that has the course of the motion.

    The curve is the yaw and the pitch to add, float64 [T, 2], in radians. It is early or late by up
    to `_LAG_S`, and smoother than the motion of the face.
    """
    name = str(rng.choice(["nod down", "nod up", "turn left", "turn right"]))
    angle = np.radians(rng.uniform(*_NOD_DEG))
    axis = {"nod down": (0, 1), "nod up": (0, -1), "turn left": (1, 0), "turn right": (-1, 0)}[name]
    t = np.arange(course.n_frames)
    along = np.clip(course.intensity + course.other, 0.0, 1.0)
    late = np.interp(t - fps * rng.uniform(-_LAG_S, _LAG_S), t, along)
    smooth = gaussian_filter1d(late, fps * rng.uniform(*_INERTIA_S), mode="nearest")
    return Event(name, angle * smooth[:, None] * np.array(axis))
