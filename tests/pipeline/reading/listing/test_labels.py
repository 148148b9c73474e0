"""Labels of a table: names, one type for each column, and refused columns."""

from pathlib import Path

import pytest

from fmdata.catalog.errors import UsageError
from fmdata.catalog.given.labels import MAX_LABELS
from fmdata.pipeline.reading.discover import discover
from tests.helpers.raw_folders import refusal, touch

HEADER = "path,subject,action,take"


def read(raw: Path, header: str, *rows: str, separator: str = ",") -> dict[str, tuple[str, list]]:
    """Return kind and values of each label of a table whose rows have these further cells."""
    touch(raw, *(f"{i}.mp4" for i in range(len(rows))))
    lines = [f"{HEADER},{header}", *(f"{i}.mp4,s,smile,{i},{row}" for i, row in enumerate(rows))]
    text = "\n".join(lines).replace(",", separator) if separator != "," else "\n".join(lines)
    (raw / "recordings.csv").write_text(text + "\n")
    found = discover(raw)
    assert all(one.given for one in found.recordings)
    return {
        label.name: (
            label.kind, [one.given.labels[i].value for one in found.recordings if one.given]
        )
        for i, label in enumerate(found.labels)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "kind", "values"),
    [
        (("1", "", "-3"), "integer", [1, None, -3]),
        (("1", "2.5", "1e3"), "real", [1.0, 2.5, 1000.0]),
        (("yes", "no", ""), "boolean", [True, False, None]),
        (("TRUE", "false", "True"), "boolean", [True, False, True]),
        (("happy", "1", ""), "text", ["happy", "1", None]),
        (("007", "8", "9"), "text", ["007", "8", "9"]),
        (('"6,12"', "4", "6"), "text", ["6,12", "4", "6"]),
        (("4+7", "L9", "12"), "text", ["4+7", "L9", "12"]),
        (("", "", ""), "text", [None, None, None]),
        (("nan", "1", "2"), "text", ["nan", "1", "2"]),
        (("99999999999999999999", "1", ""), "text", ["99999999999999999999", "1", None]),
        (("1_000", "2", "3"), "text", ["1_000", "2", "3"]),
        (("Zoe\u0301", "a", "b"), "text", ["Zo\u00e9", "a", "b"]),
    ],
)
def test_a_column_has_one_type_for_the_whole_table(
    cells: tuple[str, ...], kind: str, values: list, tmp_path: Path
) -> None:
    found = read(tmp_path, "x", *cells)["x"]
    assert found == (kind, values)
    assert [type(value) for value in found[1]] == [type(value) for value in values]


def test_a_decimal_comma_is_a_number_in_a_table_with_semicolons(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4", "b.mp4")
    (tmp_path / "recordings.csv").write_text(
        "path;subject;action;take;age\na.mp4;s;smile;1;1,5\nb.mp4;s;smile;2;2\n"
    )
    (label,) = discover(tmp_path).labels
    assert label.kind == "real"


def test_names_are_plain_and_sorted_whatever_the_order_of_the_columns(tmp_path: Path) -> None:
    found = read(tmp_path, "Emotion, AU 12 (left),age", "happy,1,30")
    assert list(found) == ["age", "au_12_left", "emotion"]


def test_facts_beside_boundaries_are_measured_and_no_labels(tmp_path: Path) -> None:
    """As `fmdata spot` writes them, and in the truth of `fmdata simulate`; a note names them."""
    found = read(tmp_path, "onset_s,offset_s,style,snr,kind", "0.2,0.7,return,9,plain")
    assert found == {"kind": ("text", ["plain"])}
    (note,) = discover(tmp_path).notes
    assert note == "columns of the table that a build measures itself: style, snr"


@pytest.mark.parametrize(
    ("header", "row", "got"),
    [
        ("snr", "1", "a column snr, which is one that fmdata writes itself"),
        ("N_Frames", "1", "a column n_frames, which is one that fmdata writes itself"),
        ("emotion,emotion", "a,b", "two columns emotion"),
        ("au 1,au_1", "a,b", "two columns au_1"),
        ("%", "1", "a column %, a name without a letter"),
        (",".join(f"c{i}" for i in range(MAX_LABELS + 1)), "", "101 columns beside"),
        ("text", "x" * 9000, "line 2: its labels have 9000 bytes, at most 8192"),
    ],
)
def test_a_column_that_cannot_be_a_label_is_refused(
    header: str, row: str, got: str, tmp_path: Path
) -> None:
    touch(tmp_path, "a.mp4")
    (tmp_path / "recordings.csv").write_text(f"{HEADER},{header}\na.mp4,s,smile,1,{row}\n")
    assert got in refusal(tmp_path, UsageError)
