"""The script of a session: its motions in a random order, with pauses, and what moves in these.

It depends on the settings and the subject, and holds no pixels. Each motion is a row of the truth.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from fmdata.catalog.errors import UsageError
from fmdata.synth.simulator.script import Truth, subject_names
from fmdata.synth.simulator.session.between import MARGIN_S, TALK, Between, draw_between
from fmdata.synth.simulator.settings import SimulateSettings
from fmdata.synth.simulator.timing.course import Course, draw_course
from fmdata.synth.simulator.timing.curves import blinks
from fmdata.synth.simulator.timing.moment import Moment
from fmdata.synth.simulator.timing.plan import Draws

ACTION, TAKE = "session", "01"
_PAUSE_S = 2 * MARGIN_S  # shortest pause before, between and after motions
_TEMPO = (0.65, 1.6)


@dataclass(frozen=True)
class Session:
    """One session before rendering.

    Attributes
    ----------
    path, subject : str
        Path below the raw folder, and the subject.
    truths : tuple of Truth
        Ground truth of each motion, in the order of time.
    between : tuple of Between
        The events between them.
    n_frames : int
        Number of frames.
    intensity : float64 [T]
        Intensity of the motion that a frame belongs to.
    talk, gaze, nod : float64 [T, 2]
        As in :class:`fmdata.synth.simulator.session.between.Between`.
    blink : float64 [T]
        Closure of both lids, 0 to 1.
    """

    path: str
    subject: str
    truths: tuple[Truth, ...]
    between: tuple[Between, ...]
    n_frames: int
    intensity: np.ndarray
    talk: np.ndarray
    gaze: np.ndarray
    nod: np.ndarray
    blink: np.ndarray

    @property
    def recording(self) -> Truth:
        """The recording as a whole: its names, and nothing of its motions that counts."""
        return replace(self.truths[0], action=ACTION, take=TAKE)

    def moment(self, t: int) -> Moment:
        """Return the state of the face in frame `t`; talk is an expression and a second one."""
        opened, rounded = map(float, self.talk[t])
        across, down = map(float, self.gaze[t])
        return Moment(
            intensity=float(self.intensity[t]) or opened,
            other=rounded,
            blink=float(self.blink[t]),
            gaze=(across, down),
        )

    def expressions(self) -> list[tuple[str, str]]:
        """List the names of a first and a second expression of every frame."""
        names = [TALK] * self.n_frames
        for truth in self.truths:
            assert truth.onset is not None
            assert truth.offset is not None
            names[truth.onset : truth.offset] = [(truth.action, "")] * (truth.offset - truth.onset)
        return names


def write_sessions(settings: SimulateSettings) -> Iterator[Session]:
    """Draw the session of every subject.

    Raises
    ------
    UsageError
        When the motions and the pauses between them take longer than the session.
    """
    for subject in subject_names(settings.subjects):
        yield _session(settings, subject)


def _session(settings: SimulateSettings, subject: str) -> Session:
    draws = Draws(settings, (settings.seed, subject, ACTION, TAKE))
    rng, n = draws.rng("order"), round(settings.session_s * settings.fps)
    names = [(a, f"{k + 1:02d}") for a in settings.action_names for k in range(settings.takes)]
    order = [names[i] for i in rng.permutation(len(names))]
    courses = [_course(settings, draws.rng(f"timing {a} {k}")) for a, k in order]
    starts = _starts(settings, rng, [course.n_frames for course in courses], n)
    intensity, truths = np.zeros(n), []
    for (action, take), course, start in zip(order, courses, starts, strict=True):
        peak = round(settings.amplitude * float(rng.uniform(0.85, 1.1)), 4)
        intensity[start : start + course.n_frames] = peak * course.intensity
        truths.append(_truth(settings, subject, action, take, course, start, peak, n))
    ends = [0, *(s + c.n_frames for s, c in zip(starts, courses, strict=True))]
    pauses = zip(ends, [*starts, n], strict=True)
    events = [
        e for a, b in pauses for e in draw_between(draws.rng(f"pause {a}"), a, b, settings.fps)
    ]
    talk, gaze, nod = np.zeros((3, n, 2))
    for event in events:
        here = slice(event.start, event.stop)
        talk[here], gaze[here], nod[here] = event.talk, event.gaze, event.nod
    blink = blinks(draws.rng("blinks"), n, settings.fps) * settings.blinks
    path = f"{subject}/{ACTION}/{TAKE}.mp4"
    return Session(
        path, subject, tuple(truths), tuple(events), n, intensity, talk, gaze, nod, blink
    )


def _course(settings: SimulateSettings, rng: np.random.Generator) -> Course:
    """Draw a motion that returns, without the rest beside it."""
    fps = settings.fps * float(np.exp(rng.uniform(*np.log(_TEMPO))))
    return replace(draw_course(rng, fps, hold=False, flash=settings.flash), before=0, after=0)


def _starts(
    settings: SimulateSettings, rng: np.random.Generator, lengths: list[int], n: int
) -> list[int]:
    """Draw the first frames of the motions; what is left of the session is divided at random."""
    pause = round(_PAUSE_S * settings.fps)
    left = n - sum(lengths) - pause * (len(lengths) + 1)
    if left < 0:
        seconds = int(np.ceil((n - left) / settings.fps))
        raise UsageError(
            f"a session of {settings.session_s:g} s for {len(lengths)} motions",
            wanted=f"at least {seconds} s",
            where="--session",
            todo=f"use --session {seconds}, or fewer --actions or --takes",
        )
    more = np.floor(left * rng.dirichlet(np.ones(len(lengths) + 1))).astype(int)
    before = np.cumsum([0, *lengths[:-1]])
    return [int(b + p) for b, p in zip(before, np.cumsum(more + pause), strict=False)]


def _truth(
    settings: SimulateSettings, subject: str, action: str, take: str, course: Course, start: int,
    peak: float, n_frames: int,
) -> Truth:  # fmt: skip
    onset, apex, release, offset = (
        start + at for at in (course.onset, course.apex, course.release, course.offset)
    )
    return Truth(
        path=f"{subject}/{ACTION}/{TAKE}.mp4", subject=subject, action=action, take=take,
        fps=settings.fps, n_frames=n_frames, onset=onset, apex=apex, release=release,
        offset=offset, style="return", amplitude=peak, rise=onset,
    )  # fmt: skip
