"""Test-time augmentation of landmarks: the mean over several views of an aligned crop.

The landmark network responds to every shift, turn and scale of the head with a slightly different
mesh, by a few thousandths of the interocular distance: as much as a faint motion. In a crop aligned
with the head most of that error is gone, and the rest differs from view to view, so the mean over
views is more precise. A backend that takes a known region detects nothing again, so that no region
trembles. Lid motion is measured in the same frames.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fmdata.catalog.printable import ArrayRepr
from fmdata.catalog.storage.npy import NpyFile, npy_writer
from fmdata.catalog.types import N_POINTS, Track
from fmdata.pipeline.cropping.align import align, crop
from fmdata.pipeline.geometry.blocks import blocks
from fmdata.pipeline.geometry.similarity import apply, compose
from fmdata.pipeline.landmarks.face import (
    REGION_SCALE,
    REGION_SIDE,
    Landmarker,
    RegionLandmarker,
)
from fmdata.pipeline.reading.decode import Frame, frame_count_error
from fmdata.pipeline.second_pass.eyes import EYES_SHAPE, find_eyes, measure_lids, record_eyes
from fmdata.pipeline.spotting.eyelids import Lids

MESH, _ = N_POINTS
SIZE = 224  # of the aligned crop, in pixels
BORDER = 40  # around the crop: the network finds no face that fills its image
MIN_FOUND = 0.9  # share of the track's detected frames; with fewer the track is not refined
MIN_VIEWS = 0.6  # share of the views of one frame
MAX_DISTANCE = 0.25  # from the track's landmarks, of the crop's size; beyond it is another face


@dataclass(frozen=True)
class View:
    """One augmentation of the aligned crop: shift in pixels, rotation in degrees, and scale."""

    right: float
    down: float
    turn_deg: float
    scale: float

    def transform(self, side: int) -> np.ndarray:
        """Return the transform of the pixels of a square image of this side, float64 [2, 3]."""
        middle, angle = (side - 1) / 2, np.deg2rad(self.turn_deg)
        a, b = self.scale * np.cos(angle), self.scale * np.sin(angle)
        linear = np.array([[a, -b], [b, a]])
        shift = np.array([self.right, self.down]) + middle - linear @ [middle, middle]
        return np.concatenate([linear, shift[:, None]], axis=1)


VIEWS = (
    View(0, 0, 0, 1),
    View(5, -3, 2, 1.03),
    View(-4, 4, -2, 0.97),
    View(3, 5, -3, 1.05),
    View(-5, -4, 3, 0.95),
    View(1.5, 2.5, 1, 0.99),
)


@dataclass(frozen=True, repr=False)
class _Look(ArrayRepr):
    """Pictures in which the network looks for the face again.

    Attributes
    ----------
    transforms : float64 [T, 2, 3]
        From pixels of the frames to those of a square picture.
    side : int
        Of the picture, in pixels.
    find : callable
        Returns the landmarks, float [N, 3], of each face in the picture.
    reach : float
        Distance from the track's landmarks beyond which a face is another one, in pixels of the
        picture.
    """

    transforms: np.ndarray
    side: int
    find: Callable[[np.ndarray], list[np.ndarray]]
    reach: float


@dataclass(frozen=True, repr=False)
class Refined(ArrayRepr):
    """Result of the second look at the pixels of a clip.

    Attributes
    ----------
    track : Track
        Its landmarks are means over views, in pixels of the frames; interpolated in time where
        the face was not found in the frame, or not in enough views. Without expression
        scores, because those of single detections are noisier than mean landmarks.
    lids : Lids or None
        Motion of the eyelids; None where the eyes are hardly ever visible.
    """

    track: Track
    lids: Lids | None


class _Recorded:
    """Frames whose eyes are recorded in a file while they stream past."""

    def __init__(
        self, frames: Iterable[Frame], track: Track, transforms: np.ndarray, folder: Path
    ) -> None:
        self._frames, self._transforms = frames, transforms
        self._eyes, self._images = find_eyes(track, transforms), folder / "eyes.npy"

    def frames(self) -> Iterator[Frame]:
        """Yield the frames, once."""
        shape = (len(self._transforms), *EYES_SHAPE)
        with npy_writer(self._images, np.dtype(np.uint8), shape) as file:
            yield from record_eyes(self._frames, self._transforms, self._eyes, file)

    def lids(self) -> Lids | None:
        """Measure the motion of the lids, after the last frame."""
        return measure_lids(NpyFile(self._images), self._eyes)


def refine(
    frames: Iterable[Frame], track: Track, fps: float, landmarker: Landmarker, folder: Path
) -> Refined | None:
    """Detect a track's landmarks again by test-time augmentation, and measure the lids.

    Parameters
    ----------
    frames : iterable of Frame
        The frames of the track, consumed one at a time.
    track : Track
        The face in every frame.
    fps : float
        Frames per second.
    landmarker : Landmarker
        The backend of the track.
    folder : Path
        For files; the returned track reads its landmarks from one of them.

    Returns
    -------
    Refined or None
        None where too few frames show the face again, and for FAN, whose points are too coarse.

    Raises
    ------
    RecordingError
        With reason ``truncated``, when the number of frames is not that of the track.
    """
    if track.landmarks.shape[1] != MESH:
        return None
    landmarks = folder / "landmarks.npy"
    transforms = align(track, fps, SIZE).astype(np.float64)
    recorded = _Recorded(frames, track, transforms, folder)
    look = _look(track, transforms, landmarker)
    n_found = _write(landmarks, track, _redetected(recorded.frames(), track, look))
    if n_found < MIN_FOUND * track.detected.sum():
        return None
    refined = replace(track, landmarks=NpyFile(landmarks), blendshapes=None)
    return Refined(refined, recorded.lids())


def _write(file: Path, track: Track, found: Iterable[np.ndarray | None]) -> int:
    """Write every frame's landmarks, missing ones interpolated; return how many were found."""
    n_found = 0
    with npy_writer(file, np.dtype(np.float32), track.landmarks.shape) as landmarks:
        for points, is_found in _interpolated(found):
            landmarks.write(points.astype(np.float32).data)
            n_found += is_found
    return n_found


