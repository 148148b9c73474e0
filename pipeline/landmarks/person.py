"""Tracks one person by greedy nearest-neighbour association of face boxes; no appearance model.

All faces are tracked. The person is one of the tracks: by default the one that begins as the
largest face of the first frame that shows any. A face that continues another person's track is
never assigned to the person, even in the person's place. A track of a few frames is a false
detection, not a person. Everything here works on boxes alone, without pixels and for any backend.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from fmdata.catalog.errors import RecordingError
from fmdata.pipeline.reading.listing.whom import point_of

# Distances are in sizes of the face. The gate is the largest distance from a face's last box to
# its next one; it grows with each frame in which the face is not found, up to MAX_GATE.
GATE = 0.75
GATE_GROWTH = 0.1  # per missed frame
MAX_GATE = 2.0
MIN_SEPARATION = 0.5  # two detections nearer than this are one face, detected twice
MAX_OFF_POINT = 1.0  # from a point that names a person to the middle of the face
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


def choose_person(
    frames: Sequence[Sequence[FaceBox]], whom: str = "largest", width: int = 0
) -> list[int | None]:
    """Choose the person's face in every frame of a recording.

    Parameters
    ----------
    frames : sequence of sequence of FaceBox
        The faces found in each frame.
    whom : str
        ``largest`` is the largest face of the first frame that shows one. ``left``, ``right`` and
        ``centre`` compare the median place of all faces that are seen at least half as long as the
        one seen longest. A point ``x,y``, in pixels, lies on the face where it is first seen.
    width : int
        Width of the frames, for ``centre``.

    Returns
    -------
    list of int or None
        Position among the faces of each frame; None where the person is not found.

    Raises
    ------
    RecordingError
        With reason ``no_face`` when no face is near the point.
    """
    tracks = _tracks(frames)
    if not tracks:
        return [None] * len(frames)
    longest = max(len(track) for track in tracks)
    if (point := point_of(whom)) is not None:
        person = _at_point(_at_least(MIN_SEEN, tracks), point)
    elif whom == "largest":
        person = min(_at_least(MIN_SEEN, tracks), key=lambda one: (one.start, -one.first.size))
    else:
        person = min(_at_least(math.ceil(longest / 2), tracks), key=_PLACE[whom](width))
    return [person.positions.get(t) for t in range(len(frames))]


@dataclass
class _FaceTrack:
    """One face through a recording: its position among the faces of each frame, and its boxes."""

    positions: dict[int, int] = field(default_factory=dict)
    boxes: list[FaceBox] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.boxes)

    @property
    def start(self) -> int:
        """First frame that shows the face."""
        return next(iter(self.positions))

    @property
    def first(self) -> FaceBox:
        """Box in that frame."""
        return self.boxes[0]

    @property
    def x(self) -> float:
        """Median place from the left, in pixels."""
        return float(np.median([box.x for box in self.boxes]))


_Place = Callable[[_FaceTrack], float]
_PLACE: dict[str, Callable[[int], _Place]] = {
    "left": lambda width: lambda track: track.x,
    "right": lambda width: lambda track: -track.x,
    "centre": lambda width: lambda track: abs(track.x - width / 2),
}


def _tracks(frames: Sequence[Sequence[FaceBox]]) -> list[_FaceTrack]:
    """Return the track of every face, in the order in which they are first seen."""
    known: tuple[FaceBox, ...] = ()
    tracks: list[_FaceTrack] = []
    for t, found in enumerate(frames):
        known, positions = associate(known, found)
        tracks += [_FaceTrack() for _ in range(len(known) - len(tracks))]
        for track, position in zip(tracks, positions, strict=True):
            if position is not None:
                track.positions[t] = position
                track.boxes.append(found[position])
    return tracks


def _at_least(n_frames: int, tracks: Sequence[_FaceTrack]) -> list[_FaceTrack]:
    """Return the tracks of so many frames; the longest where there is none."""
    shortest = min(n_frames, max(map(len, tracks)))
    return [track for track in tracks if len(track) >= shortest]


def _at_point(tracks: Sequence[_FaceTrack], point: tuple[float, float]) -> _FaceTrack:
    """Return the track that begins nearest to a point, in sizes of the face."""

    def off(track: _FaceTrack) -> float:
        box = track.first
        return float(np.hypot(box.x - point[0], box.y - point[1])) / box.size

    nearest = min(tracks, key=off)
    if off(nearest) > MAX_OFF_POINT:
        x, y = round(nearest.first.x), round(nearest.first.y)
        detail = f"no face at {point[0]:g},{point[1]:g} (person); the nearest is at {x},{y}"
        raise RecordingError("landmarks", "no_face", detail)
    return nearest


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
