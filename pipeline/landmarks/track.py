"""From frames to a track: one person's face in every frame, and measures of the frame.

Promise: memory does not hold the recording's landmarks. They are written to files as they are
found.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryFile

import cv2
import numpy as np

from fmdata.catalog.errors import RecordingError
from fmdata.catalog.storage.npy import NpyFile, npy_writer
from fmdata.catalog.types import Picture, Track
from fmdata.pipeline.geometry.timeseries import merged, runs_of
from fmdata.pipeline.landmarks.face import Face, Landmarker
from fmdata.pipeline.landmarks.person import FaceBox, box_of, choose_person
from fmdata.pipeline.reading.decode import Frame
from fmdata.pipeline.reading.listing.whom import PLACES

N_POSE, N_QUALITY = 3, 2  # values per face: yaw, pitch, roll; brightness, sharpness
MAX_GAP = 5  # frames without the face, between two with it, that may count as detected

See = Callable[[Frame, Sequence[Face]], None]  # receives each frame with its faces


def follow(
    frames: Iterable[Frame],
    landmarker: Landmarker,
    min_detected: float,
    file: Path,
    whom: str = "largest",
    see: See = lambda frame, faces: None,
) -> Track:
    """Find one person's face in every frame.

    In frames without the face, `detected` is False and all values are interpolated linearly in
    time. Of these frames, those of gaps of up to `MAX_GAP` between two faces count as detected.

    Parameters
    ----------
    frames : iterable of Frame
        Consumed one at a time.
    landmarker : Landmarker
        The backend.
    min_detected : float
        Smallest share of frames that must count as detected.
    file : Path
        File for the landmarks (npy, float32 [T, N, 3]); the track reads them from there.
    whom : str
        Which of several people, as for :func:`~fmdata.pipeline.landmarks.person.choose_person`.
    see : callable
        Is given each frame with its faces.

    Raises
    ------
    RecordingError
        With reason ``no_frames``, ``no_face`` or ``face_lost``.
    """
    with _Detections(file.parent) as found:
        found.fill(frames, landmarker, see)
        chosen = choose_person(found.boxes, whom, found.width)
        detected = np.array([position is not None for position in chosen], bool)
        _require(detected, min_detected, found.max_faces, whom)
        others = _write_landmarks(file, found, found.rows_of(chosen))
    return _track(file, found, detected, others)


class _Detections:
    """All faces found in a recording, one row of numbers each in an unnamed temporary file.

    A row holds the landmarks, the pose, brightness and sharpness, and the blendshapes if any.
    """

    def __init__(self, folder: Path) -> None:
        self.times_s: list[float] = []
        self.boxes: list[list[FaceBox]] = []  # of each frame
        self.width = self.height = self.n_points = 0
        self.picture, self.first_frame = Picture(), 0
        self._row_bytes = 0
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115

    def __enter__(self) -> "_Detections":
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    @property
    def max_faces(self) -> int:
        """Largest number of faces in one frame."""
        return max(map(len, self.boxes), default=0)

    def fill(self, frames: Iterable[Frame], landmarker: Landmarker, see: See) -> None:
        """Add all frames, and give each with its faces to `see`."""
        for frame in frames:
            faces = landmarker.detect(frame.rgb)
            self.add(frame, faces)
            see(frame, faces)

    def add(self, frame: Frame, faces: Sequence[Face]) -> None:
        """Add the next frame with its faces."""
        self.height, self.width = frame.rgb.shape[:2]
        self.first_frame = frame.place - frame.index
        self.picture = replace(
            self.picture if self.times_s else frame.picture,
            interlaced=self.picture.interlaced or frame.picture.interlaced,
        )
        self.times_s.append(frame.time_s)
        self.boxes.append([box_of(face.landmarks) for face in faces])
        for face in faces:
            self._write(face, _quality(frame.rgb, face))

    def _write(self, face: Face, quality: np.ndarray) -> None:
        parts = [face.landmarks.ravel(), face.pose, quality]
        if face.blendshapes is not None:
            parts.append(face.blendshapes)
        row = np.concatenate(parts, dtype=np.float32)
        self.n_points, self._row_bytes = len(face.landmarks), row.nbytes
        self._file.write(row.data)

    def rows_of(self, chosen: Sequence[int | None]) -> list[int | None]:
        """Return the row of the chosen face of each frame, None where there is none."""
        firsts = accumulate(map(len, self.boxes), initial=0)
        return [None if i is None else n + i for n, i in zip(firsts, chosen, strict=False)]

    def row(self, number: int) -> np.ndarray:
        """Read one row, float32 [R]."""
        self._file.seek(number * self._row_bytes)
        return np.frombuffer(self._file.read(self._row_bytes), np.float32)


def _track(file: Path, found: _Detections, detected: np.ndarray, others: np.ndarray) -> Track:
    """Return the track of the landmarks in `file` and of `others`, float32 [T, R], the rest."""
    pose, quality, blendshapes = np.split(others, [N_POSE, N_POSE + N_QUALITY], axis=1)
    brightness, sharpness = np.ascontiguousarray(quality.T)
    return Track(
        detected=detected,
        timestamps_s=np.array(found.times_s, np.float64),
        landmarks=NpyFile(file),
        pose=pose.copy(),
        blendshapes=blendshapes.copy() if blendshapes.size else None,
        brightness=brightness,
        sharpness=sharpness,
        width=found.width,
        height=found.height,
        faces=found.max_faces,
        picture=found.picture,
        first_frame=found.first_frame,
    )


def _write_landmarks(file: Path, found: _Detections, rows: Sequence[int | None]) -> np.ndarray:
    """Write every frame's landmarks; return its other values, float32 [T, R].

    `rows` are the rows of the person's faces; a frame with None is interpolated.
    """
    n, n_points = len(rows), found.n_points
    others = None
    with npy_writer(file, np.dtype(np.float32), (n, n_points, 3)) as landmarks:
        for t, row in enumerate(_interpolated(found, rows)):
            landmarks.write(row[: 3 * n_points].data)
            rest = row[3 * n_points :]
            others = np.empty((n, len(rest)), np.float32) if others is None else others
            others[t] = rest
    assert others is not None  # at least one frame has a face
    return others


def _require(detected: np.ndarray, min_detected: float, max_faces: int, whom: str) -> None:
    """Raise RecordingError when too few frames show the face."""
    if len(detected) == 0:
        raise RecordingError("decode", "no_frames", "no frame in the recording")
    found, total = int(detected.sum()), len(detected)
    if found == 0:
        raise RecordingError("landmarks", "no_face", f"no face in any of {total} frames")
    counted = sum(stop - start for start, stop in merged(runs_of(detected), MAX_GAP))
    if counted < min_detected * total:
        gaps = f" and {counted - found} more in short gaps" if counted > found else ""
        others = f"; of {max_faces} faces {_named(whom)} was followed" if max_faces > 1 else ""
        raise RecordingError(
            "landmarks",
            "face_lost",
            f"a face in {found} of {total} frames{gaps} ({counted / total:.0%}), "
            f"wanted at least {min_detected:.0%} (--min-detected){others}",
        )


def _named(whom: str) -> str:
    if whom in PLACES:
        return "the largest" if whom == "largest" else f"the {whom} one"
    return f"that at {whom}"


def _quality(rgb: np.ndarray, face: Face) -> np.ndarray:
    """Measure mean grey level and variance of the Laplacian in the face's box, float32 [2].

    The box of a face outside the frame is the whole frame.
    """
    x0, y0 = np.floor(face.landmarks[:, :2].min(axis=0)).astype(int).clip(0)
    x1, y1 = np.ceil(face.landmarks[:, :2].max(axis=0)).astype(int)
    box = rgb[y0 : y1 + 1, x0 : x1 + 1]
    grey = cv2.cvtColor(box if box.size else rgb, cv2.COLOR_RGB2GRAY)
    _, deviation = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))
    return np.array([cv2.mean(grey)[0], deviation[0, 0] ** 2], np.float32)


def _interpolated(found: _Detections, rows: Sequence[int | None]) -> Iterator[np.ndarray]:
    """Yield the row of every frame, interpolated linearly in time where it is None.

    Before the first known row and after the last, that row is repeated.
    """
    known = [t for t, row in enumerate(rows) if row is not None]
    numbers = [row for row in rows if row is not None]
    position = np.interp(np.arange(len(rows)), known, np.arange(len(known)))
    before, after = np.floor(position).astype(int), np.ceil(position).astype(int)
    read = lru_cache(maxsize=2)(found.row)
    for a, b, share in zip(before, after, (position - before).astype(np.float32), strict=True):
        yield (1 - share) * read(numbers[a]) + share * read(numbers[b])