def _look(track: Track, transforms: np.ndarray, landmarker: Landmarker) -> _Look:
    """Return how to show a backend the aligned crops, float64 [T, 2, 3] from the frames."""
    reach = MAX_DISTANCE * SIZE
    if isinstance(landmarker, RegionLandmarker):
        to_region = _to_region(track, transforms)
        in_region = landmarker.landmarks_in

        def find(picture: np.ndarray) -> list[np.ndarray]:
            points = in_region(picture)
            return [] if points is None else [points]

        to_regions = compose(to_region, transforms)
        return _Look(to_regions, REGION_SIDE, find, reach * to_region[0, 0])
    bordered = transforms + np.array([0, 0, BORDER])

    def detect(picture: np.ndarray) -> list[np.ndarray]:
        return [face.landmarks for face in landmarker.detect(picture)]

    return _Look(bordered, SIZE + 2 * BORDER, detect, reach)


def _to_region(track: Track, transforms: np.ndarray) -> np.ndarray:
    """Return the transform, float64 [2, 3], from aligned crops to the region around the face.

    One for all frames, so that nothing but the face itself moves in the region.
    """
    low, high = np.empty((track.n_frames, 2)), np.empty((track.n_frames, 2))
    for frames in blocks(track.n_frames):
        points = apply(transforms[frames], track.landmarks[frames][..., :2].astype(float))
        low[frames], high[frames] = points.min(1), points.max(1)
    low, high = (np.median(edge[track.detected], axis=0) for edge in (low, high))
    scale = REGION_SIDE / (REGION_SCALE * (high - low).max())
    shift = REGION_SIDE / 2 - scale * (low + high) / 2
    return np.column_stack([scale * np.eye(2), shift])


def _redetected(frames: Iterable[Frame], track: Track, look: _Look) -> Iterator[np.ndarray | None]:
    """Yield each frame's mean landmarks, float64 [N, 3]; None where too few views show the face."""
    n = 0
    for n, frame in enumerate(frames, start=1):
        if n > track.n_frames:
            raise frame_count_error(track.n_frames, f"more than {track.n_frames}")
        if not track.detected[n - 1]:
            yield None
            continue
        near = track.landmarks[n - 1 : n][0]
        views = (compose(view.transform(look.side), look.transforms[n - 1]) for view in VIEWS)
        seen = [_detect(frame, view, look, near) for view in views]
        found = [points for points in seen if points is not None]
        # The mean over a few views differs from the mean over all.
        enough = len(found) >= MIN_VIEWS * len(VIEWS)
        yield np.mean(found, axis=0) if enough else None
    if n < track.n_frames:
        raise frame_count_error(track.n_frames, str(n))


def _interpolated(found: Iterable[np.ndarray | None]) -> Iterator[tuple[np.ndarray, bool]]:
    """Yield every frame's points, interpolated where they are None, and whether they were found.

    The first pass's landmarks would not do: a frame of them among refined ones looks like a motion.
    """
    before, missing = None, 0
    for points in found:
        if points is None:
            missing += 1
            continue
        first = points if before is None else before
        for share in np.arange(1, missing + 1) / (missing + 1):
            yield (1 - share) * first + share * points, False
        yield points, True
        before, missing = points, 0
    if before is not None:
        for _ in range(missing):
            yield before, False


def _detect(frame: Frame, view: np.ndarray, look: _Look, near: np.ndarray) -> np.ndarray | None:
    """Find the face nearest to known landmarks, float64 [N, 3] in pixels of the frame.

    `view` maps pixels of the frame to those of the picture for the network.
    """
    linear = np.linalg.inv(view[:, :2])
    back = np.concatenate([linear, -linear @ view[:, 2:]], axis=1)
    scale = float(np.sqrt(np.linalg.det(linear)))
    nearest, least = None, look.reach * scale
    for face in look.find(crop(frame.rgb, view, look.side)):
        points = np.column_stack([apply(back, face[:, :2]), scale * face[:, 2]])
        apart = float(np.linalg.norm(points[:, :2] - near[:, :2], axis=1).mean())
        if apart < least:
            nearest, least = points, apart
    return nearest
