"""Whom to follow: one person through a recording, whoever else comes and goes.

The person is the largest face of the first frame that shows one, and then the face that is nearest
to where the person was. Everybody is kept in mind, so that a face known to be another's is never
taken for the person's, not even in the person's place. What is seen for a moment only is no person
but a fault of the network. Functions of places alone: they know no backend and no pixels, and
cannot tell two people apart by their looks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

# In sizes of the face. A face moves no further from one frame to the next, and whoever is not
# seen may be this much further away with every frame, up to a limit: beyond it is somebody else.
REACH = 0.75
REACH_GROWTH = 0.1
MOST_REACH = 2.0
APART = 0.5  # two finds nearer than this are one face found twice
FLEETING = 5  # frames; who is seen in fewer is followed only where nobody is seen in more


@dataclass(frozen=True, slots=True)  # one a face and frame
class Place:
    """Where a face is, or was last.

    Attributes
    ----------
    x, y : float
        Centre of the box around its landmarks, in pixels.
    size : float
        Square root of the box's area, in pixels.
    unseen : int
        Frames since it was there.
    """

    x: float
    y: float
    size: float
    unseen: int = 0

    @property
    def reach(self) -> float:
        """How far it may be by the next frame, in sizes of the face."""
        return min(REACH + REACH_GROWTH * self.unseen, MOST_REACH)


def place_of(landmarks: np.ndarray) -> Place:
    """Return the place of a face whose landmarks are [N, 2] or [N, 3], in pixels."""
    low, high = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)
    x, y = (low + high) / 2
    return Place(float(x), float(y), max(float(np.sqrt(np.prod(high - low))), 1.0))


def largest(places: Sequence[Place]) -> int:
    """Position of the largest; of equals, the first."""
    return max(range(len(places)), key=lambda i: places[i].size)


def distance(one: Place, other: Place) -> float:
    """How far apart two places are, in sizes of `one`; twice as large counts as one size."""
    shift = np.hypot(other.x - one.x, other.y - one.y) / one.size
    return float(shift + abs(np.log2(other.size / one.size)))


def choose(frames: Sequence[Sequence[Place]]) -> list[int | None]:
    """Say which face is the person's in every frame of a recording.

    Parameters
    ----------
    frames : sequence of sequence of Place
        The faces found in each frame.

    Returns
    -------
    list of int or None
        Position among the faces of each frame; None where the person is not in it.
    """
    known: tuple[Place, ...] = ()
    seen: list[dict[int, int]] = []  # of each one met so far, frames and positions
    for t, found in enumerate(frames):
        known, positions = recognise(known, found)
        seen += [{} for _ in range(len(known) - len(seen))]
        for one, position in zip(seen, positions, strict=True):
            if position is not None:
                one[t] = position
    if not seen:
        return [None] * len(frames)
    least = min(FLEETING, max(map(len, seen)))

    def rank(one: dict[int, int]) -> tuple[int, float]:
        start = min(one)
        return start, -frames[start][one[start]].size

    person = min((one for one in seen if len(one) >= least), key=rank)
    return [person.get(t) for t in range(len(frames))]


def recognise(
    known: Sequence[Place], found: Sequence[Place]
) -> tuple[tuple[Place, ...], list[int | None]]:
    """Say whose faces were found in a frame.

    Parameters
    ----------
    known : sequence of Place
        Where everybody was last, as the last call returned it; empty before the first.
    found : sequence of Place
        The faces of the next frame.

    Returns
    -------
    known : tuple of Place
        Where everybody was last, in the same order, newcomers behind.
    positions : list of int or None
        For each of `known`, the position of the face in `found`; None for who is not there.
    """
    # The nearest pair first; but who was seen just now has more claim than who is long gone.
    pairs = sorted(
        (apart + REACH_GROWTH * place.unseen, i, j)
        for i, place in enumerate(known)
        for j, face in enumerate(found)
        if (apart := distance(place, face)) <= place.reach
    )
    positions: list[int | None] = [None] * len(known)
    taken: set[int] = set()
    for _, i, j in pairs:
        if positions[i] is None and j not in taken:
            positions[i] = j
            taken.add(j)
    after = [
        replace(place, unseen=place.unseen + 1) if position is None else found[position]
        for place, position in zip(known, positions, strict=True)
    ]
    for j, face in enumerate(found):
        if j not in taken and all(_shift(found[other], face) >= APART for other in taken):
            taken.add(j)
            positions.append(j)
            after.append(face)
    return tuple(after), positions


def _shift(one: Place, other: Place) -> float:
    return float(np.hypot(other.x - one.x, other.y - one.y) / max(one.size, other.size))
