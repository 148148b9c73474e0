"""The plan of a subject's compounds, as arrays, and one of them as an object."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fmdata.catalog.keys import compound_key
from fmdata.catalog.types import Segment
from fmdata.synth.takes import Take

# Places in the cuts of a compound: its segments lie between 0 and 1, 1 and 2, 3 and 4, 4 and 5.
LEAD, ONSET, STOP, START, END, TAIL = range(6)
Segments = tuple[Segment, Segment, Segment, Segment]


@dataclass(frozen=True)
class Compound:
    """One copy of C_ij, as its segments.

    Attributes
    ----------
    subject, first, second : str
        The subject, action i and action j.
    copy : int
        0 to k − 1.
    label : int
        i·N + j, with the subject's N actions in alphabetical order.
    fps : float
        Nominal frame rate of the first take.
    segments : tuple of four Segment
        Lead, first, second, tail; lead and tail may be empty.
    """

    subject: str
    first: str
    second: str
    copy: int
    label: int
    fps: float
    segments: Segments

    @property
    def key(self) -> str:
        """Key of the sample."""
        return compound_key(self.subject, self.first, self.second, self.copy)

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return sum(segment.n_frames for segment in self.segments)

    @property
    def takes(self) -> tuple[str, str]:
        """Keys of the two clips that it joins."""
        return self.segments[1].source, self.segments[2].source


@dataclass(frozen=True)
class Cell:
    """All copies of one C_ij, as counts.

    Attributes
    ----------
    first, second : str
        The two actions.
    takes : tuple of int
        Number of usable takes of each.
    pairs, unpaired : int
        Pairs of takes that can be joined, and those that cannot because their rates differ.
    made, identical : int
        Number of copies, and of those left out because they would be identical to an earlier one.
    one_take_twice : bool
        True where a compound joins a take with itself, which shows its frames twice.
    """

    first: str
    second: str
    takes: tuple[int, int]
    pairs: int
    unpaired: int
    made: int
    identical: int
    one_take_twice: bool


@dataclass(frozen=True)
class Plan:
    """The compounds of one subject, sorted by key.

    Attributes
    ----------
    subject : str
        Its name.
    names : list of str
        All its actions, in alphabetical order.
    takes : list of Take
        Its usable takes.
    cells : list of Cell
        One for each C_ij, in the order i, j.
    label, copy : int32 [N]
        Of each compound, as in :class:`Compound`.
    one, other : int32 [N]
        Its two takes, as places in `takes`.
    cuts : int32 [N, 6]
        Where its segments begin and end: :data:`LEAD` to :data:`TAIL`.
    """

    subject: str
    names: list[str]
    takes: list[Take]
    cells: list[Cell]
    label: np.ndarray
    copy: np.ndarray
    one: np.ndarray
    other: np.ndarray
    cuts: np.ndarray

    def __len__(self) -> int:
        return len(self.label)

    @cached_property
    def n_frames(self) -> np.ndarray:
        """Number of frames of each compound, int32 [N]."""
        cuts = self.cuts
        frames: np.ndarray = cuts[:, STOP] - cuts[:, LEAD] + cuts[:, TAIL] - cuts[:, START]
        return frames

    def __getitem__(self, at: int) -> Compound:
        label, lead, *cuts = map(int, (self.label[at], *self.cuts[at]))
        onset, stop, start, end, tail = cuts
        one, other = self.takes[self.one[at]], self.takes[self.other[at]]
        segments = (
            Segment(one.key, lead, onset, "lead"),
            Segment(one.key, onset, stop, "first"),
            Segment(other.key, start, end, "second"),
            Segment(other.key, end, tail, "tail"),
        )
        i, j = divmod(label, len(self.names))
        names = self.subject, self.names[i], self.names[j]
        return Compound(*names, int(self.copy[at]), label, one.rate, segments)
