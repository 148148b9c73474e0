"""Real motions whose boundaries two raters marked, by looking at pixels alone, as given truth.

The table lies beside the recordings: halves are means of the two marks, and a motion without an
offset is held to the end of its span. Its other columns are labels.
"""

import csv
from pathlib import Path

import pytest

from fmdata.catalog import Dataset
from fmdata.catalog.summary import summarise
from fmdata.catalog.verify.dataset import verify
from fmdata.pipeline.build import build
from fmdata.pipeline.settings import BuildSettings, RunSettings

pytestmark = pytest.mark.slow


def test_marks_of_raters_are_honoured_and_spotting_agrees_with_them(
    shared_data: Path, tmp_path: Path
) -> None:
    """A motion that is held, and one that returns: onsets within 2 frames, IoU above 0.8."""
    raw = shared_data / "motions"
    with (raw / "recordings.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["action"] in ("shrug_lips", "grin")]
    rows = [row for row in rows if row["path"] != "man_glasses.mp4"]
    with (tmp_path / "table.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)
    build(raw, tmp_path / "dataset", BuildSettings(), RunSettings(workers=2),
          table=tmp_path / "table.csv")  # fmt: skip
    dataset = Dataset(tmp_path / "dataset")
    assert verify(dataset.path) == []
    held, back = (
        dataset.actions[f"{name}-01"] for name in ("man_door-grin", "man_grey-shrug_lips")
    )
    assert (held.row["onset"], held.row["offset"], held.row["style"]) == (16, held.n_frames, "hold")
    assert (back.row["onset"], back.row["offset"], back.row["style"]) == (5, 50, "return")
    assert held.labels == {"offset_raters": None, "onset_raters": "16|16", "rise": 17}
    found = summarise(dataset).agreement
    assert found is not None
    assert (found.clips, found.missed, found.found_share) == (2, 0, 1.0)
    assert found.onset is not None
    assert found.onset.mean <= 2
    assert found.iou_median > 0.8
