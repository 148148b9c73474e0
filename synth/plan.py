"""Which frames of which takes make each compound. Decides everything, touches no pixel.

From section 3.1 of Sun et al. 2023: a subject with N actions makes N² compounds C_ij, k copies of
each; a copy is neutral frames before A_i, the motion of A_i, the motion of A_j, and neutral or
apex frames after A_j.

Promise: a draw depends on the seed, the subject, the two actions and the copy, and on nothing
else, so adding a subject changes no other subject's compounds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from fmdata.catalog.keys import compound_key, draw_seed
from fmdata.catalog.types import Motion, Segment

# Takes whose frame rates differ by more would change tempo in the middle of a compound.
FPS_TOLERANCE = 0.01


@dataclass(frozen=True)
class Take:
    """A usable clip: one that has a motion."""

    key: str
    action: str
    n_frames: int
    fps: float
    motion: Motion


@dataclass(frozen=True)
class Compound:
    """One copy of C_ij, as the segments it is made of.

    Attributes
    ----------
    subject, first, second : str
        Who, action i, action j.
    copy : int
        0 to k − 1.
    label : int
        i·N + j, with the subject's N actions in alphabetical order.
    fps : float
        Frame rate of the first take.
    segments : tuple of four Segment
        Lead, first, second, tail; lead and tail may be empty.
    """

    subject: str
    first: str
    second: str
    copy: int
    label: int
    fps: float
    segments: tuple[Segment, Segment, Segment, Segment]

    @property
    def key(self) -> str:
        """The sample's key."""
        return compound_key(self.subject, self.first, self.second, self.copy)

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return sum(segment.n_frames for segment in self.segments)


def plan_subject(
    subject: str, actions: Sequence[str], takes: Sequence[Take], *, k: int, seed: int
) -> list[Compound]:
    """Every compound of one subject, in the order i, j, copy.

    Parameters
    ----------
    subject : str
        Who.
    actions : sequence of str
        All of the subject's actions, those without a usable take included: they give the labels.
    takes : sequence of Take
        The usable clips of that subject.
    k : int
        Copies of each compound.
    seed : int
        Seed of the draws.

    Returns
    -------
    list of Compound
        Without those C_ij for which there is no pair of takes of one frame rate.
    """
    names = sorted(actions)
    compounds = []
    for label, (first, second) in enumerate(product(names, names)):
        pairs = take_pairs(subject, first, second, takes, seed=seed)
        for copy in range(k if pairs else 0):
            one, other = pairs[copy % len(pairs)]
            draw = np.random.default_rng(draw_seed("ends", seed, subject, first, second, copy))
            compounds.append(
                Compound(subject, first, second, copy, label, one.fps, splice(one, other, draw))
            )
    return compounds


def take_pairs(
    subject: str, first: str, second: str, takes: Sequence[Take], *, seed: int
) -> list[tuple[Take, Take]]:
    """Pairs of takes of two actions, in the order in which copies use them up.

    For i = j, pairs of two different takes where there are two: a copy made of one take twice
    would hold the same pixels twice.
    """
    ones = sorted((t for t in takes if t.action == first), key=lambda t: t.key)
    others = sorted((t for t in takes if t.action == second), key=lambda t: t.key)
    pairs = [
        (one, other)
        for one, other in product(ones, others)
        if abs(one.fps - other.fps) <= FPS_TOLERANCE * one.fps
    ]
    different = [(one, other) for one, other in pairs if one.key != other.key]
    pairs = different or pairs
    draw = np.random.default_rng(draw_seed("pairs", seed, subject, first, second))
    return [pairs[i] for i in draw.permutation(len(pairs))]


def splice(
    one: Take, other: Take, draw: np.random.Generator
) -> tuple[Segment, Segment, Segment, Segment]:
    """Lead, first, second and tail of a compound of two takes.

    The lead ends at the onset of `one`. The tail of a ``return`` take begins at its offset; that
    of a ``hold`` take is the end of its held apex, frames that the second segment has shown too.
    """
    a, b = one.motion, other.motion
    lead = int(draw.integers(0, a.onset, endpoint=True))
    if b.style == "return":
        tail = int(draw.integers(0, other.n_frames - b.offset, endpoint=True))
        tail_start = b.offset
    else:
        tail = int(draw.integers(0, other.n_frames - b.apex, endpoint=True))
        tail_start = other.n_frames - tail
    return (
        Segment(one.key, a.onset - lead, a.onset, "lead"),
        Segment(one.key, a.onset, a.offset, "first"),
        Segment(other.key, b.onset, b.offset, "second"),
        Segment(other.key, tail_start, tail_start + tail, "tail"),
    )
