"""Plans the compounds of a subject: the frames of each, before any pixel is read.

From section 3.1 of Sun et al. 2023: a subject with N actions has N² compounds C_ij, k copies of
each. A copy is neutral frames before A_i, the motion of A_i, the motion of A_j, and neutral or
apex frames after A_j.

Promise: a draw depends on the seed, the subject, the two actions and the copy, and on nothing
else, so a new subject changes no other subject's compounds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from fmdata.catalog.keys import compound_key, draw_seed
from fmdata.catalog.types import Motion, Segment

# Two takes with a larger relative difference would change tempo in the middle of a compound.
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
        """Key of the sample."""
        return compound_key(self.subject, self.first, self.second, self.copy)

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return sum(segment.n_frames for segment in self.segments)


def plan_subject(
    subject: str, actions: Sequence[str], takes: Sequence[Take], *, k: int, seed: int
) -> list[Compound]:
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

    Returns
    -------
    list of Compound
        Without every C_ij that has no pair of takes of one frame rate.
    """
    names = sorted(actions)
    compounds = []
    for label, (first, second) in enumerate(product(names, names)):
        pairs = take_pairs(subject, first, second, takes, seed=seed)
        for copy in range(k if pairs else 0):
            one, other = pairs[copy % len(pairs)]
            rng = np.random.default_rng(draw_seed("ends", seed, subject, first, second, copy))
            segments = draw_segments(one, other, rng)
            compounds.append(Compound(subject, first, second, copy, label, one.fps, segments))
    return compounds


def take_pairs(
    subject: str, first: str, second: str, takes: Sequence[Take], *, seed: int
) -> list[tuple[Take, Take]]:
    """Return the pairs of takes of two actions, in random order; copy n uses pair n.

    For i = j, a take is paired with itself only if the action has no other take, because such a
    copy holds the same frames twice.
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
    rng = np.random.default_rng(draw_seed("pairs", seed, subject, first, second))
    return [pairs[i] for i in rng.permutation(len(pairs))]


def draw_segments(
    one: Take, other: Take, rng: np.random.Generator
) -> tuple[Segment, Segment, Segment, Segment]:
    """Draw lead, first, second and tail of a compound of two takes.

    The lead ends at the onset of `one`. The tail of a ``return`` take begins at its offset. The
    tail of a ``hold`` take is the end of its held apex, which the second segment contains as well.
    """
    a, b = one.motion, other.motion
    lead = int(rng.integers(0, a.onset, endpoint=True))
    if b.style == "return":
        tail = int(rng.integers(0, other.n_frames - b.offset, endpoint=True))
        tail_start = b.offset
    else:
        tail = int(rng.integers(0, other.n_frames - b.apex, endpoint=True))
        tail_start = other.n_frames - tail
    return (
        Segment(one.key, a.onset - lead, a.onset, "lead"),
        Segment(one.key, a.onset, a.offset, "first"),
        Segment(other.key, b.onset, b.offset, "second"),
        Segment(other.key, tail_start, tail_start + tail, "tail"),
    )
