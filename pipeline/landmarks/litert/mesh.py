"""From a region of a frame to the landmarks of the face in it, and their expression scores."""

import cv2
import numpy as np

from fmdata.pipeline.geometry.warp import warped
from fmdata.pipeline.landmarks.face import REGION_SIDE
from fmdata.pipeline.landmarks.litert.bundle import Bundle
from fmdata.pipeline.landmarks.litert.detector import Region
from fmdata.pipeline.landmarks.litert.network import Network

MIN_PRESENCE = 0.5
# The landmarks that the scores are computed from, in the order of the network's input.
SCORED = np.array(
    [
        *(0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63),
        *(65, 66, 67, 70, 78, 80, 81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132),
        *(133, 136, 144, 145, 146, 148, 149, 150, 152, 153, 154, 155, 157, 158, 159, 160, 161),
        *(162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249, 251, 263),
        *(267, 269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310),
        *(311, 312, 314, 317, 318, 321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373),
        *(374, 375, 377, 378, 379, 380, 381, 382, 384, 385, 386, 387, 388, 389, 390, 397, 398),
        *(400, 402, 405, 409, 415, 454, 466, 468, 469, 470, 471, 472, 473, 474, 475, 476, 477),
    ]
)


class Mesher:
    """Finds the landmarks of the face in a region, and expression scores."""

    def __init__(self, bundle: Bundle) -> None:
        self._landmarks, self._scores = Network(bundle.landmarks), Network(bundle.blendshapes)

    def landmarks(self, rgb: np.ndarray, region: Region) -> np.ndarray | None:
        """Find the landmarks, float64 [478, 3] in pixels of the frame; None without a face."""
        turn = np.array(
            [
                [np.cos(region.turn), -np.sin(region.turn)],
                [np.sin(region.turn), np.cos(region.turn)],
            ]
        )
        unit, centre = region.side / REGION_SIDE, np.array([region.x, region.y])
        linear = turn.T / unit
        matrix = np.column_stack([linear, REGION_SIDE / 2 - linear @ centre])
        picture = warped(rgb, matrix, REGION_SIDE, cv2.BORDER_REPLICATE)
        points = self.landmarks_in(picture)
        if points is None:
            return None
        points *= unit
        points[:, :2] = (points[:, :2] - region.side / 2) @ turn.T + centre
        return points

    def landmarks_in(self, picture: np.ndarray) -> np.ndarray | None:
        """Find the landmarks in the network's input, in pixels of it."""
        mesh, presence, *_ = self._landmarks.run(picture, 1 / 255)
        if 1 / (1 + np.exp(-float(presence.ravel()[0]))) < MIN_PRESENCE:
            return None
        return mesh.reshape(-1, 3).astype(np.float64)

    def scores(self, landmarks: np.ndarray) -> np.ndarray:
        """Compute the expression scores of landmarks, float32 [52]."""
        [scores] = self._scores.run(landmarks[SCORED, :2])
        return scores.ravel()
