"""Placement of a clip's median face in the crop: one similarity transform for the whole clip.

Kinds: ``face`` and ``static`` hold the whole face, and all landmarks of all detected frames,
forehead and dropped jaw included, lie in the crop. ``arcface`` is the template of five points that
networks of face recognition are trained on. ``mouth`` has the middle of the mouth at its centre, as
networks for lip reading take it.
"""

from collections.abc import Iterator

import numpy as np

from fmdata.catalog.types import Track
from fmdata.pipeline.geometry.blocks import blocks, median_points
from fmdata.pipeline.geometry.points import layout_of, pick, to_68
from fmdata.pipeline.geometry.similarity import apply, fit_2d

# In units of the crop's side. The usual template of face recognition cuts off an open jaw; this
# one leaves room above the forehead and below the chin.
IOD_SHARE = 0.36
EYES_HEIGHT = 0.33
MARGIN = 0.02  # free space between any landmark and the crop's edge
# Interocular distance in a crop of the mouth: a mouth at rest takes 37 to 48 % of its width (22
# recordings of people).
MOUTH_IOD_SHARE = 0.78
# The template of ArcFace in a crop of 112 pixels: middles of the eyes, tip of the nose, corners of
# the mouth, those at the left of the image first.
ARCFACE = np.array(
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655),
     (70.7299, 92.2041)]
)  # fmt: skip
ARCFACE_SIZE = 112
POINT_CHUNK = 32  # landmarks held in double precision at once, against large memory in long clips


def median_to_crop(
    track: Track, to_face: np.ndarray, kind: str, size: int, scale: float
) -> np.ndarray:
    """Return the similarity from the median face to the crop, float64 [2, 3].

    Parameters
    ----------
    track : Track
        The face in every frame.
    to_face : float [T, 2, 3]
        Similarities from each frame to the median face.
    kind : str
        ``face``, ``static``, ``arcface`` or ``mouth``.
    size : int
        Side of the crop, in pixels.
    scale : float
        Size of the face, in units of the size that the kind gives it.
    """
    faces = _DetectedFaces(track, to_face)
    median = faces.median()
    if kind == "arcface":
        return fit_2d(five_points(median), arcface_template(size, scale))
    upright = _turn(faces, median) / max(faces.iod(), 1e-6)
    if kind == "mouth":
        linear = upright * (MOUTH_IOD_SHARE * size * scale)
        mouth = to_68(median)[48:60].mean(axis=0) @ linear.T
        return np.concatenate([linear, (0.5 * (size - 1) - mouth)[:, None]], 1)
    return _whole_face(faces, median, upright * (IOD_SHARE * size), size, scale)


def five_points(points: np.ndarray) -> np.ndarray:
    """Return eyes, tip of the nose and corners of the mouth, [5, 2], of points [N, 2]."""
    of_68 = to_68(points)
    eyes = of_68[36:42].mean(axis=0), of_68[42:48].mean(axis=0)
    return np.array([*eyes, of_68[30], of_68[48], of_68[54]])


def arcface_template(size: int, scale: float = 1.0) -> np.ndarray:
    """Return the places of the five points in a crop, float64 [5, 2], in pixels."""
    middle = (ARCFACE_SIZE - 1) / 2  # the centre of a pixel has integer coordinates
    return (ARCFACE - middle) * (scale * size / ARCFACE_SIZE) + (size - 1) / 2


def _turn(faces: "_DetectedFaces", median: np.ndarray) -> np.ndarray:
    """Return the rotation that makes the median face upright, float64 [2, 2]."""
    left, right = faces.layout.stable_pairs.T
    across = (median[right] - median[left]).sum(0)
    turn = np.exp(-1j * np.arctan2(across[1], across[0]))
    return np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])


def _whole_face(
    faces: "_DetectedFaces", median: np.ndarray, linear: np.ndarray, size: int, scale: float
) -> np.ndarray:
    """Return the similarity that places the whole face; `linear` makes it upright and scales it.

    It is shrunk and shifted if any landmark would be outside; a `scale` above 1 may cut some off.
    """
    median = median @ linear.T
    low, high = faces.bounds(linear)
    edge, room = MARGIN * (size - 1), (1 - 2 * MARGIN) * (size - 1)
    shrink = scale * min(1.0, room / max((high - low).max(), 1e-6))
    middle = (median[:, 0].min() + median[:, 0].max()) / 2
    eyes = median[list(faces.layout.iod), 1].mean()
    shift = np.array([0.5 * (size - 1) - shrink * middle, EYES_HEIGHT * size - shrink * eyes])
    if scale <= 1:
        shift = np.clip(shift, edge - shrink * low, size - 1 - edge - shrink * high)
    return np.concatenate([shrink * linear, shift[:, None]], 1)


class _DetectedFaces:
    """Landmarks of the detected frames (of all, if none is), in coordinates of the median face.

    Landmarks are read a block of frames at a time and converted a chunk of points at a time.
    """

    def __init__(self, track: Track, to_face: np.ndarray) -> None:
        self.landmarks, self.to_face = track.landmarks, to_face
        self.layout = layout_of(track.landmarks)
        self.seen = track.detected if track.detected.any() else np.ones(track.n_frames, np.bool_)
        self._blocks = [some for some in blocks(track.n_frames) if self.seen[some].any()]
        n = self.layout.n_points
        self._chunks = [slice(i, i + POINT_CHUNK) for i in range(0, n, POINT_CHUNK)]

    def iod(self) -> float:
        """Median interocular distance over the frames."""
        scale = np.hypot(self.to_face[self.seen, 0, 0], self.to_face[self.seen, 1, 0])
        eyes = pick(self.landmarks, self.layout.iod)[self.seen]
        left, right = eyes.astype(np.float64).swapaxes(0, 1)
        return float(np.median(np.linalg.norm(left - right, axis=-1) * scale))

    def median(self) -> np.ndarray:
        """Median of each point over the frames, float64 [N, 2]."""
        chunks = (
            [self._points(some, self.landmarks[some], chunk) for some in self._blocks]
            for chunk in self._chunks
        )
        return np.concatenate([median_points(np.concatenate(points)) for points in chunks])

    def bounds(self, linear: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Smallest and largest x and y of all points after the linear map [2, 2], float64 [2]."""
        extremes = np.concatenate([_extremes(points @ linear.T) for points in self._all()])
        return extremes.min(0), extremes.max(0)

    def _all(self) -> Iterator[np.ndarray]:
        for some in self._blocks:
            read = self.landmarks[some]
            yield from (self._points(some, read, chunk) for chunk in self._chunks)

    def _points(self, frames: slice, read: np.ndarray, chunk: slice) -> np.ndarray:
        seen = self.seen[frames]
        return apply(self.to_face[frames][seen], read[seen, chunk, :2].astype(np.float64))


def _extremes(points: np.ndarray) -> np.ndarray:
    """Return the smallest and the largest x and y of points [T, N, 2], float64 [2, 2]."""
    return np.stack([points.min((0, 1)), points.max((0, 1))])
