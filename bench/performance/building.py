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

from bench.performance.sides import Goal, Unit, alternate, compare, judge
from fmdata.drawing.video import encode_mp4
from fmdata.pipeline.build import build
from fmdata.pipeline.landmarks.mediapipe import MediaPipeLandmarker
from fmdata.pipeline.reading.decode import decode
from fmdata.pipeline.reading.discover import discover
from fmdata.pipeline.settings import BuildSettings, RunSettings

MAX_FRAMES = 400  # that the loop holds in memory, about
HD = 720, 1280
LOOP = "a bare MediaPipe loop"
MS = 1e-3
# Outer eye corners, nose and mouth corners; where a crop of 112 pixels has them (ArcFace).
POINTS = (33, 263, 4, 61, 291)
TEMPLATE = np.array([(38.3, 51.7), (73.5, 51.5), (56.0, 71.7), (41.5, 92.4), (70.7, 92.2)])
TEMPLATE = TEMPLATE.astype(np.float32)


def goals(raw: Path, real: Path | None, folder: Path, rounds: int) -> Iterator[Goal]:
    """Measure on simulated recordings, on real ones if there are any, and on large pictures."""
    yield from _simulated(raw, folder, rounds)
    work = "build, real recordings, one worker"
    if real:
        yield _against_loop(work, real, folder, rounds)
    else:
        yield Goal(work, LOOP, 0.8, None, "needs --real")
    large = _enlarged(raw, folder / "large")
    yield _against_loop("build, 1280 × 720, one worker", large, folder, rounds)


def _simulated(raw: Path, folder: Path, rounds: int) -> Iterator[Goal]:
    """Compare with the loop, the script and two workers, all in turn."""
    n, loop, share = _loop(raw)
    paths = [raw / recording.source for recording in discover(raw).recordings]
    script = partial(_script, paths, folder / "script")
    jobs = [_build(raw, folder, 1), loop, script, _build(raw, folder, 2)]
    one, bare, scripted, two = alternate(jobs, rounds)
    unit, work = Unit(n * MS, "ms a frame"), "build, simulated 320², one worker"
    yield judge(work, LOOP, 1.3, one, bare, unit, share=share)
    yield judge(work, "the script most people write", 2.0, one, scripted, unit)
    yield judge("build, two workers", "one worker", 1.9, two, one, unit, by_wall=True)


def _build(raw: Path, folder: Path, workers: int) -> Callable[[], object]:
    out = folder / "built"

    def job() -> None:
        shutil.rmtree(out, ignore_errors=True)
        build(raw, out, BuildSettings(), RunSettings(workers=workers))

    return job


def _against_loop(work: str, raw: Path, folder: Path, rounds: int) -> Goal:
    n, loop, share = _loop(raw)
    unit = Unit(n * MS, "ms a frame")
    return compare(work, LOOP, 0.8, _build(raw, folder, 1), loop, rounds, unit, share=share)


def _loop(raw: Path) -> tuple[int, Callable[[], object], float]:
    """Return the number of frames, a loop that only calls MediaPipe, and their share in it.

    The loop's frames are in memory, so there are few of them.
    """
    recordings = discover(raw).recordings
    n = sum(1 for recording in recordings for _ in decode(recording))
    every = (frame.rgb for recording in recordings for frame in decode(recording))
    step = max(1, n // MAX_FRAMES)
    kept = [np.ascontiguousarray(rgb) for rgb in islice(every, 0, None, step)]
    detect = MediaPipeLandmarker()._landmarker.detect
    images = [mp.Image(image_format=mp.ImageFormat.SRGB, data=rgb) for rgb in kept]

    def loop() -> None:
        for image in images:
            detect(image)

    return n, loop, n / len(images)


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
