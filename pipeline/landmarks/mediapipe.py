"""MediaPipe's Face Landmarker as a landmark backend.

IMAGE mode: bit-identical on repeat, and independent of what came before, which VIDEO mode is not.
The jitter that this leaves is smoothed later, with zero phase.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mediapipe as mp
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision

from fmdata.pipeline.geometry.pose import angles
from fmdata.pipeline.landmarks.face import Face
from fmdata.pipeline.landmarks.weights import FACE_LANDMARKER, find

# Faces looked for in a frame. A frame with one face costs the same, and gives the same bits, as if
# only one were looked for; each further face there is costs as much as the first.
MOST_FACES = 4


class MediaPipeLandmarker:
    """Finds 478 points, the head's pose and 52 blendshapes of up to four faces."""

    def __init__(self, model: Path | None = None) -> None:
        path = find("mediapipe", model)[FACE_LANDMARKER.name]
        options = vision.FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_buffer=path.read_bytes()),
            running_mode=vision.RunningMode.IMAGE,
            num_faces=MOST_FACES,
            output_face_blendshapes=True,
            output_facial_transformation_matrixes=True,
        )
        with _native_logs_off():
            self._landmarker = vision.FaceLandmarker.create_from_options(options)
            self._landmarker.__class__ = _FaceLandmarker
            self.detect(np.zeros((64, 64, 3), np.uint8))  # some of it is set up only now

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
            # z comes in units of the image's width.
            points = np.array([(p.x, p.y, p.z) for p in mesh]) * (width, height, width)
            blendshapes = np.array([b.score for b in scores], np.float32)
            faces.append(Face(points.astype(np.float32), angles(matrix[:3, :3]), blendshapes))
        return faces


class _FaceLandmarker(vision.FaceLandmarker):
    """The library's own, without its clean-up: that fails, or waits for ever, at Python's end."""

    def __del__(self) -> None:
        pass


@contextmanager
def _native_logs_off() -> Iterator[None]:
    """Keep the notices that the native library writes at its start off the user's terminal.

    They go straight to file descriptor 2 and no setting stops them; its faults are raised.
    """
    saved = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)
