"""From frames to a track: the face in every frame, and what is known of the frame itself."""

from collections.abc import Iterable

import cv2
import numpy as np

from fmdata.catalog.errors import RecordingError
from fmdata.catalog.types import Track
from fmdata.pipeline.decode import Frame
from fmdata.pipeline.landmarks import Face, Landmarker
from fmdata.pipeline.lbp import grey


def follow(frames: Iterable[Frame], landmarker: Landmarker, min_detected: float) -> Track:
    """Find the face in every frame.

    Where no face is found, landmarks, pose and blendshapes are interpolated in time between the
    frames before and after, and `detected` says so.

    Parameters
    ----------
    frames : iterable of Frame
        Consumed one at a time.
    landmarker : Landmarker
        The backend.
    min_detected : float
        Share of the frames that must show a face.

    Raises
    ------
    RecordingError
        With reason ``no_frames``, ``no_face`` or ``face_lost``.
    """
    times: list[float] = []
    faces: list[Face | None] = []
    looks: list[tuple[float, float]] = []
    width = height = 0
    for frame in frames:
        height, width = frame.rgb.shape[:2]
        face = landmarker.detect(frame.rgb)
        times.append(frame.time_s)
        faces.append(face)
        looks.append(_look(frame.rgb, face))
    detected = np.array([face is not None for face in faces], bool)
    _require(detected, min_detected)
    brightness, sharpness = np.array(looks, np.float32).T
    return Track(
        detected=detected,
        timestamps_s=np.array(times, np.float64),
        landmarks=_filled([f.landmarks if f else None for f in faces]),
        pose=_filled([f.pose if f else None for f in faces]),
        blendshapes=_filled([f.blendshapes if f else None for f in faces]),
        brightness=brightness,
        sharpness=sharpness,
        width=width,
        height=height,
    )


def _require(detected: np.ndarray, min_detected: float) -> None:
    if len(detected) == 0:
        raise RecordingError("decode", "no_frames", "no frame in the recording")
    found, asked = int(detected.sum()), len(detected)
    if found == 0:
        raise RecordingError("landmarks", "no_face", f"no face in any of {asked} frames")
    if found < min_detected * asked:
        raise RecordingError(
            "landmarks",
            "face_lost",
            f"a face in {found} of {asked} frames ({found / asked:.0%}), "
            f"wanted at least {min_detected:.0%} (--min-detected)",
        )


def _look(rgb: np.ndarray, face: Face | None) -> tuple[float, float]:
    """Mean grey level and variance of the Laplacian in the face's box (the frame, if none)."""
    patch = grey(rgb)
    if face is not None:
        x0, y0 = np.floor(face.landmarks[:, :2].min(axis=0)).astype(int).clip(0)
        x1, y1 = np.ceil(face.landmarks[:, :2].max(axis=0)).astype(int)
        box = patch[y0 : y1 + 1, x0 : x1 + 1]
        patch = box if box.size else patch
    return float(patch.mean()), float(cv2.Laplacian(patch, cv2.CV_32F).var())


def _filled(rows: list[np.ndarray | None]) -> np.ndarray:
    """Rows with the missing ones interpolated linearly; before the first and after the last, held.

    float32 [T, ...]
    """
    known = [i for i, row in enumerate(rows) if row is not None]
    values = np.stack([row for row in rows if row is not None])
    place = np.interp(np.arange(len(rows)), known, np.arange(len(known)))
    before, after = np.floor(place).astype(int), np.ceil(place).astype(int)
    share = (place - before).astype(np.float32).reshape(-1, *[1] * (values.ndim - 1))
    filled: np.ndarray = (1 - share) * values[before] + share * values[after]
    return filled
