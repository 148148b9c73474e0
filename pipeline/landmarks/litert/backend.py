"""The networks of MediaPipe's Face Landmarker as a landmark backend, without MediaPipe.

The same points, pose and blendshapes, in less time. It looks for faces in every frame, so that a
frame's result depends on the frame alone. Networks run on one thread.
"""

from pathlib import Path

import numpy as np

from fmdata.pipeline.geometry.pose import angles
from fmdata.pipeline.landmarks.face import Face
from fmdata.pipeline.landmarks.litert.bundle import read_bundle
from fmdata.pipeline.landmarks.litert.detector import Detector
from fmdata.pipeline.landmarks.litert.head import head_matrix
from fmdata.pipeline.landmarks.litert.mesh import Mesher
from fmdata.pipeline.landmarks.native import native_logs_off
from fmdata.pipeline.landmarks.weights import FACE_LANDMARKER, find

MAX_FACES = 4  # each costs as much time as the first


class LiteRTLandmarker:
    """Finds 478 points, the head pose and 52 blendshapes of up to four faces."""

    def __init__(self, model: Path | None = None) -> None:
        bundle = read_bundle(find("litert", model)[FACE_LANDMARKER.name])
        with native_logs_off():
            self._detector, self._mesher = Detector(bundle.detector), Mesher(bundle)
        self._face = bundle.face

    def detect(self, rgb: np.ndarray) -> list[Face]:
        """Find the faces in an RGB frame, uint8 [H, W, 3], the clearest first."""
        regions = self._detector.regions(rgb, MAX_FACES)
        found = (self._mesher.landmarks(rgb, region) for region in regions)
        return [self._face_of(points, rgb.shape) for points in found if points is not None]

    def landmarks_in(self, region: np.ndarray) -> np.ndarray | None:
        """Find the landmarks of the face that is in the middle of a square picture."""
        return self._mesher.landmarks_in(region)

    def _face_of(self, points: np.ndarray, shape: tuple[int, ...]) -> Face:
        height, width = shape[:2]
        pose = angles(head_matrix(points, width, height, self._face)[:, :3])
        return Face(points.astype(np.float32), pose, self._mesher.scores(points))
