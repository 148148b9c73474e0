"""Fixtures of the tests of copies: two versions of a dataset, and a store that can fail."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fmdata.catalog.remote import store
from tests.helpers.datasets import make_up
from tests.helpers.far_end import FarEnd


@pytest.fixture(scope="session")
def versions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Make an older and a newer version of one dataset; read only.

    The newer one has another subject, no compounds, and so other, fewer and renamed shards.
    """
    folder = tmp_path_factory.mktemp("versions")
    older = make_up(folder / "older", ["s01", "s02"], dropped=["s02"], k=1)
    return older, make_up(folder / "newer", ["s00", "s02"], k=0)


@pytest.fixture
def dataset(versions: tuple[Path, Path], tmp_path: Path) -> Path:
    """Copy the older version into a folder that may be changed."""
    return Path(shutil.copytree(versions[0], tmp_path / "dataset"))


@pytest.fixture(autouse=True)
def far(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[FarEnd]]:
    """Yield an empty store that works, without waits between tries."""
    monkeypatch.setattr(store, "BACKOFF_S", 0.0)
    FarEnd.reset()
    yield FarEnd
    FarEnd.reset()
