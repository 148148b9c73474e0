"""A unit is taken up again only when it is whole, and worth no other try."""

from pathlib import Path

import pytest

from fmdata.catalog.types import Dropped
from fmdata.pipeline.work.unit import ROW, done_before, write_dropped


def left_out(reason: str) -> Dropped:
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
def test_what_was_left_out_is_tried_again_where_that_may_help(
    tmp_path: Path, reason: str, retry: bool, again: bool
) -> None:
    write_dropped(tmp_path / "unit", left_out(reason))
    outcome = done_before(tmp_path / "unit", retry)
    assert (outcome is None) == again
    if outcome is not None:
        assert outcome.dropped == left_out(reason)


def test_a_unit_of_another_version_is_made_again(tmp_path: Path) -> None:
    """Units once held their landmarks in the row; without the file of these they are unfinished."""
    assert done_before(tmp_path / "none") is None
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / ROW).write_bytes(b"a row")
    assert done_before(tmp_path / "old") is None
