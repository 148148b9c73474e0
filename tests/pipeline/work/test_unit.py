"""A finished unit is reused only when it is whole and its reason is not worth a retry."""

from pathlib import Path

import pytest

from fmdata.catalog.storage.work import Unit
from fmdata.catalog.types import Dropped
from fmdata.pipeline.work.outcome import done_before


def dropped(reason: str) -> Dropped:
    return Dropped("a/b/c.mp4", "a", "b", "c", "landmarks", reason, "for a test", 1)


@pytest.mark.parametrize(
    ("reason", "retry", "again"),
    [
        ("no_face", False, False),
        ("no_face", True, True),
        ("crashed", False, True),
        ("timed_out", False, False),
    ],
)
def test_a_dropped_recording_is_retried_where_that_may_help(
    tmp_path: Path, reason: str, retry: bool, again: bool
) -> None:
    unit = Unit(tmp_path / "unit")
    unit.write_dropped(dropped(reason))
    outcome = done_before(unit, retry)
    assert (outcome is None) == again
    if outcome is not None:
        assert outcome.dropped == dropped(reason)


def test_a_unit_of_an_older_version_is_made_again(tmp_path: Path) -> None:
    """Older units held landmarks in the row; without a landmarks file a unit is unfinished."""
    assert done_before(Unit(tmp_path / "none")) is None
    old = Unit(tmp_path / "old")
    old.path.mkdir()
    old.row.write_bytes(b"a row")
    assert done_before(old) is None
