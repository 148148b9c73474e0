"""The table of a data set: written once, read back by a build, and what is refused."""

import os
import sys
import zipfile
from pathlib import Path

import pytest

from fmdata.catalog.errors import FmdataError, InputError, UsageError
from fmdata.pipeline.reading.discover import discover
from fmdata.pipeline.reading.layouts.settings import TableSettings
from fmdata.pipeline.reading.layouts.table import write_table
from tests.helpers.command import assert_refused, fmdata
from tests.helpers.layouts import names_of, pictures, rows_of, tabled, text, workbook
from tests.helpers.raw_folders import touch

MEAD = ("M003/video/front/angry/level_1/001.mp4", "M003/video/front/happy/level_2/001.mp4")


def refused(error: type[FmdataError], layout: str, folder: Path, **settings: object) -> str:
    """Return the message of a table that is refused."""
    with pytest.raises(error) as caught:
        tabled(layout, folder, **settings)
    return str(caught.value)


def test_a_build_reads_the_table_as_it_was_written(tmp_path: Path) -> None:
    """Names with commas, quotes, line breaks, and spaces at the ends of folders."""
    odd = (' a, "b"_smile_01.mp4', "x\ny_smile_02.mp4", "in /c_smile_03.mp4")
    touch(tmp_path, *odd)
    pictures(tmp_path / "d_smile_04 ", "{}.png", range(3))
    tabled("flat", tmp_path, pattern="{subject}_{action}_{take}")
    found = {(r.subject, r.action, r.take, r.path.name) for r in discover(tmp_path).recordings}
    assert found == {
        ('a, "b"', "smile", "01", ' a, "b"_smile_01.mp4'),
        ("x\ny", "smile", "02", "x\ny_smile_02.mp4"),
        ("d", "smile", "04", "d_smile_04 "),
    }


def test_the_command_writes_a_table_or_refuses_with_one_message(tmp_path: Path) -> None:
    touch(tmp_path / "raw", "ann_smile_01.mp4")
    run = fmdata("table", "flat", "raw", cwd=tmp_path)
    assert (run.returncode, run.stdout.splitlines()[0]) == (
        0, "1 recordings of the pattern in raw/recordings.csv",
    )  # fmt: skip
    assert fmdata("table", "flat", "raw", "--quiet", cwd=tmp_path).stdout == ""
    assert_refused(fmdata("table", "ck+", "raw", cwd=tmp_path), 2, "ckplus")


def test_a_table_that_is_there_is_never_replaced(tmp_path: Path) -> None:
    """The same table again is no error; one that a person changed stays as it is."""
    folder = touch(tmp_path / "MEAD", *MEAD)
    tabled("mead", folder)
    assert "which was there already" in str(tabled("mead", folder))
    table = folder / "recordings.csv"
    table.write_text(changed := table.read_text().replace("angry", "cross"))
    assert "give another file with --out" in refused(UsageError, "mead", folder)
    assert table.read_text() == changed
    other = tmp_path / "mead.csv"
    result = write_table("mead", folder, TableSettings(), other)
    assert f"--table {other}" in str(result)
    assert len(discover(folder, other).recordings) == 2


def test_the_report_says_what_is_in_the_table_and_what_to_do_next(tmp_path: Path) -> None:
    folder = touch(tmp_path / "my MEAD", *MEAD, "M003/video/front/angry/level_9/001.mp4")
    assert str(tabled("mead", folder)).splitlines() == [
        f"2 recordings of MEAD in {folder}/recordings.csv",
        "  1 subject: M003; 2 actions: angry, happy",
        "  labels: emotion, level, view; no boundaries",
        "  not named as in the set, left out (1): M003/video/front/angry/level_9/001.mp4",
        f"look at it, change it as you like, then: fmdata build --subjects '{folder}'",
    ]


def test_a_folder_of_another_set_says_which_it_is(tmp_path: Path) -> None:
    folder = touch(tmp_path / "MEAD", *MEAD)
    message = refused(InputError, "ckplus", folder)
    assert "none of 2 recordings is named as in CK+" in message
    assert f"this looks like MEAD: fmdata table mead {folder}" in message
    assert "no video and no folder of numbered images" in refused(
        InputError, "ckplus", touch(tmp_path / "empty", "readme.txt")
    )


def test_wrong_words_on_the_command_line_are_named(tmp_path: Path) -> None:
    assert "one of ckplus, afew, casme2, samm, smic, ravdess, grid, voxceleb, mead, bp4d, flat" in (
        refused(UsageError, "ck+", tmp_path)
    )
    assert "a pattern with the layout flat only" in refused(
        UsageError, "mead", tmp_path, pattern="{subject}_{action}"
    )
    assert "there is no such folder" in refused(UsageError, "mead", tmp_path / "absent")


