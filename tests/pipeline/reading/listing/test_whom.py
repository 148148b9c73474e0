"""The person in a cell of a table: one of four words, or a point."""

import pytest

from fmdata.pipeline.reading.listing.whom import person, point_of


@pytest.mark.parametrize(
    ("cell", "meaning"),
    [("", None), ("LEFT", "left"), ("center", "centre"), ("412,230", "412,230"),
     ("412.5; 230", "412.5,230"), ("412 230", "412,230")],
)  # fmt: skip
def test_a_cell_has_one_meaning(cell: str, meaning: str | None) -> None:
    assert person(cell) == meaning


@pytest.mark.parametrize("cell", ["first", "412", "-3,5", "1,2,3", "0x10,5"])
def test_anything_else_is_refused(cell: str) -> None:
    with pytest.raises(ValueError, match=cell):
        person(cell)


def test_a_point_is_read_from_its_name() -> None:
    assert point_of("412.5,230") == (412.5, 230.0)
    assert point_of("left") is None
