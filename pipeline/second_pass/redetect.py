"""A closer look at a face that hardly moves: landmarks found several times over, and the lids.

The landmark network answers to every shift, turn and size of the head with a slightly other mesh,
a few thousandths of the interocular distance: as much as a faint motion. In a crop that is aligned
with the head most of that is gone, and what is left differs from view to view of the same crop, so
that the mean over several views is steadier still. What lids do is measured in the same crops.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fmdata.catalog.types import N_POINTS, ArrayRepr, Track
from fmdata.pipeline.cropping.align import align, crop
from fmdata.pipeline.geometry.blocks import NpyFile, npy_writer
from fmdata.pipeline.geometry.similarity import apply, compose
from fmdata.pipeline.landmarks.face import Landmarker
from fmdata.pipeline.reading.decode import Frame, other_frames
from fmdata.pipeline.second_pass.eyes import PICTURES, find_eyes, moved, watched
from fmdata.pipeline.spotting.lid_motion import Lids

MESH, _ = N_POINTS
SIZE = 224  # of the aligned crop, in pixels
BORDER = 40  # around it: the network finds no face that fills its picture
# Noise of refined landmarks, as a share of that of landmarks found once: what the views leave and,
# for each degree of the head's turns (RMS), how the mesh bends when the head turns in depth, which
# all views see alike. Chosen on still faces and on quarters of motions, see docs/fidelity.md.
VIEWS_NOISE, TURNS_NOISE = 0.37, 0.32
LEAST_FOUND = 0.9  # of the frames; in a crop a network may find no face, and then nothing is gained
LEAST_VIEWS = 4  # of one frame
MOST_APART = 0.25  # of the crop's size; what lies further from the known landmarks is no such face


@dataclass(frozen=True)
class View:
    """How a crop is shown to the network once: shifted, turned and of another size."""

    right: float
    down: float
    turn_deg: float
    scale: float

    def transform(self, side: int) -> np.ndarray:
        """Return what it does to pixels of a square picture, float64 [2, 3]."""
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
class Closer(ArrayRepr):
    """What a closer look shows.

    Attributes
    ----------
    track : Track
        With the means over `VIEWS` for landmarks, in pixels of the frames as before, interpolated
        in time where the face was not found, or is not found again.
    lids : Lids or None
        How far the lids have moved; None where the eyes are hardly ever to be seen.
    """

    track: Track
    lids: Lids | None


def refine(
    frames: Iterable[Frame], track: Track, fps: float, landmarker: Landmarker, folder: Path
) -> Closer | None:
    """Find a track's landmarks again, in crops that are aligned by it, and watch the lids.

    Parameters
    ----------
    frames : iterable of Frame
        The same frames that the track is of; consumed one at a time.
    track : Track
        The face in every frame.
    fps : float
        Frames per second.
    landmarker : Landmarker
        The backend that the track was made with.
    folder : Path
        For what is too large for the memory; the returned track's landmarks are read from there.

    Returns
    -------
    Closer or None
        None where the face is not found again in too many frames, and for FAN's 68 points, which
        lie on a grid coarser than what is looked for.

    Raises
    ------
    RecordingError
        With reason ``truncated``, when there are more or fewer frames than before.
    """
    if track.landmarks.shape[1] != MESH:
        return None
    again, file = 0, folder / "landmarks.npy"
    transforms = align(track, fps, SIZE).astype(np.float64)
    eyes, pictures = find_eyes(track, transforms), folder / "eyes.npy"
    with (
        npy_writer(file, np.dtype(np.float32), track.landmarks.shape) as landmarks,
        npy_writer(pictures, np.dtype(np.uint8), (track.n_frames, *PICTURES)) as shown,
    ):
        frames = watched(frames, transforms, eyes, shown)
        for points, is_found in _filled(_found_again(frames, track, transforms, landmarker)):
            landmarks.write(points.astype(np.float32).data)
            again += is_found
    if again < LEAST_FOUND * track.detected.sum():
        return None
    return Closer(replace(track, landmarks=NpyFile(file)), moved(NpyFile(pictures), eyes))


def _found_again(
    frames: Iterable[Frame], track: Track, transforms: np.ndarray, landmarker: Landmarker
) -> Iterator[np.ndarray | None]:
    """Yield each frame's mean landmarks, float64 [N, 3]; None where too few views show the face.

    `transforms`, float64 [T, 2, 3], take the frames' pixels to those of aligned crops of `SIZE`.
    """
    side = SIZE + 2 * BORDER
    transforms = transforms + np.array([0, 0, BORDER])
    n = 0
    for n, frame in enumerate(frames, start=1):
        if n > track.n_frames:
            raise other_frames(track.n_frames, f"more than {track.n_frames}")
        if not track.detected[n - 1]:
            yield None
            continue
        near = track.landmarks[n - 1 : n][0]
        views = (compose(view.transform(side), transforms[n - 1]) for view in VIEWS)
        seen = [_seen(frame, view, side, landmarker, near) for view in views]
        found = [points for points in seen if points is not None]
        # The mean of few views is not where that of all would be.
        yield np.mean(found, axis=0) if len(found) >= LEAST_VIEWS else None
    if n < track.n_frames:
        raise other_frames(track.n_frames, str(n))


def _filled(found: Iterable[np.ndarray | None]) -> Iterator[tuple[np.ndarray, bool]]:
    """Yield every frame's points, those of a None interpolated; and whether they were found.

    A frame that kept its first landmarks among refined ones would seem to move.
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


def _seen(
    frame: Frame, view: np.ndarray, side: int, landmarker: Landmarker, near: np.ndarray
) -> np.ndarray | None:
    """Find the face that is where one is known to be, float64 [N, 3] in pixels of the frame.

    `view` takes pixels of the frame to those of the picture that the network is shown.
    """
    linear = np.linalg.inv(view[:, :2])
    back = np.concatenate([linear, -linear @ view[:, 2:]], axis=1)
    scale = float(np.sqrt(np.linalg.det(linear)))
    nearest, least = None, MOST_APART * SIZE * scale
    for face in landmarker.detect(crop(frame.rgb, view, side)):
        points = np.column_stack([apply(back, face.landmarks[:, :2]), scale * face.landmarks[:, 2]])
        apart = float(np.linalg.norm(points[:, :2] - near[:, :2], axis=1).mean())
        if apart < least:
            nearest, least = points, apart
    return nearest