def test_links_out_of_the_folder_need_the_users_word(tmp_path: Path) -> None:
    """Links inside the folder are followed; the build from such a table needs the word too."""
    elsewhere = touch(tmp_path / "elsewhere", "angry/level_1/001.mp4")
    folder = touch(tmp_path / "MEAD", "M003/video/front/happy/level_2/001.mp4")
    (folder / "M003/video/left_30").symlink_to(folder / "M003/video/front")
    tabled("mead", folder)
    assert {names[2] for names in names_of(folder).values()} == {"front_2_001", "left_30_2_001"}
    (folder / "recordings.csv").unlink()
    (folder / "M003/video/top").symlink_to(elsewhere)
    assert "--follow-links" in refused(InputError, "mead", folder)
    assert str(tabled("mead", folder, follow_links=True)).endswith("--follow-links")
    assert len(discover(folder, follow_links=True).recordings) == 3


def test_names_that_are_not_utf8_are_left_out_and_named(tmp_path: Path) -> None:
    folder = touch(tmp_path, "ann_smile_01.mp4")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/bob\xff_smile_01.mp4")).touch()
    report = str(tabled("flat", folder))
    assert [*rows_of(folder)] == ["ann_smile_01.mp4"]
    assert r"names that are not in UTF-8, left out (1): bob\xff_smile_01.mp4" in report


CLIP = "sub01/EP02_01f"
CODING = ("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Estimated Emotion")


@pytest.fixture
def casme2(tmp_path: Path) -> Path:
    """Return CASME II of one recording, without a table."""
    pictures(tmp_path / CLIP, "img{}.jpg", range(1, 9))
    return tmp_path


def test_a_workbook_without_the_package_for_it_names_the_package(
    casme2: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workbook(casme2 / "CASME2-coding-20190701.xlsx", CODING)
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    assert "pip install 'fmdata[tables]'" in refused(UsageError, "casme2", casme2)


def test_a_table_saved_as_csv_is_read_too(casme2: Path) -> None:
    """Spreadsheets write semicolons, a mark before the first column, and 2.0 for 2."""
    header = ";".join(CODING).upper()
    text(casme2 / "CASME2-coding.csv", f"\ufeff{header}\n1;EP02_01f;2.0;3;5;Disgust\n")
    tabled("casme2", casme2)
    row = rows_of(casme2)[CLIP]
    assert (row["onset"], row["apex"], row["offset"], row["action"]) == ("1", "2", "5", "disgust")


def test_the_lock_file_of_a_spreadsheet_program_is_no_table(casme2: Path) -> None:
    text(casme2 / "~$CASME2-coding-20190701.xlsx", "owner")
    assert "no table such as CASME2-coding-20190701.xlsx" in str(tabled("casme2", casme2))


def test_a_table_that_is_damaged_or_another_one_is_refused(casme2: Path) -> None:
    table = text(casme2 / "CASME2-coding-20190701.xlsx", "not a workbook")
    assert "a table that cannot be read" in refused(InputError, "casme2", casme2)
    with zipfile.ZipFile(table, "w") as parts:
        parts.writestr("xl/workbook.xml", "<no workbook")
    assert "a table that cannot be read" in refused(InputError, "casme2", casme2)
    workbook(table, ("Name", "Age"), ("x", 3))
    message = refused(InputError, "casme2", casme2)
    assert "no header with Subject, Filename, OnsetFrame, OffsetFrame" in message
    assert "the fullest line is Name, Age" in message


def test_of_two_releases_of_a_table_the_later_counts(casme2: Path) -> None:
    """Two rows of one recording in one table are two motions; those of two tables are one."""
    for year, first in (("2014", 2), ("2019", 3)):
        row = (1, "EP02_01f", first, 4, 6, "happiness")
        workbook(casme2 / f"CASME2-coding-{year}0508.xlsx", CODING, row)
    report = str(tabled("casme2", casme2))
    (row_,) = rows_of(casme2).values()
    assert (row_["take"], row_["onset"]) == ("EP02_01f", "2")
    assert "tables of motions, of which the last by name counts (2)" in report


def test_a_workbook_that_would_fill_the_memory_is_refused(
    casme2: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workbook(casme2 / "CASME2-coding-20190701.xlsx", CODING)
    monkeypatch.setattr("fmdata.pipeline.reading.layouts.sheet.MAX_BYTES", 7000)
    assert "when unpacked" in refused(InputError, "casme2", casme2)
