"""Course of a simulated motion in time: its key frames, and intensities that follow them exactly.

Promise: ``Course.intensity`` and ``Course.other`` are both zero outside ``[onset, offset)``, and at
least one of them is above zero inside. So the course is the ground truth.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from fmdata.synth.simulator.timing.curves import raised_cosine

FLASH_FRAMES = (3, 5)  # minimum and maximum length of a flash
# Ranges of the parts that a motion may have beside rise, plateau and fall: seconds, and levels.
_WINK_S = (0.12, 0.35)
_CREEP_S, _WAIT_S, _CREEP_LEVEL = (0.1, 0.25), (0.04, 0.15), (0.1, 0.25)
_DROP_S, _DIP_S, _AGAIN_S, _SECOND_S = (0.16, 0.32), (0.04, 0.24), (0.2, 0.36), (0.3, 0.5)
_DIP_LEVEL, _SECOND_LEVEL = (0.3, 0.48), (0.85, 1.0)
_RAGGED_S = (0.0, 2.0)
_CUT_S = (0.04, 0.2)  # rest that is left after a motion that ends with its recording


class Part(NamedTuple):
    """Part of a motion, which leads from the levels of the part before to its own.

    Attributes
    ----------
    name : str
        ``wink``, ``creep``, ``wait``, ``rise``, ``plateau``, ``drop``, ``dip``, ``again``, or
        ``fall``; of a word also ``open`` and ``close``.
    n_frames : int
        Length.
    level, other : float
        Level of the expression, and of a second one, at the end; 0 to 1.
    """

    name: str
    n_frames: int
    level: float
    other: float = 0.0


@dataclass(frozen=True)
class Course:
    """Frames at rest, the parts of a motion, and frames at rest; a held motion has no ``fall``.

    Attributes
    ----------
    before, after : int
        Number of frames at rest.
    parts : tuple of Part
        Parts in order, from rest to rest or to the end of the recording.
    """

    before: int
    parts: tuple[Part, ...]
    after: int

    @property
    def n_frames(self) -> int:
        """Length of the recording."""
        return self.offset + self.after

    @property
    def onset(self) -> int:
        """First frame of the motion."""
        return self.before

    @property
    def rise(self) -> int:
        """First frame of the main rise, which a slow start may come before."""
        return self._starts("wink", "rise")[0]

    @property
    def apex(self) -> int:
        """First frame of the plateau, of the first one in two phases."""
        return self._starts("plateau")[0]

    @property
    def release(self) -> int:
        """First frame after the plateau, after the last one in two phases."""
        last = max(k for k, part in enumerate(self.parts) if part.name == "plateau")
        return self.before + sum(part.n_frames for part in self.parts[: last + 1])

    @property
    def offset(self) -> int:
        """First frame after the motion."""
        return self.before + sum(part.n_frames for part in self.parts)

    @property
    def intensity(self) -> np.ndarray:
        """Level of the expression in every frame, float64 [T], 0 to 1."""
        return self._curve([part.level for part in self.parts])

    @property
    def other(self) -> np.ndarray:
        """Level of the second expression in every frame, float64 [T], 0 to 1."""
        return self._curve([part.other for part in self.parts])

    def _starts(self, *names: str) -> list[int]:
        starts = self.before + np.cumsum([0, *(part.n_frames for part in self.parts)])
        return [int(s) for s, part in zip(starts, self.parts, strict=False) if part.name in names]

    def _curve(self, levels: list[float]) -> np.ndarray:
        """Join the levels by half periods of a cosine."""
        curve, t, level = np.zeros(self.n_frames), self.before, 0.0
        for part, end in zip(self.parts, levels, strict=True):
            n = part.n_frames
            share = (np.arange(n) + 1) / (n + 1)
            low, high = min(level, end), max(level, end)
            share = share if end >= level else (n - np.arange(n)) / (n + 1)
            curve[t : t + n] = low + (high - low) * raised_cosine(share)
            t, level = t + n, end
        return curve


def draw_course(
    rng: np.random.Generator, fps: float, *, hold: bool, flash: bool = False, lead: bool = True
) -> Course:
    """Draw the course of a motion that rises once.

    Parameters
    ----------
    rng : numpy.random.Generator
        Random generator.
    fps : float
        Frames per second; all lengths are drawn in seconds.
    hold : bool
        Keep the apex until the last frame.
    flash : bool
        Make the motion 3 to 5 frames long at any frame rate.
    lead : bool
        Begin with neutral frames; otherwise the motion begins in the first frame.
    """
    before = _frames(rng, fps, (0.44, 0.62), 8)
    rise = _frames(rng, fps, (0.24, 0.44))
    plateau, fall = _frames(rng, fps, (0.36, 0.6)), _frames(rng, fps, (0.28, 0.5))
    after = _frames(rng, fps, (0.44, 0.6), 8)
    if flash:
        length = int(rng.integers(FLASH_FRAMES[0], FLASH_FRAMES[1] + 1))
        rise = fall = (length - 1) // 2
        plateau = length - rise - fall
        before, after = before * 2, after * 2  # the motion stays a small part of the clip
    before = before if lead else 0
    up = Part("rise", rise, 1.0)
    if hold:
        return Course(before, (up, Part("plateau", 2 * plateau + fall, 1.0)), 0)
    return Course(before, (up, Part("plateau", plateau, 1.0), Part("fall", fall, 0.0)), after)


def with_slow_rise(course: Course, rng: np.random.Generator, fps: float) -> Course:
    """Put a slow start and a hesitation before the main rise."""
    level = float(rng.uniform(*_CREEP_LEVEL))
    creep = Part("creep", _frames(rng, fps, _CREEP_S), level)
    return replace(
        course, parts=(creep, Part("wait", _frames(rng, fps, _WAIT_S), level), *course.parts)
    )


def with_second_phase(
    course: Course, rng: np.random.Generator, fps: float, *, other: bool
) -> Course:
    """Let the motion fall back after its plateau, partly, and rise again.

    Parameters
    ----------
    other : bool
        Rise again with the second expression, while the first one fades.
    """
    dip, again = float(rng.uniform(*_DIP_LEVEL)), float(rng.uniform(*_SECOND_LEVEL))
    levels = (0.0, again) if other else (again, 0.0)
    second = (
        Part("drop", _frames(rng, fps, _DROP_S), dip),
        Part("dip", _frames(rng, fps, _DIP_S), dip),
        Part("again", _frames(rng, fps, _AGAIN_S), *levels),
        Part("plateau", _frames(rng, fps, _SECOND_S), *levels),
    )
    at = [part.name for part in course.parts].index("plateau") + 1
    return replace(course, parts=(*course.parts[:at], *second, *course.parts[at:]))


def with_wink(course: Course, rng: np.random.Generator, fps: float) -> Course:
    """Begin with the second expression, a wink, and keep it until the fall."""
    wink = Part("wink", _frames(rng, fps, _WINK_S), 0.0, 1.0)
    parts = (part._replace(other=float(part.name != "fall")) for part in course.parts)
    return replace(course, parts=(wink, *parts))


def with_ragged_ends(course: Course, rng: np.random.Generator, fps: float) -> Course:
    """Give the motion other lengths of rest before it and, unless it is held, after it."""
    before, after = _frames(rng, fps, _RAGGED_S, 0), _frames(rng, fps, _RAGGED_S, 1)
    return replace(course, before=before, after=after if course.after else 0)


def cut_short(course: Course, rng: np.random.Generator, fps: float) -> Course:
    """End the recording shortly after the motion."""
    return replace(course, after=min(course.after, _frames(rng, fps, _CUT_S, 1)))


def _frames(
    rng: np.random.Generator, fps: float, seconds: tuple[float, float], minimum: int = 2
) -> int:
    return max(minimum, round(fps * rng.uniform(*seconds)))
