"""A change of a dataset at a URL is decided only when it can be completed."""

from pathlib import Path

import pytest

from fmdata.catalog.errors import DatasetError, UsageError
from fmdata.catalog.remote.push import push
from fmdata.catalog.remote.store import Store
from fmdata.catalog.remote.withdraw import withdraw
from fmdata.catalog.remote.work import complete, decide, require_place
from fmdata.catalog.storage.card import Card
from tests.helpers.far_end import FarEnd, Killed
from tests.helpers.folders import read_files

URL = "far://lab"


def own() -> None:
    """Hold the place."""


def test_a_dataset_with_a_lost_file_stays_as_it_is(dataset: Path) -> None:
    """The build keeps the compounds of the old card, and one of their files is not there."""
    push(dataset, URL)
    lost = next(name for name in FarEnd.files("lab") if name.startswith("compounds/"))
    Store(URL).remove(lost)
    before = FarEnd.files("lab")
    with pytest.raises(DatasetError, match="is missing; the dataset was not changed"):
        decide(Store(URL), Card.read(dataset), {}, own)
    assert FarEnd.files("lab") == before


def test_a_file_counts_that_is_to_be_moved_into_its_place(dataset: Path) -> None:
    push(dataset, URL)
    before = FarEnd.files("lab")
    Store(URL).move("dropped.parquet", ".work/dropped.parquet")
    decide(Store(URL), Card.read(dataset), {".work/dropped.parquet": "dropped.parquet"}, own)
    assert FarEnd.files("lab") == before


def test_neither_a_push_nor_a_removal_mixes_with_a_change_that_was_stopped(dataset: Path) -> None:
    push(dataset, URL)
    wanted, here = FarEnd.files("lab"), read_files(dataset)

    def stop() -> None:
        if "fmdata.json" not in FarEnd.files("lab"):
            raise Killed

    with pytest.raises(Killed):
        decide(Store(URL), Card.read(dataset), {}, stop)
    before = FarEnd.files("lab")
    with pytest.raises(UsageError, match="run the build or the synthesis again"):
        push(dataset, URL)
    with pytest.raises(UsageError, match="run the build or the synthesis again"):
        withdraw(dataset, "s01", URL)
    assert (FarEnd.files("lab"), read_files(dataset)) == (before, here)
    complete(Store(URL), own)
    assert FarEnd.files("lab") == wanted


def test_a_place_with_any_unfinished_work_is_one_of_ours() -> None:
    """As a command leaves it that is killed while it shows its workers a file."""
    require_place(Store(URL), {".work/0123.part/token": 64})
    with pytest.raises(UsageError, match="something that is not a dataset"):
        require_place(Store(URL), {".workshop/thesis.txt": 4})
