"""The scripts of a simulation: the list of recordings, and the motion of each.

A script holds no pixels. It depends on the settings, the subject, the action and the take, and on
nothing else. Frames are rendered from it, so it is the ground truth.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fmdata.catalog.keys import draw_seed
from fmdata.synth.simulator.camera import HEADS
from fmdata.synth.simulator.face.expressions import is_word
from fmdata.synth.simulator.settings import SimulateSettings
from fmdata.synth.simulator.timing.course import Course, draw_course, with_ragged_ends
from fmdata.synth.simulator.timing.moment import Moment
from fmdata.synth.simulator.timing.plan import (
    Draws,
    Happenings,
    Plan,
    draw_happenings,
    draw_plan,
)
from fmdata.synth.simulator.timing.words import WORD, with_word

DAY_TAKES = 5
_MOOD_SD = 0.06  # of the logarithms of a day's amplitude and tempo


@dataclass(frozen=True)
class Truth:
    """Ground truth of one simulated recording; a row of ``truth.csv``.

    Attributes
    ----------
    path : str
        Path below the raw folder, with forward slashes.
    subject, action, take : str
        Names of the subject, the action and the take.
    fps : float
        Frames per second.
    n_frames : int
        Number of frames.
    onset, apex, release, offset : int or None
        The release is the first frame after the plateau; the others are as in
        :class:`fmdata.catalog.types.Motion`. None for a still face. Of two phases, the onset and
        the apex are those of the first, the release and the offset those of the second.
    style : str
        ``return`` or ``hold``; empty for a still face.
    amplitude : float
        Intensity at the apex; 1 is the expression's full scale.
    rise : int or None
        First frame of the main rise: later than the onset only after a slow start. None is the
        onset.
    kind : str
        What is unlike a plain motion, such as ``slow rise`` or ``glance down``; several are joined
        by `` + ``.
    day : int
        Day of the recording: takes 1 to 5 are made on day 1, takes 6 to 10 on day 2, and so on.
        Heads have other light, clothes, and perhaps a cap, on another day.
    """

    path: str
    subject: str
    action: str
    take: str
    fps: float
    n_frames: int
    onset: int | None
    apex: int | None
    release: int | None
    offset: int | None
    style: str
    amplitude: float
    rise: int | None = None
    kind: str = ""
    day: int = 1


@dataclass(frozen=True)
class Script:
    """One recording before rendering: its ground truth and its curves.

    Attributes
    ----------
    truth : Truth
        Timing of the motion.
    head : str
        Size of the head motion, a key of :data:`fmdata.synth.simulator.camera.HEADS`.
    second : str
        Name of a second expression; empty where there is none.
    intensity, other : float64 [T]
        Intensity of the expression, and of the second one, in every frame.
    beside : Happenings
        What moves beside the motion.
    """

    truth: Truth
    head: str
    second: str
    intensity: np.ndarray
    other: np.ndarray
    beside: Happenings

    @property
    def truths(self) -> tuple[Truth, ...]:
        """The ground truth of each motion: of one."""
        return (self.truth,)

    @property
    def recording(self) -> Truth:
        """The recording as a whole."""
        return self.truth

    @property
    def path(self) -> str:
        """Path below the raw folder."""
        return self.truth.path

    @property
    def subject(self) -> str:
        """Name of the subject."""
        return self.truth.subject

    def moment(self, t: int) -> Moment:
        """Return the state of the face in frame `t`."""
        across, down = map(float, self.beside.gaze[t])
        return Moment(
            intensity=float(self.intensity[t]),
            blink=float(self.beside.blink[t]),
            other=float(self.other[t]),
            gaze=(across, down),
            squeeze=float(self.beside.squeeze[t]),
        )


def subject_names(n: int) -> list[str]:
    """Return the names of the first `n` subjects: s01, s02, ..."""
    return [f"s{k + 1:02d}" for k in range(n)]


def day_of(take: int) -> int:
    """Return the day of a take, both counted from 1.

    >>> [day_of(take) for take in (1, 5, 6, 10, 11)]
    [1, 1, 2, 2, 3]
    """
    return (take - 1) // DAY_TAKES + 1


def write_scripts(settings: SimulateSettings) -> Iterator[Script]:
    """Draw the timing and the curves of every recording, sorted by subject, action and take."""
    for subject in subject_names(settings.subjects):
        for action in settings.action_names:
            for take in range(1, settings.takes + 1):
                yield _script(settings, subject, action, take)


def _script(settings: SimulateSettings, subject: str, action: str, take: int) -> Script:
    draws = Draws(settings, (settings.seed, subject, action, f"{take:02d}"))
    rng = draws.rng("timing")
    chosen = ("return", "hold")[(take - 1) % 2] if settings.style == "both" else settings.style
    variation = _variation(settings, draws.rng("varied"))
    style = "return" if variation.flash or is_word(action) else chosen
    mood = _mood(settings, subject, day_of(take))
    fps = settings.fps * variation.tempo * mood.tempo
    course = draw_course(rng, fps, hold=style == "hold", flash=variation.flash, lead=settings.lead)
    if settings.ragged:
        course = with_ragged_ends(course, draws.rng("ragged"), settings.fps)
    # Rounded, so that the table holds the exact value that is rendered.
    peak = round(
        settings.amplitude * variation.amplitude * mood.amplitude * float(rng.uniform(0.85, 1.1)), 4
    )
    if is_word(action):
        plan = _word(course, draws, fps, settings.seed, subject, action)
    else:
        plan = draw_plan(course, action, draws, fps, flash=variation.flash)
    course = plan.course
    beside = draw_happenings(course, draws, settings.fps, random_blinks=settings.blinks)
    truth = Truth(
        path=f"{subject}/{action}/{take:02d}.mp4",
        subject=subject,
        action=action,
        take=f"{take:02d}",
        fps=settings.fps,
        n_frames=course.n_frames,
        onset=course.onset if peak else None,
        apex=course.apex if peak else None,
        release=course.release if peak else None,
        offset=course.offset if peak else None,
        style=style if peak else "",
        amplitude=peak,
        rise=course.rise if peak else None,
        kind=" + ".join([*(plan.kinds if peak else ()), *beside.kinds]),
        day=day_of(take),
    )
    levels = peak * course.intensity, peak * course.other
    return Script(truth, variation.head, plan.second, *levels, beside)


def _word(course: Course, draws: Draws, fps: float, *word: int | str) -> Plan:
    """Draw the plan of a take of a word, which a seed, a subject and a name decide."""
    same = np.random.default_rng(draw_seed("word", *word))
    return Plan(with_word(course, same, draws.rng("word"), fps), WORD[1])


class _Mood(NamedTuple):
    """Factors of amplitude and tempo on one day."""

    amplitude: float
    tempo: float


def _mood(settings: SimulateSettings, subject: str, day: int) -> _Mood:
    """Draw how large and how fast a subject moves on a day; portraits know no days."""
    if settings.cast != "heads":
        return _Mood(1.0, 1.0)
    rng = np.random.default_rng(draw_seed("mood", settings.seed, subject, day))
    return _Mood(*map(float, np.exp(rng.normal(0, _MOOD_SD, 2).clip(-2 * _MOOD_SD, 2 * _MOOD_SD))))


class _Variation(NamedTuple):
    """Variation of one take: factors of amplitude and tempo, head motion, flash or not."""

    amplitude: float
    tempo: float
    head: str
    flash: bool


def _variation(settings: SimulateSettings, rng: np.random.Generator) -> _Variation:
    if not settings.varied:
        return _Variation(1.0, 1.0, settings.head, settings.flash)
    return _Variation(
        amplitude=float(rng.uniform(0.45, 1.1)),
        tempo=float(np.exp(rng.uniform(np.log(0.65), np.log(1.6)))),
        head=str(rng.choice(list(HEADS))),
        flash=settings.flash or (settings.style != "hold" and bool(rng.uniform() < 1 / 8)),
    )
