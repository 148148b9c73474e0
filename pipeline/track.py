"""From frames to a track: one person's face in every frame, and what is known of the frame."""

from collections.abc import Iterable
from dataclasses import replace

import cv2
import numpy as np

from fmdata.catalog.errors import RecordingError
from fmdata.catalog.types import Track
from fmdata.pipeline.decode import Frame
from fmdata.pipeline.landmarks import Face, Landmarker
from fmdata.pipeline.lbp import grey
from fmdata.pipeline.person import choose, place_of
from fmdata.pipeline.runs import merged, runs_of

MOST_GAP = 5  # frames without a face, between two with one, that may be taken as seen


def follow(frames: Iterable[Frame], landmarker: Landmarker, min_detected: float) -> Track:
    """Find one person's face in every frame.

    Where it is not found, all that is measured of it is interpolated in time between the frames
    before and after, and `detected` says so. Gaps of up to `MOST_GAP` frames are forgiven;
    longer ones, and what lies before the first face and after the last, count as lost.

    Parameters
    ----------
    frames : iterable of Frame
        Consumed one at a time.
    landmarker : Landmarker
        The backend.
    min_detected : float
        Share of the frames that must show the face or lie in a gap that is forgiven.

    Raises
    ------
    RecordingError
        With reason ``no_frames``, ``no_face`` or ``face_lost``.
    """
    times: list[float] = []
    found: list[list[Face]] = []
    looks: list[list[np.ndarray]] = []
    blocks = _Blocks()
    width = height = 0
    for frame in frames:
        height, width = frame.rgb.shape[:2]
        times.append(frame.time_s)
        found.append([blocks.keep(face) for face in landmarker.detect(frame.rgb)])
        looks.append([_look(frame.rgb, face) for face in found[-1]])
    chosen = choose([[place_of(face.landmarks) for face in some] for some in found])
    faces = [None if i is None else some[i] for some, i in zip(found, chosen, strict=True)]
    most = max(map(len, found), default=0)
    detected = np.array([face is not None for face in faces], bool)
    _require(detected, min_detected, most)
    look = [None if i is None else some[i] for some, i in zip(looks, chosen, strict=True)]
    brightness, sharpness = np.ascontiguousarray(_filled(look).T)
    return Track(
        detected=detected,
        timestamps_s=np.array(times, np.float64),
        landmarks=_filled([f.landmarks if f else None for f in faces]),
        pose=_filled([f.pose if f else None for f in faces]),
        blendshapes=_blendshapes(faces),
        brightness=brightness,
        sharpness=sharpness,
        width=width,
        height=height,
        faces=most,
    )


class _Blocks:
    """Landmarks in blocks of many frames, which go back to the system whole when done with.

    Thousands of small arrays would leave their memory in pieces that nothing else fits into.
    """

    ROWS = 1024

    def __init__(self) -> None:
        self._block: np.ndarray | None = None
        self._filled = 0

    def keep(self, face: Face) -> Face:
        """Return the face with its landmarks in a block."""
        if self._block is None or self._filled == self.ROWS:
            self._block = np.empty((self.ROWS, *face.landmarks.shape), np.float32)
            self._filled = 0
        row = self._block[self._filled]
        row[:] = face.landmarks
        self._filled += 1
        return replace(face, landmarks=row)


def _require(detected: np.ndarray, min_detected: float, most: int) -> None:
    if len(detected) == 0:
        raise RecordingError("decode", "no_frames", "no frame in the recording")
    found, asked = int(detected.sum()), len(detected)
    if found == 0:
        raise RecordingError("landmarks", "no_face", f"no face in any of {asked} frames")
    bridged = sum(stop - start for start, stop in merged(runs_of(detected), MOST_GAP))
    if bridged < min_detected * asked:
        forgiven = f" and {bridged - found} more in short gaps" if bridged > found else ""
        others = f"; of {most} faces the largest was followed" if most > 1 else ""
        raise RecordingError(
            "landmarks",
            "face_lost",
            f"a face in {found} of {asked} frames{forgiven} ({bridged / asked:.0%}), "
            f"wanted at least {min_detected:.0%} (--min-detected){others}",
        )


def _look(rgb: np.ndarray, face: Face) -> np.ndarray:
    """Mean grey level and variance of the Laplacian in the face's box, float32 [2].

    Of the whole frame, where the box lies outside it.
    """
    x0, y0 = np.floor(face.landmarks[:, :2].min(axis=0)).astype(int).clip(0)
    x1, y1 = np.ceil(face.landmarks[:, :2].max(axis=0)).astype(int)
    box = rgb[y0 : y1 + 1, x0 : x1 + 1]
    patch = grey(box if box.size else rgb)
    return np.array([patch.mean(), cv2.Laplacian(patch, cv2.CV_32F).var()], np.float32)


def _blendshapes(faces: list[Face | None]) -> np.ndarray | None:
    rows = [face.blendshapes if face else None for face in faces]
    return None if all(row is None for row in rows) else _filled(rows)


def _filled(rows: list[np.ndarray | None]) -> np.ndarray:
    """Rows with the missing ones interpolated linearly; before the first and after the last, held.

    float32 [T, ...]
    """
    known = [i for i, row in enumerate(rows) if row is not None]
    place = np.interp(np.arange(len(rows)), known, np.arange(len(known)))
    before, after = np.floor(place).astype(int), np.ceil(place).astype(int)
    values = [row for row in rows if row is not None]
    filled = np.empty((len(rows), *values[0].shape), np.float32)
    for t, share in enumerate((place - before).astype(np.float32)):
        # Frame by frame: whole arrays of landmarks would be several times the result.
        filled[t] = (1 - share) * values[before[t]] + share * values[after[t]]
    return filled
