"""Plans the compounds of a subject: the frames of each, before a frame is copied.

From section 3.1 of Sun et al. 2023: a subject with N actions has N² compounds C_ij, k copies of
each. A copy is neutral frames before A_i, the motion of A_i, the motion of A_j, and neutral or
apex frames after A_j. A held A_j moves to its apex, and its held frames are the tail.

Promise: a draw depends on the seed, the subject, the two actions, their takes and the copy, and on
nothing else, so a new subject changes no other subject's compounds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np

from fmdata.catalog.keys import compound_key, draw_seed
from fmdata.catalog.rest import second_stop
from fmdata.catalog.types import Segment
from fmdata.synth.takes import Join, JoinOf, Take, joins_of, spread

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
    """All copies of one C_ij.

    Attributes
    ----------
    first, second : str
        The two actions.
    takes : tuple of int
        Number of usable takes of each.
    pairs, unpaired : int
        Pairs of takes that can be joined, and those that cannot because their rates differ.
    compounds : list of Compound
        The copies, without those that would be identical to an earlier one.
    identical : int
        Number of copies left out for that.
    """

    first: str
    second: str
    takes: tuple[int, int]
    pairs: int
    unpaired: int
    compounds: list[Compound]
    identical: int

    @property
    def one_take_twice(self) -> bool:
        """True where a compound joins a take with itself, which shows its frames twice."""
        return any(one == other for one, other in (c.takes for c in self.compounds))


def plan_subject(
    subject: str,
    actions: Sequence[str],
    takes: Sequence[Take],
    *,
    k: int,
    seed: int,
    join: JoinOf | None = None,
) -> list[Cell]:
    """Plan every compound of one subject, in the order i, j, copy.

    Parameters
    ----------
    subject : str
        Name of the subject.
    actions : sequence of str
        All actions of the subject. Those without a usable take count too: labels follow from them.
    takes : sequence of Take
        Usable clips of the subject.
    k : int
        Copies of each compound.
    seed : int
        Seed of the draws.
    join : callable, optional
        Joins two takes at the frames that fit best. By default the takes are drawn, and the motions
        meet at their offset and onset.

    Returns
    -------
    list of Cell
        One for each C_ij.
    """
    names = sorted(actions)
    by_action = {
        name: sorted((t for t in takes if t.action == name), key=lambda t: t.key) for name in names
    }
    return [
        _plan_cell(_Cell(subject, first, second, label), by_action, k=k, seed=seed, join=join)
        for label, (first, second) in enumerate(product(names, names))
    ]


class _Cell(NamedTuple):
    """One C_ij: names of its subject and actions, and its label."""

    subject: str
    first: str
    second: str
    label: int


def _plan_cell(
    cell: _Cell, takes: Mapping[str, Sequence[Take]], *, k: int, seed: int, join: JoinOf | None
) -> Cell:
    """Plan the copies of one C_ij; `takes` are the subject's, by action, sorted by key."""
    names = cell.subject, cell.first, cell.second
    ones, others = takes[cell.first], takes[cell.second]
    drawn = _drawn(ones, others, draw_seed("pairs", seed, *names))
    joins = joins_of(ones, others, join or drawn)
    compounds: dict[Segments, Compound] = {}
    for copy, chosen in enumerate(spread(joins, k)):
        rng = np.random.default_rng(draw_seed("ends", seed, *names, copy))
        segments = draw_segments(chosen, rng)
        made = Compound(*names, copy, cell.label, chosen.one.rate, segments)
        compounds.setdefault(segments, made)
    possible = len(ones) * (len(others) - (cell.first == cell.second))
    return Cell(
        cell.first,
        cell.second,
        takes=(len(ones), len(others)),
        pairs=len(joins),
        unpaired=possible - sum(one.one is not one.other for one in joins),
        compounds=list(compounds.values()),
        identical=(k if joins else 0) - len(compounds),
    )


def draw_segments(join: Join, rng: np.random.Generator) -> Segments:
    """Draw lead and tail of a compound of two joined takes.

    The lead ends at the onset of the first motion, the tail begins where the second motion ends:
    at its offset or, where it is held, at its apex. Their lengths are drawn from none to all frames
    that qualify.
    """
    one, other = join.one, join.other
    lead = int(rng.integers(0, one.motion.lead, endpoint=True))
    tail = int(rng.integers(0, other.tail_room, endpoint=True))
    onset, stop = one.motion.onset, second_stop(other.motion)
    return (
        Segment(one.key, onset - lead, onset, "lead"),
        Segment(one.key, onset, join.stop, "first"),
        Segment(other.key, join.start, stop, "second"),
        Segment(other.key, stop, stop + tail, "tail"),
    )


def _drawn(ones: Sequence[Take], others: Sequence[Take], seed: int) -> JoinOf:
    """Return the function that joins takes at offset and onset, at a random cost."""
    rng = np.random.default_rng(seed)
    costs = {(one.key, other.key): float(rng.random()) for one in ones for other in others}

    def join(one: Take, other: Take) -> Join:
        cost = costs[one.key, other.key]
        return Join(one, other, one.motion.offset, other.motion.onset, cost)

    return join
