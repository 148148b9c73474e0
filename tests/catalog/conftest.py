"""Data fixtures of the tests of datasets."""

import pytest

from fmdata.catalog.keys import fold


@pytest.fixture(scope="session")
def of_one_fold() -> list[str]:
    """Names of four subjects, all in fold 3."""
    names = (f"s{i:02d}" for i in range(1000))
    return [name for name in names if fold(name, 0) == 3][:4]
