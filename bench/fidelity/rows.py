"""The grid of conditions: each row is a set of simulated recordings that differ in one setting.

All other settings are the simulator's defaults: full amplitude, mild head motion, alternating
styles, blinks, noise, H.264, 25 frames per second.
"""

import math
from dataclasses import dataclass
from typing import Any

from fmdata.synth.simulator.face.expressions import EXPRESSIONS
from fmdata.synth.simulator.settings import SimulateSettings

ALL = (*EXPRESSIONS, "personal_1", "personal_2")
# One expression of each kind; of two mirrored ones, only one.
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
# Rows in which something else moves, too, or the motion does not simply rise and fall.
ELSE = (
    "blink at the boundary",
    "blink at the end",
    "glance",
    "nod with the motion",
    "wink then mouth",
    "two phases",
    "slow uneven rise",
)

# Settings of the simulator, by the name of the row.
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
    "blink at the boundary": {"blinks_at_boundary": 1.0},
    "blink at the end": {"blinks_at_end": 1.0},
    "glance": {"glances": 1.0},
    "nod with the motion": {"nods": 1.0},
    "wink then mouth": {"actions": LOWER_FACE, "winks_first": 1.0},
    "two phases": {"second_phases": 1.0},
    "slow uneven rise": {"slow_rises": 1.0},
    "still face mild": {"amplitude": 0.0},
    "still face strong": {"amplitude": 0.0, "head": "strong"},
    "heads default": {"actions": ALL, "cast": "heads"},
    "heads brows": {"actions": ("brow_raise", "brow_furrow"), "cast": "heads"},
    "heads winks": {"actions": ("wink_left", "wink_right"), "cast": "heads"},
    "heads strong": {"head": "strong", "cast": "heads"},
}
# The row of portraits that a row of heads is compared with.
BESIDE = {
    "heads default": "default",
    "heads brows": "brows",
    "heads winks": "winks",
    "heads strong": "head strong",
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
        Settings of the recordings.
    """

    name: str
    settings: SimulateSettings

    @property
    def folder(self) -> str:
        """Name of the row's folder."""
        return self.name.replace(" ", "-")


def row(name: str, per_row: int, seed: int) -> Row:
    """Return a row of at least `per_row` recordings; the number of subjects follows.

    Rows share faces and timings, so two rows differ in their condition only. A row of still faces
    has twice as many recordings, because its target is a rate of one in fifty.
    """
    options: dict[str, Any] = {"actions": KINDS, **CONDITIONS[name]}
    wanted = 2 * per_row if name in STILL else per_row
    subjects = math.ceil(wanted / (len(options["actions"]) * _TAKES))
    # Pooled for the targets; with one seed they would share the recordings of one style.
    seed += DEFAULT.index(name) if name in DEFAULT else 0
    return Row(name, SimulateSettings(subjects=subjects, takes=_TAKES, seed=seed, **options))
