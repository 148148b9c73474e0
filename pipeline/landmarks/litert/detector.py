"""From a frame to the regions of its faces: BlazeFace at short range, as MediaPipe runs it.

Bazarevsky et al., "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs", 2019: a
single-shot detector on two grids, and overlapping detections blended by their scores.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from fmdata.pipeline.landmarks.face import REGION_SCALE
from fmdata.pipeline.landmarks.litert.network import Network

SIDE = 128  # of the network's input, in pixels
_GRIDS = ((16, 2), (8, 6))  # cells in a row, and anchors of a cell
_EYES = slice(4, 8)  # of a detection's numbers: x and y of the image's left and right eye
MIN_SCORE = 0.5
_MIN_LOGIT = np.log(MIN_SCORE / (1 - MIN_SCORE))
MIN_OVERLAP = 0.5  # intersection over union from which two detections are one face


@dataclass(frozen=True)
class Region:
    """The square around a face that the landmark network sees.

    Attributes
    ----------
    x, y : float
        Its centre, in pixels of the frame.
    side : float
        In pixels of the frame.
    turn : float
        Angle of the line through the eyes, clockwise in the image, in radians.
    """

    x: float
    y: float
    side: float
    turn: float


class Detector:
    """Detects faces."""

    def __init__(self, model: bytes) -> None:
        self._network = Network(model)
        self._anchors = _anchors()

    def regions(self, rgb: np.ndarray, limit: int) -> list[Region]:
        """Find at most `limit` faces in an RGB frame, uint8 [H, W, 3], the clearest first."""
        height, width = rgb.shape[:2]
        longer = max(height, width)
        scale = SIDE / longer
        edge = np.array([SIDE - scale * width, SIDE - scale * height]) / 2
        matrix = np.array([[scale, 0, edge[0]], [0, scale, edge[1]]])
        picture = cv2.warpAffine(rgb, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR)
        numbers, logits = self._network.run(picture, 2 / 255, -1)
        boxes, scores = self._detections(numbers[0], logits[0, :, 0])
        return [_region(box, edge, scale) for box in _blended(boxes, scores)[:limit]]

    def _detections(self, numbers: np.ndarray, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the detections, float64 [N, 8], and their scores, the highest first.

        A detection is left, top, right, bottom, and the two eyes, in pixels of the input.
        """
        found = np.flatnonzero(logits >= _MIN_LOGIT)
        found = found[np.argsort(-logits[found], kind="stable")]
        scores = 1 / (1 + np.exp(-logits[found].astype(np.float64)))
        raw, anchors = numbers[found].astype(np.float64), self._anchors[found]
        middle, half = raw[:, :2] + anchors, raw[:, 2:4] / 2
        eyes = raw[:, _EYES] + np.tile(anchors, 2)
        return np.concatenate([middle - half, middle + half, eyes], axis=1), scores


def _anchors() -> np.ndarray:
    """Return the centres of the cells, once for each anchor, float64 [896, 2], in pixels."""
    centres = []
    for cells, repeats in _GRIDS:
        y, x = (np.indices((cells, cells)) + 0.5) * (SIDE / cells)
        centres.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), repeats, axis=0))
    return np.concatenate(centres)


def _blended(boxes: np.ndarray, scores: np.ndarray) -> list[np.ndarray]:
    """Replace each detection and those that overlap with it by their mean, weighted by scores."""
    blended = []
    while len(boxes):
        same = _overlap(boxes[0], boxes) > MIN_OVERLAP
        same[0] = True  # a box without an area overlaps with nothing
        blended.append(np.average(boxes[same], axis=0, weights=scores[same]))
        boxes, scores = boxes[~same], scores[~same]
    return blended


def _overlap(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Return the intersection over union of a box with others, float64 [N]."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:4], boxes[:, 2:4])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    union = np.prod(box[2:4] - box[:2]) + np.prod(boxes[:, 2:4] - boxes[:, :2], axis=1) - shared
    return shared / np.maximum(union, np.finfo(float).tiny)


def _region(box: np.ndarray, edge: np.ndarray, scale: float) -> Region:
    low, high = (box[:2] - edge) / scale, (box[2:4] - edge) / scale
    across = box[6:8] - box[4:6]
    x, y = (low + high) / 2
    side = REGION_SCALE * (high - low).max()
    return Region(float(x), float(y), float(side), float(np.arctan2(across[1], across[0])))
