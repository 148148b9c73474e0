"""Settings of the simulator: how many recordings, of what, filmed how."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fmdata.catalog.settings import MAX_SEED, Options, choice, flag, number, text

HEADS = ("mild", "still", "strong")
_MAX_ACTIONS = 99


def parse_actions(listed: str) -> int | tuple[str, ...]:
    """Parse the value of ``--actions``: a number of actions, or their names.

    >>> parse_actions("3"), parse_actions("smile,wink_left")
    (3, ('smile', 'wink_left'))
    """
    if listed.strip().lstrip("-").isdigit():
        return int(listed)
    return tuple(name.strip() for name in listed.split(","))


def _share(of: str) -> Any:
    return number(0.0, 0, 1, help=f"Share, 0 to 1, of {of}")


@dataclass(frozen=True)
class SimulateSettings(Options):
    """Settings of a simulation; the help of each field describes it."""

    subjects: int = number(3, 1, 999, help="Number of subjects.")
    actions: int | tuple[str, ...] = text(
        3,
        help="Actions of each subject: how many, or which (smile,wink_left); personal_1 and so on "
        "are the subject's own motions, word_1 and so on words that the lips form.",
        parse=parse_actions,
    )
    takes: int = number(4, 1, 999, help="Takes of each action.")
    seed: int = number(0, 0, MAX_SEED, help="Seed of everything random.")
    cast: str = choice(
        "portraits",
        "heads",
        help="Who is filmed: portraits, moved in two dimensions, or heads in three (the extra "
        "heads).",
    )
    portraits: Path | None = text(
        None,
        help="Folder of portraits to animate, one a subject, in the order of their names; "
        "otherwise the built-in one, changed into a face for each subject.",
    )
    fps: float = number(25.0, 5, 240, help="Frames per second.")
    size: int = number(320, 128, 1024, help="Width and height of the video in pixels, even.")
    style: str = choice(
        "both", "return", "hold", help="How motions end; both: by turns from take to take."
    )
    # More amplitude than this would fold the skin.
    amplitude: float = number(
        1.0, 0, 1.3, help="Scale of all motions; 0 gives faces that only blink."
    )
    head: str = choice(*HEADS, help="How far the head moves.")
    turn: float = number(
        0.0,
        0,
        40,
        help="Largest turn of the head to either side from recording to recording, in degrees; "
        "it nods by 0.4 times as much. Heads only.",
    )
    blinks: bool = flag(True, help="Let the subjects blink, during their motion too.")
    noise: float = number(1.5, 0, 40, help="Standard deviation of sensor noise, in grey levels.")
    blur: float = number(0.0, 0, 10, help="Standard deviation of the lens's blur, in pixels.")
    flash: bool = flag(False, help="Make every motion 3 to 5 frames long; all of them return.")
    lead: bool = flag(True, help="Begin with neutral frames.")
    ragged: bool = flag(False, help="Begin and end with 0 to 2 seconds at rest.")
    shared_parts: bool = flag(
        False,
        help="Let personal_2 share its main part with personal_1, personal_4 with personal_3, and "
        "so on.",
    )
    varied: bool = flag(
        False,
        help="Vary amplitude (45 to 110 %), tempo (0.65 to 1.6 times) and head motion from take "
        "to take, and make one motion in eight a flash: people recorded on different days.",
    )
    blinks_at_boundary: float = _share(
        "recordings with a blink just before the onset, over it, or over the offset."
    )
    blinks_at_end: float = _share("recordings that end soon after the motion, under a blink.")
    glances: float = _share(
        "recordings with a glance to a side or down, before the motion or during it."
    )
    nods: float = _share("recordings in which the head nods or turns with the motion.")
    winks_first: float = _share("motions that begin with a wink of one eye.")
    second_phases: float = _share(
        "motions that fall back partly and rise again, perhaps as another one."
    )
    slow_rises: float = _share("motions with a slow start and a hesitation before the rise.")
    session_s: float = number(
        0.0, 0, 7200, option="session", help="Seconds of a session: one recording a subject, with "
        "all takes of all actions in it, and talk, head turns and glances between them. 0: one "
        "motion a recording.",
    )  # fmt: skip
    crf: int = number(20, 0, 51, help="x264's quality, 0 (lossless) to 51.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.size % 2:
            wanted = "an even number: video stores colour for two pixels at once"
            raise self.refused("size", self.size, wanted)
        if self.flash and self.style == "hold":
            wanted = "return or both, with --flash: a flash does not last"
            raise self.refused("style", self.style, wanted)
        if self.cast == "heads" and self.portraits is not None:
            raise self.refused("portraits", self.portraits, "no portraits, with --cast heads")
        if self.cast != "heads" and self.turn > 0:
            raise self.refused("turn", self.turn, "0, or --cast heads: portraits are flat")
        if self.ragged and not self.lead:
            raise self.refused("ragged", self.ragged, "either --ragged or --no-lead")
        self._check_actions()

    def _check_actions(self) -> None:
        # Imported late: it imports numpy, which `fmdata --help` does without.
        from fmdata.synth.simulator.face.expressions import EXPRESSIONS, is_word, known_action

        if isinstance(self.actions, int):
            if not 1 <= self.actions <= _MAX_ACTIONS:
                wanted = f"a number from 1 to {_MAX_ACTIONS}, or names"
                raise self.refused("actions", self.actions, wanted)
            return
        if unknown := [name for name in self.actions if not known_action(name)]:
            known = f"{', '.join(EXPRESSIONS)}, personal_1, personal_2, ..., word_1, word_2, ..."
            raise self.refused("actions", unknown[0] or "''", f"a number, or some of {known}")
        if self.session_s and (words := [name for name in self.actions if is_word(name)]):
            raise self.refused("actions", words[0], "no words, with --session: talk is no motion")
        if not self.actions or len(set(self.actions)) < len(self.actions):
            listed = ",".join(self.actions) or "''"
            raise self.refused("actions", listed, "at least one name, none of them twice")

    @property
    def action_names(self) -> list[str]:
        """The actions of each subject."""
        from fmdata.synth.simulator.face.expressions import action_names

        return action_names(self.actions) if isinstance(self.actions, int) else list(self.actions)

    @property
    def n_recordings(self) -> int:
        """The number of recordings."""
        return self.subjects * len(self.action_names) * self.takes
