"""Agreement of spotted with given motions, on rows whose errors are known."""

from pathlib import Path

import pyarrow as pa
import pytest

from fmdata.catalog import Dataset
from fmdata.catalog.given.agreement import COLUMNS, Agreement, iou_of
from fmdata.catalog.summary import summarise
from tests.helpers.datasets import change_row, make_up, seal

# Given onset and offset, spotted onset and offset; the last clip but one is a miss, and the last
# one has no given boundaries.
ROWS = [(10, 20, 10, 20), (10, 20, 12, 20), (0, 8, 4, 12), (5, 9, None, None), (None, None, 3, 9)]


def test_errors_misses_and_overlaps_are_those_of_the_rows() -> None:
    """IoUs are 1, 8/10, 4/12 and 0 for the miss; onsets are 0, 2 and 4 late, offsets 0, 0 and 4."""
    columns = [pa.array(column, pa.int32()) for column in zip(*ROWS, strict=True)]
    found = Agreement.of(pa.table(columns, list(COLUMNS)))
    assert found is not None
    assert (found.clips, found.missed) == (4, 1)
    assert found.onset is not None
    assert found.offset is not None
    assert (found.onset.median, found.onset.mean, found.onset.bias) == (2, 2, 2)
    assert (found.offset.median, found.offset.mean) == (0, pytest.approx(4 / 3))
    assert found.iou_median == pytest.approx((0.8 + 4 / 12) / 2)
    assert found.found_share == 0.5
    ious = [iou_of(dict(zip(COLUMNS, row, strict=True))) for row in ROWS]
    assert ious == [1, 0.8, pytest.approx(1 / 3), 0, None]


def test_without_truth_there_is_no_agreement_and_of_misses_alone_no_error() -> None:
    none = pa.table([pa.array([None], pa.int32())] * 4, list(COLUMNS))
    assert Agreement.of(none) is None
    missed = pa.table([pa.array([x], pa.int32()) for x in (1, 5, None, None)], list(COLUMNS))
    found = Agreement.of(missed)
    assert found is not None
    assert (found.onset, found.iou_median) == (None, 0)
    assert "no motion spotted in 1" in str(found)


def test_info_and_health_say_how_spotting_agrees(tmp_path: Path) -> None:
    """One clip, spotted at 3 to 9, is given at 8 to 12: they share one of nine frames."""
    path = make_up(tmp_path / "dataset", ["ann"], k=0)
    given = {"given_times": "onset 8, offset 12", "given_onset": 8, "given_offset": 12}
    change_row(path / "actions/shard-00000.parquet", 0, **given)
    seal(path)
    summary = summarise(Dataset(path))
    assert "1 clips with given boundaries" in str(summary)
    assert "onset median 5, mean 5 (-5)" in str(summary)
    assert summary.to_json()["agreement"]["iou_median"] == pytest.approx(1 / 9)
    assert summary.to_json()["agreement"]["onset"]["bias"] == -5
    (line,) = [line for line in summary.health if line.kind == "disagreeing"]
    assert (line.count, line.keys) == (1, (Dataset(path).actions[0].key,))
