"""Events between the motions of a session: talk, turns of the head, and glances.

None of them is a motion. Talk moves the mouth from syllable to syllable, without a plateau.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from fmdata.synth.simulator.timing.curves import raised_cosine, there_and_back

TALK = ("jaw_drop", "pucker")
"""The two expressions that talk is made of."""

MARGIN_S = 0.8  # rest between an event and a motion
_TALK_S, _SYLLABLE_S = (1.2, 4.0), (0.14, 0.32)
_OPEN, _ROUND = (0.15, 0.6), (0.0, 0.5)  # levels of the two expressions in a syllable
_TURN_S, _RAMP_S, _TURN_DEG = (0.8, 3.0), (0.25, 0.6), (10.0, 30.0)
_GLANCE_S, _SACCADE_S, _GLANCE_IOD = (0.3, 1.5), 0.05, (0.05, 0.08)
_INERTIA_S = 0.08
_KINDS = ("talk", "turn", "glance", "rest")
_SHARES = (0.4, 0.3, 0.15, 0.15)
# Yaw and pitch.
_WAYS = {"left": (1.0, 0.0), "right": (-1.0, 0.0), "down": (0.0, 1.0), "up": (0.0, -0.6)}


@dataclass(frozen=True)
class Between:
    """An event in the frames ``[start, stop)`` of a session; the curves have a row for each.

    Attributes
    ----------
    name : str
        ``talk``, ``turn`` or ``glance`` with its direction, or ``rest``.
    start, stop : int
        Its frames.
    talk : float64 [t, 2]
        Levels of the two expressions of :data:`TALK`.
    nod : float64 [t, 2]
        Yaw and pitch to add, in radians.
    gaze : float64 [t, 2]
        Displacement of the irises, right and down, in interocular distances.
    """

    name: str
    start: int
    stop: int
    talk: np.ndarray
    nod: np.ndarray
    gaze: np.ndarray


def draw_between(rng: np.random.Generator, start: int, stop: int, fps: float) -> list[Between]:
    """Draw the events of a pause ``[start, stop)``, with rest before, between and after them."""
    margin = round(MARGIN_S * fps)
    events, at = [], start + margin
    while at + margin + round(fps * _TALK_S[0]) <= stop:
        event = _draw(rng, at, stop - margin, fps)
        events.append(event)
        at = event.stop + margin
    return events


def _draw(rng: np.random.Generator, start: int, latest: int, fps: float) -> Between:
    kind = str(rng.choice(_KINDS, p=_SHARES))
    seconds = {"talk": _TALK_S, "turn": _TURN_S, "glance": _GLANCE_S, "rest": _TURN_S}[kind]
    n = min(max(6, round(fps * rng.uniform(*seconds))), latest - start)
    talk, nod, gaze = np.zeros((3, n, 2))
    name = kind
    if kind == "talk":
        talk = _talk(rng, n, fps)
    elif kind == "turn":
        way = str(rng.choice(list(_WAYS)))
        name = f"turn {way}"
        ramp = min(n // 3, round(fps * rng.uniform(*_RAMP_S)))
        angle = np.radians(rng.uniform(*_TURN_DEG))
        nod = angle * there_and_back(n, 0, n, ramp)[:, None] * np.array(_WAYS[way])
    elif kind == "glance":
        path = rng.uniform(*_GLANCE_IOD) * np.array(
            {"left": (1, 0), "right": (-1, 0)}[str(rng.choice(["left", "right"]))]
        )
        gaze = there_and_back(n, 0, n, max(1, round(_SACCADE_S * fps)))[:, None] * path
    return Between(name, start, start + n, talk, nod, gaze)


def _talk(rng: np.random.Generator, n: int, fps: float) -> np.ndarray:
    """Draw the levels of mouth opening and rounding in talk of `n` frames, float64 [n, 2]."""
    levels = np.zeros((n, 2))
    at = 0
    while at < n - 2:
        length = max(3, round(fps * rng.uniform(*_SYLLABLE_S)))
        stop = min(n, at + length)
        share = (np.arange(stop - at) + 0.5) / (stop - at)
        bump = raised_cosine(1 - np.abs(2 * share - 1))
        levels[at:stop, 0] = rng.uniform(*_OPEN) * bump
        levels[at:stop, 1] = rng.uniform(*_ROUND)
        at = stop
    smooth = gaussian_filter1d(levels[:, 1], _INERTIA_S * fps, mode="constant")
    return np.stack([levels[:, 0], smooth], axis=1)
