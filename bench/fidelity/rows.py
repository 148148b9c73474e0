"""The grid: one row a condition, each of them simulated recordings that differ in one thing.

Everything not named is the simulator's default: full amplitude, mild head motion, both styles by
turns, blinks, noise, H.264, 25 frames a second.
"""

import math
from dataclasses import dataclass
from typing import Any

from fmdata.synth.simulator.expressions import EXPRESSIONS
from fmdata.synth.simulator.settings import SimulateSettings

ALL = (*EXPRESSIONS, "personal_1", "personal_2")
# One of each kind: of smirks and winks that mirror one another, one.
KINDS = (
    "smile",
    "brow_raise",
    "jaw_drop",
    "pucker",
    "smirk_left",
    "nose_wrinkle",
    "brow_furrow",
    "frown",
    "wink_right",
    "personal_1",
)
LOWER_FACE = ("smile", "jaw_drop", "pucker", "frown", "smirk_left", "smirk_right")

DEFAULT = ("default", "return", "hold")
STILL = ("still face mild", "still face strong")

# Name: the simulator's options that make the row.
CONDITIONS: dict[str, dict[str, Any]] = {
    "default": {"actions": ALL},
    "return": {"style": "return"},
    "hold": {"style": "hold"},
    "half": {"amplitude": 0.5},
    "quarter": {"amplitude": 0.25},
    "head still": {"head": "still"},
    "head strong": {"head": "strong"},
    "30 fps": {"fps": 30.0},
    "60 fps": {"fps": 60.0},
    "noise": {"noise": 8.0},
    "blur": {"blur": 2.0},
    "compression": {"crf": 36},
    "flash": {"flash": True},
    "no blinks": {"blinks": False},
    "lower face": {"actions": LOWER_FACE},
    "brows": {"actions": ("brow_raise", "brow_furrow")},
    "winks": {"actions": ("wink_left", "wink_right")},
    "no lead": {"lead": False},
    "still face mild": {"amplitude": 0.0},
    "still face strong": {"amplitude": 0.0, "head": "strong"},
}
_TAKES = 2  # one of each style


@dataclass(frozen=True)
class Row:
    """One condition.

    Attributes
    ----------
    name : str
        A key of `CONDITIONS`.
    settings : SimulateSettings
        What to simulate.
    """

    name: str
    settings: SimulateSettings

    @property
    def folder(self) -> str:
        """The row's name as that of a folder."""
        return self.name.replace(" ", "-")


def row(name: str, per_row: int, seed: int) -> Row:
    """Return a row of at least `per_row` recordings, with as many subjects as that takes.

    Rows share their faces and timings, so that what differs between two of them is the condition.
    A row of still faces holds twice as many: what is asked of it is one in fifty.
    """
    options: dict[str, Any] = {"actions": KINDS, **CONDITIONS[name]}
    wanted = 2 * per_row if name in STILL else per_row
    subjects = math.ceil(wanted / (len(options["actions"]) * _TAKES))
    # These are judged together, and would hold the same recordings of one style.
    seed += DEFAULT.index(name) if name in DEFAULT else 0
    return Row(name, SimulateSettings(subjects=subjects, takes=_TAKES, seed=seed, **options))
