"""Settings of the simulator."""

from dataclasses import dataclass
from pathlib import Path

from fmdata.catalog.errors import UsageError
from fmdata.synth.simulator.camera import HEADS
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
