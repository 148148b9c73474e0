"""Builds against a bare MediaPipe loop and against the script that most people write."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import cv2
import mediapipe as mp
import numpy as np
from skimage.feature import local_binary_pattern

from bench.performance.sides import Goal, compare
from fmdata.catalog.types import Recording
from fmdata.pipeline.build import build
from fmdata.pipeline.landmarks.mediapipe import MediaPipeLandmarker
from fmdata.pipeline.reading.decode import decode
from fmdata.pipeline.reading.discover import discover
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.synth.simulator.video import encode_mp4

MAX_FRAMES = 1000  # that the loop holds in memory
HD = 720, 1280
MS = 1e-3
# Outer eye corners, nose and mouth corners; where a crop of 112 pixels has them (ArcFace).
POINTS = (33, 263, 4, 61, 291)
TEMPLATE = np.array([(38.3, 51.7), (73.5, 51.5), (56.0, 71.7), (41.5, 92.4), (70.7, 92.2)])
TEMPLATE = TEMPLATE.astype(np.float32)


def goals(raw: Path, real: Path | None, folder: Path, rounds: int) -> Iterator[Goal]:
    """Measure on simulated recordings, on real ones if there are any, and on large pictures."""
    yield _against_loop("build, simulated 320², one worker", 1.3, raw, folder, rounds)
    if real:
        yield _against_loop("build, real recordings, one worker", 0.8, real, folder, rounds)
    else:
        against = "a bare MediaPipe loop"
        yield Goal("build, real recordings, one worker", against, 0.8, None, "needs --real")
    large = _enlarged(raw, folder / "large")
    yield _against_loop("build, 1280 × 720, one worker", 0.8, large, folder, rounds)
    yield _against_script(raw, folder, rounds)
    yield compare(
        "build, two workers", "one worker", 1.9, ours=_build(raw, folder, 2),
        theirs=_build(raw, folder, 1), rounds=rounds, by_wall=True,
    )  # fmt: skip


def _build(raw: Path, folder: Path, workers: int) -> Callable[[], object]:
    out = folder / "built"

    def job() -> None:
        shutil.rmtree(out, ignore_errors=True)
        build(raw, out, BuildSettings(), RunSettings(workers=workers))

    return job


def _against_loop(work: str, least: float, raw: Path, folder: Path, rounds: int) -> Goal:
    """Compare a build with a loop that only calls MediaPipe, on frames in memory."""
    recordings = discover(raw).recordings
    n = sum(1 for recording in recordings for _ in decode(recording))
    kept = _frames(recordings, MAX_FRAMES if n < 2 * MAX_FRAMES else MAX_FRAMES // 2)
    detect = MediaPipeLandmarker()._landmarker.detect
    images = [mp.Image(image_format=mp.ImageFormat.SRGB, data=rgb) for rgb in kept]
    return compare(
        work, "a bare MediaPipe loop", least, ours=_build(raw, folder, 1),
        theirs=lambda: [detect(image) for image in images], rounds=rounds, per=n * MS,
        unit="ms a frame", share=n / len(kept),
    )  # fmt: skip


def _frames(recordings: Sequence[Recording], n: int) -> list[np.ndarray]:
    every = (frame.rgb for recording in recordings for frame in decode(recording))
    return [np.ascontiguousarray(rgb) for rgb in islice(every, n)]


def _against_script(raw: Path, folder: Path, rounds: int) -> Goal:
    recordings = discover(raw).recordings
    n = sum(1 for recording in recordings for _ in decode(recording))
    paths = [raw / recording.source for recording in recordings]
    return compare(
        "build, simulated 320², one worker", "the script most people write", 2.0,
        ours=_build(raw, folder, 1), theirs=partial(_script, paths, folder / "script"),
        rounds=rounds, per=n * MS, unit="ms a frame",
    )  # fmt: skip


def _script(paths: Sequence[Path], target: Path) -> None:
    """Decode with OpenCV, find landmarks, warp by five points, map by scikit-image, write PNGs."""
    shutil.rmtree(target, ignore_errors=True)
    landmarker = MediaPipeLandmarker()._landmarker
    for number, path in enumerate(paths):
        folder = target / f"{number:03d}"
        folder.mkdir(parents=True)
        video, index = cv2.VideoCapture(str(path)), 0
        while (read := video.read())[0]:
            rgb = cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB)
            found = landmarker.detect(mp.Image(image_format=mp.ImageFormat.SRGB, data=rgb))
            for face in found.face_landmarks[:1]:
                height, width = rgb.shape[:2]
                points = np.array([(face[p].x * width, face[p].y * height) for p in POINTS])
                matrix = cv2.estimateAffinePartial2D(points.astype(np.float32), TEMPLATE)[0]
                crop = cv2.warpAffine(read[1], matrix, (112, 112))
                grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
                pattern = local_binary_pattern(grey, 8, 1).astype(np.uint8)
                cv2.imwrite(str(folder / f"{index:05d}.png"), crop)
                cv2.imwrite(str(folder / f"{index:05d}_lbp.png"), pattern)
            index += 1
        video.release()


def _enlarged(raw: Path, folder: Path) -> Path:
    """Write the first four recordings as 1280 × 720, the face as high as the picture."""
    height, width = HD
    for recording in discover(raw).recordings[:4]:
        pictures = []
        for frame in decode(recording):
            picture = np.full((height, width, 3), 96, np.uint8)
            left = (width - height) // 2
            picture[:, left : left + height] = cv2.resize(frame.rgb, (height, height))
            pictures.append(picture)
        path = folder / recording.source
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_mp4(pictures, 25, 20))
    return folder
