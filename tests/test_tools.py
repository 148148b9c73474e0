"""Other people's tools read a dataset: the blocks of docs/tools.md, run with the real libraries.

The correct result is that of ``Dataset`` each time.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from fmdata.catalog import Dataset
from fmdata.catalog.cards.write import introduce
from tests.helpers.command import TIMEOUT_S
from tests.helpers.documents import ROOT, commands, python_of

PAGE = ROOT / "docs/tools.md"
FFMPEG = pytest.mark.skipif(shutil.which("ffprobe") is None, reason="FFmpeg is not installed")
pytestmark = pytest.mark.slow

Run = Callable[[str], dict[str, Any]]


@pytest.fixture
def run(beside: Path) -> Run:
    """Return a function that runs the Python under a heading, and returns its names."""

    def run(heading: str) -> dict[str, Any]:
        names: dict[str, Any] = {}
        exec(python_of(PAGE, heading), names)
        return names

    return run


def test_webdataset_and_torch_have_the_frames_and_landmarks_of_every_clip(run: Run) -> None:
    names = run("webdataset and PyTorch")
    actions = Dataset("dataset").actions
    read = {key: (frames, points) for key, frames, points in names["loader"]}
    assert list(read) == actions.keys
    for key, (frames, points) in read.items():
        clip = actions[key]
        assert _mean_difference(frames.numpy(), clip.frames()) < 1
        np.testing.assert_array_equal(points.numpy(), clip.landmarks_in_crop)


@FFMPEG
def test_hugging_face_datasets_decode_every_clip_in_its_fold(beside: Path) -> None:
    """In a process of its own, since `datasets` reads its settings when it is imported."""
    last = "\nimport numpy; numpy.save('last.npy', first.permute(1, 2, 0).numpy())"
    script = python_of(PAGE, "Hugging Face `datasets`") + last
    shutil.copytree("dataset", "introduced/dataset", symlinks=False)
    introduce(Path("introduced/dataset"))
    environment = os.environ | {"HF_HOME": str(beside / "cache"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd="introduced", text=True,
        capture_output=True, timeout=TIMEOUT_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    printed = [line.split() for line in done.stdout.splitlines() if line.startswith("fold_")]
    clips = Dataset("dataset").actions
    assert [line[1] for line in printed] == clips.keys
    for fold, key, n_frames, onset in printed:
        clip = clips[key]
        assert clip.motion is not None
        assert fold == f"fold_{clip.fold}"
        assert (int(n_frames), int(onset)) == (clip.n_frames, clip.motion.onset)
    assert _mean_difference(np.load("introduced/last.npy"), clips[-1].frames([0])[0]) < 1


def test_duckdb_finds_clips_by_length_and_head_and_compounds_by_their_seam(run: Run) -> None:
    names = run("DuckDB")
    dataset = Dataset("dataset")
    short = sorted(
        (clip.motion.offset - clip.motion.onset, clip.key, clip.row["pose_range"])
        for clip in dataset.actions
        if clip.motion and clip.motion.offset - clip.motion.onset < 2 * clip.fps
        and clip.row["pose_range"] < 15
    )  # fmt: skip
    assert [(frames, key, pose) for key, frames, pose in names["short"]] == short
    rows = [clip.row for clip in dataset.compounds if clip.row["seam"] < 3]
    smooth = sorted((row["seam"], row["key"], row["first"], row["second"]) for row in rows)
    assert [(seam, key, *both) for key, *both, seam in names["smooth"]] == smooth
    assert short
    assert smooth


def test_polars_finds_the_peak_of_every_curve(run: Run) -> None:
    peaks = run("Polars")["peaks"].to_dicts()
    clips = sorted(Dataset("dataset").actions, key=lambda clip: clip.key)
    assert [row["key"] for row in peaks] == [clip.key for clip in clips]
    for row, clip in zip(peaks, clips, strict=True):
        seen = clip.detected
        assert row["peak"] == clip.intensity[seen].max()
        assert row["apex"] == clip.intensity[seen].argmax()
        assert row["yaw"] == np.abs(clip.pose[seen, 0]).max()


def test_pandas_has_the_seconds_of_every_motion(run: Run) -> None:
    lengths = run("pandas")["lengths"]
    clips = list(Dataset("dataset").actions)
    assert list(lengths.index) == [clip.key for clip in clips]
    for clip in clips:
        assert clip.motion is not None
        assert lengths[clip.key] == (clip.motion.offset - clip.motion.onset) / clip.fps


def test_opencv_and_pyav_read_the_frames_of_the_video(run: Run) -> None:
    names = run("OpenCV and PyAV, on the AVI itself")
    clip = Dataset("dataset").actions[names["name"].removesuffix(".avi")]
    assert float(names["rate"]) == clip.fps
    for frames in (names["with_opencv"], names["with_pyav"]):
        assert len(frames) == clip.n_frames
        assert _mean_difference(np.stack(frames), clip.frames()) < 1


@FFMPEG
def test_ffprobe_sees_one_stream_of_motion_jpeg_at_the_rate_of_the_clip(beside: Path) -> None:
    extract, probe = commands(PAGE, ("tar", "ffprobe"))
    subprocess.run(["bash", "-e", "-c", extract.text], check=True, timeout=TIMEOUT_S)
    seen = subprocess.run(probe.text.split(), capture_output=True, check=True, timeout=TIMEOUT_S)
    clip = Dataset("dataset").actions["s02-smile-01"]
    (stream,) = json.loads(seen.stdout)["streams"]
    assert stream == {
        "codec_name": "mjpeg",
        "width": clip.size,
        "r_frame_rate": f"{clip.fps:g}/1",
        "nb_read_frames": str(clip.n_frames),
    }


def test_mediapipe_draws_our_landmarks_where_the_face_is(run: Run) -> None:
    """Its lips, eyes, brows and oval are green lines on the crop, along our landmarks."""
    names = run("MediaPipe's own drawing")
    picture, clip, apex = (names[name] for name in ("picture", "clip", "apex"))
    plain = cv2.resize(clip.frames([apex])[0], None, fx=4, fy=4)
    rows, columns = np.nonzero((picture != plain).any(axis=2))
    assert len(rows) > 500
    points = 4 * clip.landmarks_in_crop[apex]
    for low, high, drawn in zip(
        points.min(axis=0), points.max(axis=0), (columns, rows), strict=True
    ):
        assert drawn.min() == pytest.approx(low, abs=4)
        assert drawn.max() == pytest.approx(high, abs=4)
    assert Path("apex.png").stat().st_size > 0


def test_rerun_reads_back_every_jpeg_landmark_and_intensity(run: Run) -> None:
    from rerun.chunk import RrdReader

    clip = run("Rerun")["clip"]
    found: dict[str, list[Any]] = {"/face": [], "/face/landmarks": [], "/intensity": []}
    for chunk in RrdReader("clip.rrd").stream():
        rows = chunk.to_record_batch()
        for name in ("EncodedImage:blob", "Points2D:positions", "Scalars:scalars"):
            if name in rows.schema.names:
                found[chunk.entity_path] += [value[0] for value in rows[name].to_pylist()]
                break
    assert [bytes(jpeg) for jpeg in found["/face"]] == clip.jpegs()
    assert found["/intensity"] == [float(value) for value in clip.intensity]
    assert len(found["/face/landmarks"]) == clip.n_frames


def _mean_difference(frames: np.ndarray, others: np.ndarray) -> float:
    """Return the mean absolute difference of two pictures or films, uint8 [...], in levels."""
    return float(cv2.absdiff(frames, others).mean())
