"""The script of a simulation: which recordings there are, and when each face moves.

Nothing is drawn here. A recording's script depends on the settings, its subject, action and take,
and on nothing else; what it says is what is rendered, so it is the truth.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fmdata.catalog.errors import UsageError
from fmdata.catalog.keys import draw_seed
from fmdata.synth.simulator.camera import HEADS
from fmdata.synth.simulator.curves import blinks, draw_timing, intensity
from fmdata.synth.simulator.expressions import EXPRESSIONS, action_names, known_action

_STYLES = ("both", "return", "hold")

_MOST_ACTIONS = 99
# Option: lowest and highest value that can be meant. More amplitude would fold the skin.
_RANGES: dict[str, tuple[float, float]] = {
    "subjects": (1, 999),
    "takes": (1, 999),
    "seed": (0, 2**63 - 1),
    "fps": (5, 240),
    "size": (128, 1024),
    "amplitude": (0, 1.3),
    "noise": (0, 40),
    "blur": (0, 10),
    "crf": (0, 51),
}


@dataclass(frozen=True)
class SimulateSettings:
    """What to simulate. Checked at construction; raises UsageError naming the option at fault.

    Attributes
    ----------
    subjects, takes : int
        How many of each; every subject does every action so many times.
    actions : int or tuple of str
        How many, the first ones of those known, or which.
    seed : int
        Of everything random.
    portraits : Path or None
        Folder of portraits, one a subject, in the order of their names. None: the built-in one,
        with a face of its own for every subject.
    fps : float
        Frames per second.
    size : int
        Width and height of the video in pixels, even.
    style : str
        ``return``, ``hold``, or ``both`` by turns from take to take.
    amplitude : float
        Scale of all motions; 0 gives faces that only blink.
    head : str
        How far the head moves: ``still``, ``mild`` or ``strong``.
    blinks : bool
        Let the subjects blink, in and out of their motion.
    noise, blur : float
        Standard deviation of the sensor's noise in grey levels, of the lens's blur in pixels.
    flash : bool
        Make every motion 3 to 5 frames long; all of them return.
    lead : bool
        Begin with neutral frames.
    varied : bool
        Let amplitude (45 to 110 % of what it would be), tempo (0.65 to 1.6 times the usual
        durations) and the head's motion differ from take to take, and make one motion in eight a
        flash: people, recorded on different days.
    crf : int
        x264's quality, 0 (lossless) to 51.
    """

    subjects: int = 3
    actions: int | tuple[str, ...] = 3
    takes: int = 4
    seed: int = 0
    portraits: Path | None = None
    fps: float = 25.0
    size: int = 320
    style: str = "both"
    amplitude: float = 1.0
    head: str = "mild"
    blinks: bool = True
    noise: float = 1.5
    blur: float = 0.0
    flash: bool = False
    lead: bool = True
    varied: bool = False
    crf: int = 20

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                _refuse(name, value, f"a number from {low} to {high}")
        _check_actions(self.actions)
        if self.size % 2:
            _refuse("size", self.size, "an even number: video stores colour for two pixels at once")
        if self.style not in _STYLES:
            _refuse("style", self.style, f"one of {', '.join(_STYLES)}")
        if self.head not in HEADS:
            _refuse("head", self.head, f"one of {', '.join(HEADS)}")
        if self.flash and self.style == "hold":
            _refuse("style", self.style, "return or both, with --flash: a flash does not last")

    @property
    def action_names(self) -> list[str]:
        """The actions of each subject."""
        return action_names(self.actions) if isinstance(self.actions, int) else list(self.actions)

    @property
    def n_recordings(self) -> int:
        """How many recordings there will be."""
        return self.subjects * len(self.action_names) * self.takes


def parse_actions(text: str) -> int | tuple[str, ...]:
    """Return what ``--actions`` means: how many, or which.

    >>> parse_actions("3"), parse_actions("smile,wink_left")
    (3, ('smile', 'wink_left'))
    """
    if text.strip().lstrip("-").isdigit():
        return int(text)
    return tuple(name.strip() for name in text.split(","))


@dataclass(frozen=True)
class Truth:
    """One simulated recording, and when its face moves; a row of ``truth.csv``.

    Attributes
    ----------
    path : str
        Below the raw folder, with forward slashes.
    subject, action, take : str
        Who, which motion, which repetition.
    fps : float
        Frames per second.
    n_frames : int
        Length.
    onset, apex, release, offset : int or None
        The release is the first frame after the plateau, the others are as in
        :class:`fmdata.catalog.types.Motion`; None when nothing moves.
    style : str
        ``return`` or ``hold``; empty when nothing moves.
    amplitude : float
        Intensity at the apex; 1 is the expression's full scale.
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


