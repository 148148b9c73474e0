"""`verify --deep` finds damage in pixels that no digest and no position reveals."""

import io
import tarfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from fmdata.catalog.verify.dataset import verify
from tests.helpers.datasets import change_frames, frames_of, make_up, seal


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return make_up(tmp_path / "dataset", ["s01"], k=1)


def overwrite(path: Path, part: str, at: int, data: bytes) -> None:
    """Overwrite bytes of the first shard's tar, and seal the card."""
    with (path / part / "shard-00000.tar").open("r+b") as file:
        file.seek(at)
        file.write(data)
    seal(path)


def first_row(path: Path, part: str) -> dict:
    return pq.read_table(path / part / "shard-00000.parquet").slice(0, 1).to_pylist()[0]


def test_intact_frames_have_no_findings(dataset: Path, dataset_path: Path) -> None:
    assert verify(dataset, deep=True) == []
    assert verify(dataset_path, deep=True) == []


@pytest.mark.parametrize("part", ["actions", "compounds"])
def test_a_frame_that_is_not_a_jpeg_is_found(dataset: Path, part: str) -> None:
    row = first_row(dataset, part)
    file = dataset / part / "shard-00000.frames.parquet"
    offset, size = (frames_of(file, row["key"], f"jpeg_{name}")[5] for name in ("offset", "size"))
    overwrite(dataset, part, offset, bytes(size))
    assert verify(dataset) == []
    findings = verify(dataset, deep=True)
    assert any(
        row["key"] in f.problem
        and ("frame 5: not a complete JPEG" in f.problem or "other pixels" in f.problem)
        for f in findings
    ), findings


def test_a_wrong_frame_difference_in_a_row_is_found(dataset: Path) -> None:
    row = first_row(dataset, "actions")
    file = dataset / "actions/shard-00000.frames.parquet"
    change = np.array(frames_of(file, row["key"], "change"))
    change[4] += 1
    change_frames(file, row["key"], "change", change.tolist())
    seal(dataset)
    assert verify(dataset) == []
    (finding,) = verify(dataset, deep=True)
    assert f"{row['key']}: frame 4 differs by" in finding.problem


def test_a_compound_with_frames_other_than_its_segments_is_found(dataset: Path) -> None:
    """Two LBP maps of a compound are exchanged."""
    row = first_row(dataset, "compounds")
    begin = row["lbp_offset"] + row["lbp_size"] - 2 * 64 * 64
    data = (dataset / "compounds/shard-00000.tar").read_bytes()[begin : begin + 2 * 64 * 64]
    overwrite(dataset, "compounds", begin, data[64 * 64 :] + data[: 64 * 64])
    assert verify(dataset) == []
    (finding,) = verify(dataset, deep=True)
    assert f"{row['key']}: other pixels or maps" in finding.problem


def test_an_avi_header_with_a_wrong_rate_is_found(dataset: Path) -> None:
    """The rate in the stream header, which players read, is changed from 25 to 24."""
    row = first_row(dataset, "actions")
    with tarfile.open(dataset / "actions/shard-00000.tar") as tar:
        avi = tar.extractfile(tar.getmembers()[0]).read()
    assert io.BytesIO(avi).read(4) == b"RIFF"
    at = avi.index(b"strh") + 8 + 24  # type, codec, flags, priority, first frame, scale; rate
    overwrite(dataset, "actions", row["avi_offset"] + at, (24).to_bytes(4, "little"))
    assert verify(dataset) == []
    (finding,) = verify(dataset, deep=True)
    assert "frames per second, wanted 25" in finding.problem
