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
from fmdata.synth.simulator.curves import blinks, draw_timing, intensity
from fmdata.synth.simulator.settings import SimulateSettings


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
        :class:`fmdata.catalog.types.Motion`. None for a still face.
    style : str
        ``return`` or ``hold``; empty for a still face.
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
    """One recording before rendering: its ground truth and its curves.

    Attributes
    ----------
    truth : Truth
        Timing of the motion.
    head : str
        Size of the head motion, a key of :data:`fmdata.synth.simulator.camera.HEADS`.
    intensity : float64 [T]
        Intensity of the expression in every frame.
    blink : float64 [T]
        Closure of both lids by blinks in every frame, 0 to 1.
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
    chosen = ("return", "hold")[(take - 1) % 2] if settings.style == "both" else settings.style
    variation = _variation(settings, np.random.default_rng(draw_seed("varied", *key)))
    style = "return" if variation.flash else chosen
    timing = draw_timing(
        rng,
        settings.fps * variation.tempo,
        hold=style == "hold",
        flash=variation.flash,
        lead=settings.lead,
    )
    # Rounded, so that the table holds the exact value that is rendered.
    peak = round(settings.amplitude * variation.amplitude * float(rng.uniform(0.85, 1.1)), 4)
    is_moving = peak > 0
    truth = Truth(
        path=f"{subject}/{action}/{take:02d}.mp4",
        subject=subject,
        action=action,
        take=f"{take:02d}",
        fps=settings.fps,
        n_frames=timing.n_frames,
        onset=timing.onset if is_moving else None,
        apex=timing.apex if is_moving else None,
        release=timing.release if is_moving else None,
        offset=timing.offset if is_moving else None,
        style=style if is_moving else "",
        amplitude=peak,
    )
    blink_rng = np.random.default_rng(draw_seed("blinks", *key))
    closed = blinks(blink_rng, timing.n_frames, settings.fps)
    blink = closed if settings.blinks else 0 * closed
    return Script(truth, variation.head, intensity(timing, peak), blink)


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
