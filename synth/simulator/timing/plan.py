"""Plan of a recording: the course of its motion, with the variety that the settings ask for."""

from dataclasses import dataclass, replace

import numpy as np

from fmdata.catalog.keys import draw_seed
from fmdata.synth.simulator.settings import SimulateSettings
from fmdata.synth.simulator.timing import course as courses
from fmdata.synth.simulator.timing import events
from fmdata.synth.simulator.timing.course import Course
from fmdata.synth.simulator.timing.curves import blinks

WINKS = ("wink_left", "wink_right")
# Expressions of a second phase. No other moves the face twice as far: of a smaller one, held to the
# end, the face would be nearer to rest than to the first phase, which makes it a return.
LARGE = ("smile", "jaw_drop")


class Draws:
    """Random generators of one recording: one for each purpose, independent of the others."""

    def __init__(self, settings: SimulateSettings, key: tuple[int, str, str, str]) -> None:
        self._settings, self._key = settings, key

    def rng(self, purpose: str) -> np.random.Generator:
        """Return the generator for a purpose."""
        return np.random.default_rng(draw_seed(purpose, *self._key))

    def chance(self, setting: str) -> np.random.Generator | None:
        """Return the generator for an event in the share of recordings that a setting gives."""
        rng = self.rng(setting)
        return rng if rng.uniform() < getattr(self._settings, setting) else None


@dataclass(frozen=True)
class Plan:
    """Course of a motion, the second expression in it, and the names of its kinds.

    Attributes
    ----------
    course : Course
        The course.
    second : str
        Name of the second expression; empty where there is none.
    kinds : tuple of str
        Names, for the table of the truth.
    """

    course: Course
    second: str = ""
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True)
class Happenings:
    """Motion beside the facial motion, in every frame, and the names of its kinds.

    Attributes
    ----------
    blink : float64 [T]
        Closure of both lids, 0 to 1.
    squeeze : float64 [T]
        Motion of brows and cheeks in hard blinks, 0 to 1.
    gaze : float64 [T, 2]
        Displacement of both irises, right and down in the image, in interocular distances.
    nod : float64 [T, 2]
        Yaw and pitch that go with the motion or with a glance, in radians.
    kinds : tuple of str
        Names, for the table of the truth.
    """

    blink: np.ndarray
    squeeze: np.ndarray
    gaze: np.ndarray
    nod: np.ndarray
    kinds: tuple[str, ...]


def draw_plan(course: Course, action: str, draws: Draws, fps: float, *, flash: bool) -> Plan:
    """Draw the variety of a motion from `course`, which rises once; a flash stays one."""
    plan = Plan(course) if flash else _draw_phases(course, action, draws, fps)
    if draws.chance("blinks_at_end") and course.after:
        plan = replace(plan, course=courses.cut_short(plan.course, draws.rng("cut"), fps))
    return plan


def _draw_phases(course: Course, action: str, draws: Draws, fps: float) -> Plan:
    plan = Plan(course)
    wink = draws.chance("winks_first")
    if rng := draws.chance("slow_rises"):
        plan = _with(plan, courses.with_slow_rise(plan.course, rng, fps), "slow rise")
    if rng := draws.chance("second_phases"):
        others = [name for name in LARGE if name != action]
        other = str(rng.choice(others)) if rng.uniform() < 0.5 else ""
        # A recording has two expressions at most, and a wink is one.
        second = "" if wink else other
        longer = courses.with_second_phase(plan.course, rng, fps, other=bool(second))
        plan = _with(plan, longer, f"second phase {second}".rstrip(), second)
    if wink:
        second = str(wink.choice(WINKS))
        plan = _with(plan, courses.with_wink(plan.course, wink, fps), f"{second} first", second)
    return plan


def draw_happenings(course: Course, draws: Draws, fps: float, *, random_blinks: bool) -> Happenings:
    """Draw the blinks, the glances and the nods of a recording."""
    blink = blinks(draws.rng("blinks"), course.n_frames, fps)
    blink = blink if random_blinks else 0 * blink
    squeeze = 0 * blink
    gaze, nod = np.zeros((2, course.n_frames, 2))
    kinds = []
    for setting, draw in (
        ("blinks_at_boundary", events.boundary_blink),
        ("blinks_at_end", events.end_blink),
    ):
        if rng := draws.chance(setting):
            event = draw(rng, course, fps)
            blink = np.maximum(blink, event.curve)
            squeeze = np.maximum(squeeze, rng.uniform() * event.curve)
            kinds.append(event.name)
    if rng := draws.chance("glances"):
        name, gaze = events.glance(rng, course, fps)
        nod = events.follow(rng, gaze, fps)
        kinds.append(name)
    if rng := draws.chance("nods"):
        name, more = events.nod(rng, course, fps)
        nod = nod + more
        kinds.append(name)
    return Happenings(blink, squeeze, gaze, nod, tuple(kinds))


def _with(plan: Plan, course: Course, kind: str, second: str = "") -> Plan:
    return Plan(course, second or plan.second, (*plan.kinds, kind))
