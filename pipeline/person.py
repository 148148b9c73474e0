"""Whom to follow: one person through a recording, whoever else comes and goes.

The largest face of the first frame that shows one is the person; from then on the face that is
nearest to where the person was. Everybody else is kept in mind too, so that a face known to be
another's is never taken for the person's, not even in the person's place. A function of places
alone: it knows no backend and no pixels, and cannot tell two people apart by their looks.
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


@dataclass(frozen=True)
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


def recognise(
    known: Sequence[Place], found: Sequence[Place]
) -> tuple[tuple[Place, ...], int | None]:
    """Say which of the faces found in a frame is the person's.

    Parameters
    ----------
    known : sequence of Place
        What the last call returned, the person first; empty before anybody was seen.
    found : sequence of Place
        The faces of the next frame.

    Returns
    -------
    known : tuple of Place
        Where everybody was last, the person first.
    chosen : int or None
        Position of the person in `found`; None where the person is not in the frame.
    """
    if not found:
        return tuple(replace(place, unseen=place.unseen + 1) for place in known), None
    if not known:
        known = [found[largest(found)]]
    # The nearest pair first; but who was seen just now has more claim than who is long gone.
    pairs = sorted(
        (apart + REACH_GROWTH * place.unseen, i, j)
        for i, place in enumerate(known)
        for j, face in enumerate(found)
        if (apart := distance(place, face)) <= place.reach
    )
    match: dict[int, int] = {}
    for _, i, j in pairs:
        if i not in match and j not in match.values():
            match[i] = j
    after = [
        found[match[i]] if i in match else replace(place, unseen=place.unseen + 1)
        for i, place in enumerate(known)
    ]
    for j, place in enumerate(found):
        seen = (other for other in after if other.unseen == 0)
        if j not in match.values() and all(_shift(other, place) >= APART for other in seen):
            after.append(place)
    return tuple(after), match.get(0)


def _shift(one: Place, other: Place) -> float:
    return float(np.hypot(other.x - one.x, other.y - one.y) / max(one.size, other.size))
