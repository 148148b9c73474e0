"""From frames to a track: one person's face in every frame, and what is known of the frame.

Promise: memory does not hold the recording's landmarks. They go to a file, as they are found.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryFile

import cv2
import numpy as np

from fmdata.catalog.errors import RecordingError
from fmdata.catalog.types import Track
from fmdata.pipeline.cropping.lbp import grey
from fmdata.pipeline.geometry.blocks import NpyFile, npy_writer
from fmdata.pipeline.geometry.timeseries import merged, runs_of
from fmdata.pipeline.landmarks.face import Face, Landmarker
from fmdata.pipeline.landmarks.person import Place, choose, place_of
from fmdata.pipeline.reading.decode import Frame

POSE, LOOK = 3, 2  # numbers of a face: yaw, pitch, roll; brightness, sharpness
MOST_GAP = 5  # frames without a face, between two with one, that may be taken as seen


def follow(
    frames: Iterable[Frame], landmarker: Landmarker, min_detected: float, file: Path
) -> Track:
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
    file : Path
        Where the landmarks go (npy, float32 [T, N, 3]); the track's are read from there.

    Raises
    ------
    RecordingError
        With reason ``no_frames``, ``no_face`` or ``face_lost``.
    """
    times: list[float] = []
    places: list[list[Place]] = []
    width = height = 0
    with _Faces(file.parent) as found:
        for frame in frames:
            height, width = frame.rgb.shape[:2]
            times.append(frame.time_s)
            some = landmarker.detect(frame.rgb)
            places.append([place_of(face.landmarks) for face in some])
            for face in some:
                found.add(face, _look(frame.rgb, face))
        most = max(map(len, places), default=0)
        chosen = choose(places)
        detected = np.array([i is not None for i in chosen], bool)
        _require(detected, min_detected, most)
        firsts = accumulate(map(len, places), initial=0)
        rows = [None if i is None else n + i for n, i in zip(firsts, chosen, strict=False)]
        other = _write_landmarks(file, found, rows)
    pose, look, blendshapes = np.split(other, [POSE, POSE + LOOK], axis=1)
    brightness, sharpness = np.ascontiguousarray(look.T)
    return Track(
        detected=detected,
        timestamps_s=np.array(times, np.float64),
        landmarks=NpyFile(file),
        pose=pose.copy(),
        blendshapes=blendshapes.copy() if blendshapes.size else None,
        brightness=brightness,
        sharpness=sharpness,
        width=width,
        height=height,
        faces=most,
    )


class _Faces:
    """All faces found in a recording, one after the other in a file without a name.

    Each is a row of numbers: the landmarks, the pose, the look, the blendshapes if there are any.
    """

    def __init__(self, folder: Path) -> None:
        self.n_points = 0
        self._row_bytes = 0
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115

    def __enter__(self) -> "_Faces":
        return self

    def __exit__(self, *fault: object) -> None:
        self._file.close()

    def add(self, face: Face, look: np.ndarray) -> None:
        parts = [face.landmarks.ravel(), face.pose, look]
        if face.blendshapes is not None:
            parts.append(face.blendshapes)
        row = np.concatenate(parts, dtype=np.float32)
        self.n_points, self._row_bytes = len(face.landmarks), row.nbytes
        self._file.write(row.data)

    def row(self, number: int) -> np.ndarray:
        """Numbers of one face, float32 [R]."""
        self._file.seek(number * self._row_bytes)
        return np.frombuffer(self._file.read(self._row_bytes), np.float32)


def _write_landmarks(file: Path, found: _Faces, rows: Sequence[int | None]) -> np.ndarray:
    """Write every frame's landmarks; return what else is known of it, float32 [T, R].

    `rows` are the numbers of the person's faces among those found; None is interpolated.
    """
    n, n_points = len(rows), found.n_points
    other = None
    with npy_writer(file, np.dtype(np.float32), (n, n_points, 3)) as landmarks:
        for t, row in enumerate(_filled(found, rows)):
            landmarks.write(row[: 3 * n_points].data)
            rest = row[3 * n_points :]
            other = np.empty((n, len(rest)), np.float32) if other is None else other
            other[t] = rest
    assert other is not None  # there is a frame with a face
    return other


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


def _filled(found: _Faces, rows: Sequence[int | None]) -> Iterator[np.ndarray]:
    """Yield every frame's numbers; those missing are interpolated linearly.

    Before the first and after the last that is known, its numbers are held.
    """
    known = [t for t, row in enumerate(rows) if row is not None]
    numbers = [row for row in rows if row is not None]
    place = np.interp(np.arange(len(rows)), known, np.arange(len(known)))
    before, after = np.floor(place).astype(int), np.ceil(place).astype(int)
    read = lru_cache(maxsize=2)(found.row)
    for a, b, share in zip(before, after, (place - before).astype(np.float32), strict=True):
        yield (1 - share) * read(numbers[a]) + share * read(numbers[b])
