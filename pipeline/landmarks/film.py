"""The frames of a recording, for one stage after another: decoded once where memory allows.

Frames are kept as long as all of them together have at most `KEPT_BYTES`; of a larger recording,
the part of each frame around its faces, for the crops. What is not kept is decoded again. Promise:
what is kept changes no pixel of a crop, and memory does not grow with a recording's length.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from fmdata.pipeline.landmarks.face import Face
from fmdata.pipeline.landmarks.upright import turned
from fmdata.pipeline.reading.decode import Frame

KEPT_BYTES = 1 << 27
MARGIN = 0.5  # around the box of the faces in a frame, of its longer side: a crop is larger


class Watch(Protocol):
    """Receives a sign of life from the stages."""

    def beat(self, stage: str, new_frames: int = 0) -> None:
        """Report the stage at work, and the frames begun since the last report."""


class Film:
    """The frames of a recording.

    Parameters
    ----------
    decoded : callable
        Begins to decode the recording, and returns its frames.
    watch : Watch
        Receives the stage at work: decoding, or the one that uses a frame.

    Attributes
    ----------
    turn : int
        Degrees by which frames are turned clockwise.
    """

    def __init__(self, decoded: Callable[[], Iterator[Frame]], watch: Watch) -> None:
        self._decoded, self._watch = decoded, watch
        self.turn = 0
        self._kept: list[Frame] | None = []  # whole frames; None where they are too large
        self._rest: Iterator[Frame] | None = None  # yields the frames after those kept
        self._is_complete = False
        self._parts: list[Frame] | None = []  # turned; None where they are too large
        self._boxes: list[tuple[slice, slice]] = []  # rows and columns of the parts
        self._bytes = 0

    def frames(self, stage: str) -> Iterator[Frame]:
        """Yield the frames, for a stage."""
        return self._watched(turned(self._whole(), self.turn), stage)

    def cropped(self, stage: str, corners: np.ndarray) -> Iterator[Frame]:
        """Yield the frames, or parts of them, for a stage that uses no other pixels than some.

        `corners` are the smallest and largest x and y of those, int [T, 2, 2].
        """
        parts = self._parts
        if not self._is_complete and parts is not None and _all_inside(corners, parts):
            return self._watched(self._counted(parts), stage)
        return self.frames(stage)

    def see(self, frame: Frame, faces: Sequence[Face]) -> None:
        """Note the faces of the frame that was yielded last, in a first pass over all frames."""
        box = _around(faces, frame.rgb.shape)
        if box is None:  # the face has hardly moved since it was seen
            box = self._boxes[-1] if self._boxes else (slice(None), slice(None))
        self._boxes.append(box)
        if self._kept is None:
            self._add_part(frame, box)

    def _watched(self, frames: Iterator[Frame], stage: str) -> Iterator[Frame]:
        self._watch.beat("decode")
        for frame in frames:
            self._watch.beat(stage)
            yield frame
            self._watch.beat("decode")
        self._watch.beat(stage)

    def _counted(self, frames: Sequence[Frame]) -> Iterator[Frame]:
        for frame in frames:
            self._watch.beat("decode", 1)
            yield frame

    def _whole(self) -> Iterator[Frame]:
        """Yield the frames that are kept, then those not yet decoded; or decode all again."""
        if self._kept is None:
            yield from self._decoded()
            return
        yield from self._counted(self._kept)
        if self._rest is None:
            self._rest = self._decoded()
        for frame in () if self._is_complete else self._rest:
            self._keep(frame)
            yield frame
        self._is_complete = self._kept is not None

    def _keep(self, frame: Frame) -> None:
        if self._kept is None:
            return
        self._kept.append(frame)
        self._bytes += frame.rgb.nbytes
        if self._bytes > KEPT_BYTES:
            self._shrink(self._kept)

    def _shrink(self, kept: list[Frame]) -> None:
        """Replace the frames by their parts, one by one; the last has no part yet."""
        self._kept, self._bytes = None, 0
        kept.reverse()
        for box in self._boxes:
            self._add_part(next(turned(iter([kept.pop()]), self.turn)), box)

    def _add_part(self, frame: Frame, box: tuple[slice, slice]) -> None:
        if self._parts is None:
            return
        part = frame.rgb[box].copy()
        self._bytes += part.nbytes
        if self._bytes > KEPT_BYTES:
            self._parts = None
        else:
            corner = box[1].start or 0, box[0].start or 0
            whole = frame.rgb.shape[1], frame.rgb.shape[0]
            self._parts.append(replace(frame, rgb=part, corner=corner, whole=whole))


def _around(faces: Sequence[Face], shape: tuple[int, ...]) -> tuple[slice, slice] | None:
    """Return the rows and columns of the part of a frame around its faces, None without any."""
    if not faces:
        return None
    points = np.concatenate([face.landmarks[:, :2] for face in faces])
    low, high = points.min(axis=0), points.max(axis=0)
    margin = MARGIN * (high - low).max()
    left, top = np.floor(low - margin).clip(0, (shape[1] - 1, shape[0] - 1)).astype(int).tolist()
    right, bottom = np.ceil(high + margin).clip(1, (shape[1], shape[0])).astype(int).tolist()
    return slice(top, max(bottom, top + 1)), slice(left, max(right, left + 1))


def _all_inside(corners: np.ndarray, parts: Sequence[Frame]) -> bool:
    """Return whether the parts hold all pixels of the frames between the corners."""
    if len(corners) != len(parts):
        return False
    corner = np.array([part.corner for part in parts])
    size = np.array([part.rgb.shape[1::-1] for part in parts])
    whole = np.array([part.whole for part in parts])
    low, high = corners[:, 0].clip(0, whole), corners[:, 1].clip(0, whole)
    inside = (corner <= low) & (high <= corner + size)
    return bool((inside | (low >= high)).all())
