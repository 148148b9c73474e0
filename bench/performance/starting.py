"""Starts of processes: from the first import to the first frame."""

import subprocess
import sys
from collections.abc import Iterator
from functools import partial

from bench.performance.sides import Goal, compare

_FIRST_FRAME = """
import numpy as np
import fmdata.pipeline.engine.worker
from fmdata.pipeline.stages import process
from fmdata.pipeline.landmarks.backends import open_landmarker
open_landmarker({backend!r}).detect(np.zeros((320, 320, 3), np.uint8))
"""
_SCRIPT = """
import cv2, numpy as np, scipy.signal
from skimage.feature import local_binary_pattern
from fmdata.pipeline.landmarks.mediapipe import MediaPipeLandmarker
MediaPipeLandmarker().detect(np.zeros((320, 320, 3), np.uint8))
"""
_SYNTHESIS = "import fmdata.synth.processes, fmdata.synth.shards"


def goals(rounds: int) -> Iterator[Goal]:
    """Measure a worker's start beside one with MediaPipe, and a synthesis process."""
    ours, theirs = (_FIRST_FRAME.format(backend=name) for name in ("litert", "mediapipe"))
    for work, against, least, one, other in (
        ("a worker's start, import to first frame", "the same with MediaPipe", 1.0, ours, theirs),
        ("the same", "the imports of a script, to its first frame", 1.0, ours, _SCRIPT),
        ("a synthesis process's start", "a build worker's start", 1.0, _SYNTHESIS, ours),
    ):
        yield compare(work, against, least, _run(one), _run(other), 2 * rounds)


def _run(code: str) -> "partial[subprocess.CompletedProcess[bytes]]":
    return partial(subprocess.run, [sys.executable, "-c", code], check=True, capture_output=True)
