"""MediaPipe's Face Landmarker as a landmark backend.

It runs in IMAGE mode, which, unlike VIDEO mode, gives the same bits on every run and does not
depend on earlier frames. Later stages smooth the remaining jitter, with zero phase.
"""

from pathlib import Path

import mediapipe as mp
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision

from fmdata.pipeline.geometry.pose import angles
from fmdata.pipeline.landmarks.face import Face
from fmdata.pipeline.landmarks.native import native_logs_off
from fmdata.pipeline.landmarks.weights import FACE_LANDMARKER, find

# A frame with one face costs the same time, and gives the same bits, with any limit; each further
# face in it costs as much as the first.
MAX_FACES = 4


class MediaPipeLandmarker:
    """Finds 478 points, the head pose and 52 blendshapes of up to four faces."""

    def __init__(self, model: Path | None = None) -> None:
        path = find("mediapipe", model)[FACE_LANDMARKER.name]
        options = vision.FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_buffer=path.read_bytes()),
            running_mode=vision.RunningMode.IMAGE,
            num_faces=MAX_FACES,
            output_face_blendshapes=True,
            output_facial_transformation_matrixes=True,
        )
        with native_logs_off():
            self._landmarker = vision.FaceLandmarker.create_from_options(options)
            self._landmarker.__class__ = _FaceLandmarker
            self.detect(
                np.zeros((64, 64, 3), np.uint8)
            )  # the library finishes its set-up with the first frame

    def detect(self, rgb: np.ndarray) -> list[Face]:
        """Find the faces in an RGB frame, uint8 [H, W, 3]."""
        image = mp.Image(image_format=mp.ImageFormat.SRGB, data=np.ascontiguousarray(rgb))
        result = self._landmarker.detect(image)
        height, width = rgb.shape[:2]
        faces = []
        for mesh, scores, matrix in zip(
            result.face_landmarks,
            result.face_blendshapes,
            result.facial_transformation_matrixes,
            strict=True,
        ):
            # The library gives z in units of the image's width.
            points = np.array([(p.x, p.y, p.z) for p in mesh]) * (width, height, width)
            blendshapes = np.array([b.score for b in scores], np.float32)
            faces.append(Face(points.astype(np.float32), angles(matrix[:3, :3]), blendshapes))
        return faces


class _FaceLandmarker(vision.FaceLandmarker):
    """The library's class without its clean-up, which fails or hangs at interpreter exit."""

    def __del__(self) -> None:
        pass
