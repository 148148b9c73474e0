"""A table of overrides means one thing, or is refused with all its errors in one message."""

from pathlib import Path

import pytest

from fmdata.catalog.errors import UsageError
from fmdata.pipeline.work.review.override import Override, read_overrides

HEADER = "key,source_sha256,onset,apex,offset,action,reject,note"
SHA256 = "ab" * 32


def table(path: Path, *rows: str, header: str = HEADER, encoding: str = "utf-8") -> Path:
    path.write_bytes("\n".join([header, *rows, ""]).encode(encoding))
    return path


def test_each_kind_of_mark_is_read(tmp_path: Path) -> None:
    path = table(
        tmp_path / "overrides.csv",
        f'a-smile-01,{SHA256},12,23,37,,,"the onset, two frames late"',
        "a-smile-02,,12,,37,wink,no,",
        "a-smile-03,,,,,,yes,another person",
    )
    assert read_overrides(path).rows == (
        Override(2, "a-smile-01", SHA256, 12, 23, 37, note="the onset, two frames late"),
        Override(3, "a-smile-02", "", 12, None, 37, action="wink"),
        Override(4, "a-smile-03", reject=True, note="another person"),
    )


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [";", "\t"])
def test_a_table_of_a_spreadsheet_is_read(tmp_path: Path, encoding: str, separator: str) -> None:
    cells = ["Key", "Note", "Offset", "Onset"], ["a-smile-01", "Grimasse für", "37,0", "12"]
    header, row = (separator.join(one) for one in cells)
    path = table(tmp_path / "overrides.csv", row, header=header, encoding=encoding)
    (one,) = read_overrides(path).rows
    assert one == Override(2, "a-smile-01", "", 12, None, 37, note="Grimasse für")


def test_a_table_with_its_header_alone_has_no_marks(tmp_path: Path) -> None:
    assert read_overrides(table(tmp_path / "overrides.csv")).rows == ()


@pytest.mark.parametrize(
    ("row", "error"),
    [
        ("k,,12,12,37,,,", "line 2: apex 12 is not after onset 12"),
        ("k,,12,40,37,,,", "line 2: offset 37 is not after apex 40"),
        ("k,,12,,13,,,", "line 2: offset 13 leaves no frame for an apex after onset 12"),
        ("k,,-1,5,9,,,", "line 2: onset -1 is negative"),
        ("k,,12,,,,,", "line 2: no offset beside the other boundaries"),
        ("k,,,5,,,,", "line 2: no onset beside the other boundaries"),
        ("k,,1.5,5,9,,,", "line 2: onset is '1.5', not a whole number of frames"),
        ("k,,early,5,9,,,", "line 2: onset is 'early', not a whole number of frames"),
        ("k,,,,,,maybe,", "line 2: reject is 'maybe', neither yes nor no"),
        ("k,,,,,wink,yes,", "line 2: reject = yes beside an onset, apex, offset or action"),
        ("k,,,,,,,only a note", "line 2: no mark: give onset and offset, an action, or reject"),
        (",,,,,,yes,", "line 2: key is empty"),
        ("k,abc,,,,,yes,", "line 2: source_sha256 has 3 characters, not 64"),
        ("k,,,,,,yes,one,two", "line 2: 9 cells, more than columns"),
        ("k,,,,,,yes,\nk,,1,2,3,,,", "line 3: a second row for k, as line 2"),
    ],
)
def test_a_bad_row_is_an_error_that_names_its_line(tmp_path: Path, row: str, error: str) -> None:
    path = table(tmp_path / "overrides.csv", row)
    with pytest.raises(UsageError) as caught:
        read_overrides(path)
    assert caught.value.got.splitlines()[0] == "1 error in the table:"
    assert error in caught.value.got
    assert caught.value.where == str(path)
    assert "onset < apex < offset" in caught.value.wanted


@pytest.mark.parametrize(
    ("header", "got"),
    [
        ("clip,onset,offset", "no column key among: clip, onset, offset"),
        ("key,onset,onset", "two columns onset among: key, onset, onset"),
        ("", "no column key among: a, 1, 2"),
    ],
)
def test_a_table_of_other_columns_is_refused(tmp_path: Path, header: str, got: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_overrides(table(tmp_path / "overrides.csv", "a,1,2", header=header))
    assert caught.value.got == got
    assert "--overrides" in caught.value.todo


def test_a_table_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_overrides(tmp_path / "overrides.csv")
    path = table(tmp_path / "overrides.csv", "é,,,,,,yes,", encoding="latin-1")
    with pytest.raises(UsageError, match="cannot be read"):
        read_overrides(path)
