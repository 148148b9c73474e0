"""The examples of the README and of the page on the format run as they stand."""

import re
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.compute as pc
import pyarrow.dataset
import pytest

from fmdata.catalog import Dataset

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
QUERY = re.compile(r"^    (select .*?);$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def beside(dataset_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder in which the dataset has the name that the examples give it."""
    (tmp_path / "dataset").symlink_to(dataset_path)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("beside")
def test_the_reading_of_a_dataset_in_the_readme_runs() -> None:
    blocks = BLOCK.findall((ROOT / "README.md").read_text())
    (example,) = [block for block in blocks if "frames_table" in block]
    (later,) = [block for block in blocks if "prefetch(" in block]
    names: dict[str, Any] = {}
    exec(example, names)
    exec(later, names)
    assert names["ds"].actions.table().num_rows == 36
    assert names["clip"].key == names["ds"].actions.keys[-1]  # of the loop over all clips


@pytest.mark.usefixtures("beside")
def test_the_queries_of_the_format_page_answer_as_the_clips_do() -> None:
    """Frames in motion, and the largest intensity of each action: by Arrow, and by DuckDB."""
    largest: dict[str, float] = {}
    moving = 0
    for clip in Dataset("dataset").actions:
        moving += int((clip.intensity > 0.05).sum())
        largest[clip.action] = max(largest.get(clip.action, 0.0), float(clip.intensity.max()))
    frames = pyarrow.dataset.dataset(sorted(map(str, Path("dataset/actions").glob("*.frames.*"))))
    assert frames.count_rows(filter=pc.field("intensity") > 0.05) == moving > 0
    queries = QUERY.findall((ROOT / "docs/format.md").read_text())
    assert len(queries) == 2
    assert len(duckdb.sql(queries[0]).fetchall()) == moving
    assert dict(duckdb.sql(queries[1]).fetchall()) == pytest.approx(largest)
