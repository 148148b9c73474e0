"""The same bytes are a duplicate where their spans overlap."""

from dataclasses import replace

from fmdata.catalog.verify.duplicates import Use, duplicates


def groups(*uses: Use) -> list[list[str]]:
    return [[use.name for use in group] for group in duplicates(uses)]


def test_two_people_in_one_picture_are_no_duplicates() -> None:
    """Before a build by the person asked for, after it by the place of the faces."""
    left, right = Use("1", "ann", "a", person="left"), Use("1", "bob", "b", person="right")
    assert groups(left, right) == []
    assert groups(left, replace(right, person="left")) == [["a", "b"]]
    apart = replace(left, face=(100, 90, 40)), replace(right, face=(300, 90, 50))
    assert groups(*apart) == []
    assert groups(apart[0], replace(right, face=(120, 95, 40))) == [["a", "b"]]


def test_whole_files_of_the_same_bytes_are_duplicates() -> None:
    assert groups(Use("1", "ann", "a"), Use("2", "ann", "b"), Use("1", "bob", "c")) == [["a", "c"]]


def test_spans_that_adjoin_are_none_and_spans_that_overlap_are() -> None:
    """Of one subject, by half of the shorter span at least."""
    takes = [Use("1", "ann", "a", None, 2), Use("1", "ann", "b", 2, 4), Use("1", "ann", "c", 4)]
    assert groups(*takes) == []
    assert groups(*takes, Use("1", "bob", "d", 3.5, 5)) == [["b", "c", "d"]]
    assert groups(*takes, Use("1", "ann", "d", 3.5, 9)) == [["c", "d"]]
    assert groups(*takes, Use("1", "ann", "d", 1.5, 2.3)) == [["a", "d"]]
    assert groups(*takes[:2], Use("1", "ann", "d", 1.8, 2.3)) == [["b", "d"]]
    assert groups(*takes[:1], Use("1", "ann", "d", 1.9, 3)) == []
    assert groups(*takes, Use("1", "bob", "d")) == [["a", "b", "c", "d"]]
