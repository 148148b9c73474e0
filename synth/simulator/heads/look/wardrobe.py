"""Looks of a person: colours for life; hair or cap, and clothes, for a day."""

from dataclasses import dataclass

import numpy as np

from fmdata.synth.simulator.heads.identity import Person
from fmdata.synth.simulator.heads.look.atlas import Colours
from fmdata.synth.simulator.heads.look.covers import Cover, cap, clothes, hair

_HAIR = np.array(
    [(26, 21, 20), (48, 34, 27), (84, 58, 40), (128, 92, 58), (186, 150, 104), (124, 62, 36)]
)
_GREY = np.array([150, 146, 142])
_IRIS = np.array(
    [(52, 34, 24), (74, 48, 30), (96, 64, 38), (72, 92, 112), (84, 104, 78), (112, 120, 124)]
)
_DARK = 3  # that many of the colours occur in all peoples
_MEN = {"bald": 0.08, "buzz": 0.25, "short": 0.4, "full": 0.27}
_WOMEN = {"short": 0.08, "full": 0.17, "bob": 0.4, "long": 0.35}
_CAPS = 0.2  # share of the days with a cap
_UNDER_CAP = 0.35  # rise of the hair under a cap


@dataclass(frozen=True)
class Body:
    """Traits of a person, besides the shape of the head.

    Attributes
    ----------
    hair, iris, teeth : float64 [3]
        sRGB.
    style : str
        One of :data:`fmdata.synth.simulator.heads.look.covers.STYLES`.
    """

    hair: np.ndarray
    iris: np.ndarray
    teeth: np.ndarray
    style: str


@dataclass(frozen=True)
class Dress:
    """Colours of a day, and what covers the skin."""

    colours: Colours
    covers: list[Cover]


def draw_body(person: Person, rng: np.random.Generator) -> Body:
    """Draw the colours and the hair style of a person."""
    fair = rng.uniform() < person.people[0]
    shown = rng.integers(1, len(_HAIR)) if fair else rng.choice(_DARK, p=[0.6, 0.3, 0.1])
    grey = max(0.0, person.age - 0.5) * rng.uniform(0.4, 2)
    colour = _HAIR[shown] + min(1.0, grey) * (_GREY - _HAIR[shown]) + rng.normal(0, 4, 3)
    iris = _IRIS[rng.integers(0, len(_IRIS) if fair else _DARK)] + rng.normal(0, 4, 3)
    styles = _MEN if person.male > 0.5 else _WOMEN
    style = str(rng.choice(list(styles), p=list(styles.values())))
    teeth = np.array([205, 196, 178]) * rng.uniform(0.85, 1.05)
    return Body(np.clip(colour, 8, 240), np.clip(iris, 12, 200), teeth, style)


def dress(person: Person, body: Body, rng: np.random.Generator, day: np.random.Generator) -> Dress:
    """Dress a person: `rng` decides for life, `day` for one day."""
    capped = day.uniform() < _CAPS
    grown = hair(person, body.style, rng, pressed=_UNDER_CAP if capped else 1.0)
    covers = [*(cap(day) if capped else ()), *grown, *clothes(day)]
    cloth = np.clip(day.uniform(20, 220) + day.normal(0, 40, 3), 12, 235)
    wool = np.clip(day.uniform(30, 170) + day.normal(0, 35, 3), 12, 235)
    return Dress(Colours(body.hair, body.iris, cloth, wool, body.teeth), covers)