@dataclass(frozen=True)
class Script:
    """One recording before it is drawn: its truth, and its curves.

    Attributes
    ----------
    truth : Truth
        When the face moves.
    head : str
        How far the head moves.
    intensity, blink : float64 [T]
        Of the expression and of both lids, frame by frame.
    """

    truth: Truth
    head: str
    intensity: np.ndarray
    blink: np.ndarray


def subject_names(n: int) -> list[str]:
    """Return the names of the first `n` subjects: s01, s02, ..."""
    return [f"s{k + 1:02d}" for k in range(n)]


def write_scripts(settings: SimulateSettings) -> Iterator[Script]:
    """Draw the timing and the curves of every recording, sorted by subject, action and take."""
    for subject in subject_names(settings.subjects):
        for action in settings.action_names:
            for take in range(1, settings.takes + 1):
                yield _script(settings, subject, action, take)


def _script(settings: SimulateSettings, subject: str, action: str, take: int) -> Script:
    key = (settings.seed, subject, action, f"{take:02d}")
    rng = np.random.default_rng(draw_seed("timing", *key))
    turn = ("return", "hold")[(take - 1) % 2] if settings.style == "both" else settings.style
    variation = _variation(settings, np.random.default_rng(draw_seed("varied", *key)))
    style = "return" if variation.flash else turn
    timing = draw_timing(
        rng,
        settings.fps * variation.tempo,
        hold=style == "hold",
        flash=variation.flash,
        lead=settings.lead,
    )
    # Rounded, so that the table holds exactly what was drawn.
    peak = round(settings.amplitude * variation.amplitude * float(rng.uniform(0.85, 1.1)), 4)
    moves = peak > 0
    truth = Truth(
        path=f"{subject}/{action}/{take:02d}.mp4",
        subject=subject,
        action=action,
        take=f"{take:02d}",
        fps=settings.fps,
        n_frames=timing.n_frames,
        onset=timing.onset if moves else None,
        apex=timing.apex if moves else None,
        release=timing.release if moves else None,
        offset=timing.offset if moves else None,
        style=style if moves else "",
        amplitude=peak,
    )
    blink_rng = np.random.default_rng(draw_seed("blinks", *key))
    closed = blinks(blink_rng, timing.n_frames, settings.fps)
    blink = closed if settings.blinks else 0 * closed
    return Script(truth, variation.head, intensity(timing, peak), blink)


class _Variation(NamedTuple):
    """How one take differs from the others: factors of size and duration, head, flash or not."""

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


def _check_actions(actions: int | tuple[str, ...]) -> None:
    if isinstance(actions, int):
        if not 1 <= actions <= _MOST_ACTIONS:
            _refuse("actions", actions, f"a number from 1 to {_MOST_ACTIONS}, or names")
        return
    listed = ",".join(actions)
    if unknown := [name for name in actions if not known_action(name)]:
        _refuse(
            "actions",
            unknown[0] or "''",
            f"a number, or some of {', '.join(EXPRESSIONS)}, personal_1, personal_2, ...",
        )
    if not actions or len(set(actions)) < len(actions):
        _refuse("actions", listed or "''", "at least one name, none of them twice")


def _refuse(name: str, value: object, wanted: str) -> None:
    raise UsageError(
        f"{name} {value}",
        wanted=wanted,
        where=f"--{name}",
        todo=f"give another value, or leave --{name} out",
    )
