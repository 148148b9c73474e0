"""`verify --deep` sees into the pictures: what every digest and position lets pass, it finds."""

import io
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fmdata.catalog.storage.card import Card, FileFacts
from fmdata.catalog.verify.dataset import verify


@pytest.fixture
def dataset(made_up: Callable, tmp_path: Path) -> Path:
    return made_up(tmp_path / "dataset", ["s01"], k=1)


def overwrite(path: Path, part: str, at: int, data: bytes, **columns: object) -> None:
    """Write into the first shard's tar, and into its first row, and make the card agree."""
    stem = path / part / "shard-00000"
    tar, parquet = stem.with_suffix(".tar"), stem.with_suffix(".parquet")
    with tar.open("r+b") as file:
        file.seek(at)
        file.write(data)
    table = pq.read_table(parquet)
    rows = table.to_pylist()
    rows[0] |= columns
    pq.write_table(pa.Table.from_pylist(rows, table.schema), parquet)
    card = Card.read(path)
    half = getattr(card, part)
    shard = replace(half.shards[0], tar=FileFacts.of(tar), parquet=FileFacts.of(parquet))
    card = replace(card, **{part: replace(half, shards=[shard, *half.shards[1:]])})
    replace(card, compounds=replace(card.compounds, made_from=card.actions.digest)).write(path)


def first_row(path: Path, part: str) -> dict:
    return pq.read_table(path / part / "shard-00000.parquet").slice(0, 1).to_pylist()[0]


def test_whole_pictures_have_no_findings(dataset: Path, dataset_path: Path) -> None:
    assert verify(dataset, deep=True) == []
    assert verify(dataset_path, deep=True) == []


@pytest.mark.parametrize("part", ["actions", "compounds"])
def test_a_frame_that_is_no_picture(dataset: Path, part: str) -> None:
    row = first_row(dataset, part)
    overwrite(dataset, part, row["frame_offset"][5], bytes(row["frame_size"][5]))
    assert verify(dataset) == []
    findings = verify(dataset, deep=True)
    assert any(
        row["key"] in f.what and ("frame 5: not a whole JPEG" in f.what or "other pixels" in f.what)
        for f in findings
    ), findings


def test_a_frame_that_changes_otherwise_than_its_row_says(dataset: Path) -> None:
    row = first_row(dataset, "actions")
    change = np.array(row["change"])
    change[4] += 1
    overwrite(dataset, "actions", 0, b"", change=change.tolist())
    assert verify(dataset) == []
    (finding,) = verify(dataset, deep=True)
    assert f"{row['key']}: frame 4 differs by" in finding.what


def test_a_compound_with_another_frame_than_it_names(dataset: Path) -> None:
    """Two maps of a compound exchanged."""
    row = first_row(dataset, "compounds")
    begin = row["lbp_offset"] + row["lbp_size"] - 2 * 64 * 64
    data = (dataset / "compounds/shard-00000.tar").read_bytes()[begin : begin + 2 * 64 * 64]
    overwrite(dataset, "compounds", begin, data[64 * 64 :] + data[: 64 * 64])
    assert verify(dataset) == []
    (finding,) = verify(dataset, deep=True)
    assert f"{row['key']}: other pixels or maps" in finding.what


def test_an_avi_whose_header_says_another_rate(dataset: Path) -> None:
    """The stream header's rate, 25, written over by 24, where players read it."""
    row = first_row(dataset, "actions")
    with tarfile.open(dataset / "actions/shard-00000.tar") as tar:
        avi = tar.extractfile(tar.getmembers()[0]).read()
    assert io.BytesIO(avi).read(4) == b"RIFF"
    at = avi.index(b"strh") + 8 + 24  # type, codec, flags, priority, first frame, scale; rate
    overwrite(dataset, "actions", row["avi_offset"] + at, (24).to_bytes(4, "little"))
    assert verify(dataset) == []
    (finding,) = verify(dataset, deep=True)
    assert "frames a second, wanted 25" in finding.what
