"""Commands and training on virtual compounds, as on those in shards."""

import shutil
from pathlib import Path

import pytest

from fmdata.catalog import Dataset
from fmdata.report.page import write_report
from fmdata.report.settings import ReportSettings
from fmdata.train.data import compound_samples
from tests.helpers.command import fmdata
from tests.helpers.datasets import make_up


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_up(tmp_path_factory.mktemp("commands") / "dataset", ["s00", "s01"], k=3)


@pytest.fixture(scope="module")
def virtual(stored: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the same set virtual by the command."""
    folder = tmp_path_factory.mktemp("planned")
    shutil.copytree(stored, folder / "dataset")
    run = fmdata("synth-compound", "--k", 3, "--workers", 0, "--virtual", cwd=folder)
    assert run.returncode == 0, run.stderr
    assert "virtual compounds planned in" in run.stdout
    return folder / "dataset"


def test_training_has_the_same_samples(virtual: Path, stored: Path) -> None:
    assert list(compound_samples(Dataset(virtual))) == list(compound_samples(Dataset(stored)))


def test_the_report_shows_the_same_cells(virtual: Path, stored: Path, tmp_path: Path) -> None:
    pages = []
    for number, path in enumerate((virtual, stored)):
        page = tmp_path / f"{number}.html"
        write_report(path, ReportSettings(), page)
        pages.append(page.read_text().replace(", virtual: spliced when read", ""))
    parts = [page.split("<h2", 1)[1] for page in pages]  # the head names folder and size
    assert parts[0].count("cell-") == parts[1].count("cell-") > 0
