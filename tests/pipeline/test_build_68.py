"""A build from 68 landmarks without blendshapes.

The stand-in for FAN returns the 68 points of MediaPipe's mesh, so the truth is that of the mesh.
"""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest

from fmdata.catalog import Dataset
from fmdata.catalog.verify.dataset import verify
from fmdata.pipeline import stages
from fmdata.pipeline.build import build
from fmdata.pipeline.geometry.points import to_68
from fmdata.pipeline.geometry.pose import pose_of_68
from fmdata.pipeline.landmarks.face import Face, Landmarker
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.synth.compounds import synth_compounds
from fmdata.synth.settings import CompoundSettings
from fmdata.train.data import crop_landmarks

pytestmark = pytest.mark.slow

NAMES = [("s01", "smile", "01"), ("s01", "jaw_drop", "01"), ("s01", "brow_raise", "01")]


class SixtyEight:
    """MediaPipe's faces, reduced to the results of FAN."""

    def __init__(self, whole: Landmarker) -> None:
        self.whole = whole

    def detect(self, rgb: np.ndarray) -> list[Face]:
        faces = [to_68(face.landmarks) for face in self.whole.detect(rgb)]
        return [Face(points, pose_of_68(points), None) for points in faces]


@pytest.fixture(scope="module")
def raw(raw_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("raw68") / "raw"
    for subject, action, take in NAMES:
        place = folder / subject / action
        place.mkdir(parents=True)
        shutil.copy(raw_path / subject / action / f"{take}.mp4", place)
    return folder


@pytest.fixture(scope="module")
def dataset(raw: Path, landmarker: Landmarker) -> Dataset:
    path = raw.parent / "dataset"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stages, "_landmarker", lambda *_: SixtyEight(landmarker))
        patch.setattr("fmdata.pipeline.build.prepare", lambda *_: {})
        result = build(raw, path, BuildSettings(landmarks="fan"), RunSettings(workers=0))
    assert result.dropped == []
    synth_compounds(path, CompoundSettings(k=1))
    return Dataset(path)


def test_the_shards_hold_68_points_and_no_blendshapes(dataset: Dataset) -> None:
    assert verify(dataset.path) == []
    assert len(dataset.actions) == 3
    assert len(dataset.compounds) == 9
    for clip in dataset.actions:
        assert clip.landmarks.shape == (clip.n_frames, 68, 3)
        assert clip.landmarks.dtype == np.float32
        assert clip.frames_table(["blendshapes"])["blendshapes"].null_count == clip.n_frames
        assert clip.row["faces"] == 1
        assert clip.column("pose", (3,)).shape == (clip.n_frames, 3)


def test_all_points_are_inside_the_crop(dataset: Dataset) -> None:
    for clip in dataset.actions:
        points = crop_landmarks(clip)
        assert points.shape == (clip.n_frames, 68, 2)
        assert points.min() > 0
        assert points.max() < 1


def test_motions_are_spotted_where_they_are(dataset: Dataset, raw_path: Path) -> None:
    with (raw_path / "truth.csv").open(newline="") as file:
        truths = {(t["subject"], t["action"], t["take"]): t for t in csv.DictReader(file)}
    for clip in dataset.actions:
        truth = truths[clip.subject, clip.action, clip.take]
        assert clip.motion is not None
        assert clip.motion.onset == pytest.approx(int(truth["onset"]), abs=3)
        assert clip.motion.offset == pytest.approx(int(truth["offset"]), abs=4)
        assert clip.motion.style == truth["style"]


def test_the_card_names_the_landmark_backend(dataset: Dataset) -> None:
    assert dataset.card.actions.settings["landmarks"] == "fan"
    assert "torch" in dataset.card.tools
