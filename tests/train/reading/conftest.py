"""A dataset of five shards of unequal size."""

from pathlib import Path

import pytest

from fmdata.catalog import Dataset
from fmdata.catalog.keys import fold
from tests.helpers.datasets import make_up


@pytest.fixture(scope="session")
def five_shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make 68 clips in five shards of 4, 8, 16, 20 and 20; read only."""
    names = [f"s{i:03d}" for i in range(1000)]
    folds = {n: [name for name in names if fold(name, 0) == n] for n in range(5)}
    subjects = [s for n, count in enumerate((1, 2, 4, 5, 5)) for s in folds[n][:count]]
    path = make_up(tmp_path_factory.mktemp("five") / "dataset", subjects, k=0, shard_bytes=10**8)
    assert [s.samples for s in Dataset(path).card.actions.shards] == [4, 8, 16, 20, 20]
    return path
