"""Finds recordings whose faces lie or stand on their head, and turns their frames.

A landmark network puts an upright mesh on a face that is upside down, so its own result cannot say
which way is up. But it follows a face that lies on its side. So a few frames are shown to it turned
by quarter turns as well, and the direction that most of the views agree on is the face's.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache

import numpy as np

from fmdata.pipeline.landmarks.face import Landmarker
from fmdata.pipeline.landmarks.person import box_of, largest
from fmdata.pipeline.reading.decode import Frame

QUARTERS = (0, 90, 180, 270)  # degrees, clockwise
TOLERANCE_DEG = 30.0  # of a face's direction from a quarter turn
MIN_AGREEING = 3  # frames that must all need the same turn


def needed_turn(frames: Iterable[Frame], landmarker: Landmarker) -> int:
    """Return the clockwise turn that makes the faces of a recording upright.

    Looks at frames 0, 1, 2, 4, 8 and so on, until one shows an upright face, which is mostly the
    first, or until some show faces that all need the same turn.

    Parameters
    ----------
    frames : iterable of Frame
        Consumed only as far as needed.

    Returns
    -------
    int
        0, 90, 180 or 270 degrees; 0 as well where no face is found.
    """
    turns: list[int] = []
    for frame in frames:
        if frame.index & (frame.index - 1):
            continue  # no power of two
        turn = _turn_of(frame.rgb, landmarker)
        if turn == 0:
            return 0
        turns += [] if turn is None else [turn]
        if len(turns) == MIN_AGREEING:
            break
    return turns[0] if len(set(turns)) == 1 else 0


def turned(frames: Iterable[Frame], turn: int) -> Iterator[Frame]:
    """Yield the frames, turned clockwise by 0, 90, 180 or 270 degrees."""
    for frame in frames:
        if turn == 0:
            yield frame
        else:
            picture = replace(frame.picture, turned=turn)
            yield replace(frame, rgb=_rotated(frame.rgb, turn), picture=picture)


def _turn_of(rgb: np.ndarray, landmarker: Landmarker) -> int | None:
    """Return the turn that makes the largest face of a frame upright, None if that is unclear."""
    views = cache(lambda view: _seen_turn(rgb, view, landmarker))
    if views(0) == 0:
        from_the_side = views(90) if views(90) is not None else views(270)
        if from_the_side in (0, None):
            return 0
    votes = Counter(views(view) for view in QUARTERS)
    del votes[None]
    first, *others = votes.most_common(2) or [(None, 0)]
    return None if others and others[0][1] == first[1] else first[0]


def _seen_turn(rgb: np.ndarray, view: int, landmarker: Landmarker) -> int | None:
    """Return the turn that the largest face needs, as seen in the frame turned by `view`."""
    faces = landmarker.detect(_rotated(rgb, view))
    if not faces:
        return None
    face = faces[largest([box_of(face.landmarks) for face in faces])]
    # Roll is counter-clockwise in the view, so a turn by it makes the face upright there.
    turn = view + float(face.pose[2])
    quarter = round(turn / 90) * 90
    return quarter % 360 if abs(turn - quarter) <= TOLERANCE_DEG else None


def _rotated(rgb: np.ndarray, turn: int) -> np.ndarray:
    """Turn a picture clockwise by quarter turns."""
    return np.ascontiguousarray(np.rot90(rgb, -turn // 90))
