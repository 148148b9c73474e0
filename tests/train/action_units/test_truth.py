"""Labels of a file: matched by recording and frame, of coders or of a simulation."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fmdata.catalog import Dataset
from fmdata.catalog.clip import ActionClip
from fmdata.catalog.errors import DatasetError
from fmdata.synth.simulator.frames import SCHEMA
from fmdata.train.action_units.stand_ins import BLENDSHAPES
from fmdata.train.action_units.truth import UnitTruth

UNITS = 1, 12, 23


@pytest.fixture
def clip(drawn_dataset: Path) -> ActionClip:
    """Return a clip of the recording "x", which begins at its frame 4."""
    one = next(iter(Dataset(drawn_dataset).actions))
    one.row = one.row | {"first_frame": 4}
    return one


def written(folder: Path, columns: dict[str, object]) -> Path:
    path = folder / "truth.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def test_labels_are_those_of_the_clips_recording_and_frames(
    tmp_path: Path, clip: ActionClip
) -> None:
    """Rows of two recordings, mixed; frame 6 of "x" is missing, and AU 12 of frame 7 unknown."""
    n = clip.n_frames + 10
    frames = [f for f in range(n) if f != 6]
    paths = ["x", "other"] * len(frames)
    coded = [float(f == 5) if path == "x" else 1.0 for f in frames for path in ("x", "other")]
    smiles = [None if f == 7 else f / 10 for f in frames for _ in range(2)]
    columns = {"path": paths, "frame": np.repeat(frames, 2), "AU1": coded, "AU12": smiles}
    path = written(tmp_path, columns)
    scores = UnitTruth(path, UNITS).of(clip)
    assert scores.shape == (clip.n_frames, 3)
    wanted = np.arange(4, 4 + clip.n_frames) / 10
    wanted[[2, 3]] = np.nan  # frames 6 and 7 of the recording
    np.testing.assert_allclose(scores[:, 1], wanted, atol=1e-6)
    assert scores[:4, 0].tolist() == pytest.approx([0, 1, np.nan, 0], nan_ok=True)
    assert np.isnan(scores[:, 2]).all()


def test_the_truth_of_a_simulation_gives_the_stronger_side_of_its_units(
    tmp_path: Path, clip: ActionClip
) -> None:
    n = clip.n_frames + 4
    columns = {name: np.zeros(n, np.float32) for name in SCHEMA.names}
    columns |= {"path": ["x"] * n, "frame": np.arange(n)}  # type: ignore[dict-item]
    columns["mouthSmileLeft"] = np.linspace(0, 1.1, n, dtype=np.float32)
    columns["mouthSmileRight"] = np.full(n, 0.3, np.float32)
    scores = UnitTruth(written(tmp_path, columns), UNITS).of(clip)
    np.testing.assert_allclose(scores[:, 1], np.maximum(0.3, columns["mouthSmileLeft"][4:]))
    assert not scores[:, 0].any()
    assert np.isnan(scores[:, 2]).all()  # no blendshape is like AU 23
    assert set(BLENDSHAPES[1:]) <= set(SCHEMA.names)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"path": ["x"], "frame": [0], "smile": [1.0]}, "no column of any of the units 1, 12, 23"),
        ({"path": ["other"], "frame": [0], "AU1": [1.0]}, "no row of x, the recording of c-brows"),
        ({"frame": [0], "AU1": [1.0]}, "cannot be read"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(
    tmp_path: Path, clip: ActionClip, columns: dict[str, object], message: str
) -> None:
    with pytest.raises(DatasetError, match=message):
        UnitTruth(written(tmp_path, columns), UNITS).of(clip)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"(?s)cannot be read.*truth = .*none\.parquet"):
        UnitTruth(tmp_path / "none.parquet", UNITS)
