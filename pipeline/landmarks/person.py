"""Tracks one person by greedy nearest-neighbour association of face boxes; no appearance model.

All faces are tracked. The person is the largest face of the first frame that shows one, and then
the face nearest to the person's last box. A face that continues another person's track is never
assigned to the person, even in the person's place. A track of a few frames is a false detection,
not a person. Everything here works on boxes alone, without pixels and for any backend.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

# Distances are in sizes of the face. The gate is the largest distance from a face's last box to
# its next one; it grows with each frame in which the face is not found, up to MAX_GATE.
GATE = 0.75
GATE_GROWTH = 0.1  # per missed frame
MAX_GATE = 2.0
MIN_SEPARATION = 0.5  # two detections nearer than this are one face, detected twice
MIN_SEEN = 5  # frames of a track; a shorter one is followed only if no track is longer


@dataclass(frozen=True, slots=True)  # slots: there is one object per face and frame
class FaceBox:
    """The last known box of a face.

    Attributes
    ----------
    x, y : float
        Centre of the box around the landmarks, in pixels.
    size : float
        Square root of the box's area, in pixels.
    missed : int
        Frames since the face was last found.
    """

    x: float
    y: float
    size: float
    missed: int = 0

    @property
    def gate(self) -> float:
        """Largest distance to the face's box in the next frame, in sizes of the face."""
        return min(GATE + GATE_GROWTH * self.missed, MAX_GATE)


def box_of(landmarks: np.ndarray) -> FaceBox:
    """Return the box of a face whose landmarks are [N, 2] or [N, 3], in pixels."""
    low, high = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)
    x, y = (low + high) / 2
    return FaceBox(float(x), float(y), max(float(np.sqrt(np.prod(high - low))), 1.0))


def largest(boxes: Sequence[FaceBox]) -> int:
    """Return the position of the largest box; of equal ones, the first."""
    return max(range(len(boxes)), key=lambda i: boxes[i].size)


def distance(one: FaceBox, other: FaceBox) -> float:
    """Return the distance of two boxes, in sizes of `one`; a factor of two in size counts as 1."""
    shift = np.hypot(other.x - one.x, other.y - one.y) / one.size
    return float(shift + abs(np.log2(other.size / one.size)))


def choose_person(frames: Sequence[Sequence[FaceBox]]) -> list[int | None]:
    """Choose the person's face in every frame of a recording.

    Parameters
    ----------
    frames : sequence of sequence of FaceBox
        The faces found in each frame.

    Returns
    -------
    list of int or None
        Position among the faces of each frame; None where the person is not found.
    """
    known: tuple[FaceBox, ...] = ()
    tracks: list[dict[int, int]] = []  # of each known face: its position in each frame
    for t, found in enumerate(frames):
        known, positions = associate(known, found)
        tracks += [{} for _ in range(len(known) - len(tracks))]
        for track, position in zip(tracks, positions, strict=True):
            if position is not None:
                track[t] = position
    if not tracks:
        return [None] * len(frames)
    shortest = min(MIN_SEEN, max(map(len, tracks)))

    def rank(track: dict[int, int]) -> tuple[int, float]:
        start = min(track)
        return start, -frames[start][track[start]].size

    person = min((track for track in tracks if len(track) >= shortest), key=rank)
    return [person.get(t) for t in range(len(frames))]


def associate(
    known: Sequence[FaceBox], found: Sequence[FaceBox]
) -> tuple[tuple[FaceBox, ...], list[int | None]]:
    """Associate the faces found in a frame with the known faces.

    Parameters
    ----------
    known : sequence of FaceBox
        The result of the last call; empty before the first.
    found : sequence of FaceBox
        The faces of the next frame.

    Returns
    -------
    known : tuple of FaceBox
        The last box of every known face, in the same order, new faces at the end.
    positions : list of int or None
        Position in `found` of each of `known`; None for a face that is not found.
    """
    positions = _nearest(known, found)
    after = [
        replace(box, missed=box.missed + 1) if position is None else found[position]
        for box, position in zip(known, positions, strict=True)
    ]
    taken = {position for position in positions if position is not None}
    for j, face in enumerate(found):
        if j not in taken and all(_shift(found[i], face) >= MIN_SEPARATION for i in taken):
            taken.add(j)
            positions.append(j)
            after.append(face)
    return tuple(after), positions


def _nearest(known: Sequence[FaceBox], found: Sequence[FaceBox]) -> list[int | None]:
    """Assign found faces to known ones, the nearest pair first, within the gates."""
    # A known face that was found recently takes precedence over one missed for long.
    pairs = sorted(
        (apart + GATE_GROWTH * box.missed, i, j)
        for i, box in enumerate(known)
        for j, face in enumerate(found)
        if (apart := distance(box, face)) <= box.gate
    )
    positions: list[int | None] = [None] * len(known)
    taken: set[int] = set()
    for _, i, j in pairs:
        if positions[i] is None and j not in taken:
            positions[i] = j
            taken.add(j)
    return positions


def _shift(one: FaceBox, other: FaceBox) -> float:
    """Return the distance of two centres, in sizes of the larger box."""
    return float(np.hypot(other.x - one.x, other.y - one.y) / max(one.size, other.size))
