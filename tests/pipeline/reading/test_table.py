"""The table of recordings: spellings that are read, and errors that show the right one."""

import os
from pathlib import Path

import pytest

from fmdata.catalog.errors import UsageError
from fmdata.pipeline.reading.discover import TABLE, discover
from tests.helpers.raw_folders import names_found, refusal, touch


def write_table(
    folder: Path, *lines: str, header: str = "path,subject,action,take,start,stop,fps"
) -> Path:
    """Write ``recordings.csv`` of the given lines beside ``a.mp4`` and ``b.mp4``."""
    touch(folder, "a.mp4", "b.mp4")
    (folder / TABLE).write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return folder


def test_a_table_replaces_the_layout(tmp_path: Path) -> None:
    raw = write_table(
        tmp_path,
        "b.mp4,s02,smile,01,,,",
        "a.mp4,s01,wink,01,1.5,3,",
        '"./a.mp4",s01,smile,01,,1.5,200',
        ",,,,,,",
        header="\ufeffpath,subject,action,take,start,stop,fps",
    )
    touch(raw, "s09/smile/01.mp4")
    found = discover(raw).recordings
    assert [(r.subject, r.action, r.source) for r in found] == [
        ("s01", "smile", "a.mp4"),
        ("s01", "wink", "a.mp4"),
        ("s02", "smile", "b.mp4"),
    ]
    assert [(r.start_s, r.stop_s, r.fps) for r in found] == [
        (None, 1.5, 200.0),
        (1.5, 3.0, None),
        (None, None, None),
    ]
    assert found[0].path == raw / "a.mp4"


def test_columns_may_have_any_order_and_one_without_a_name_is_ignored(tmp_path: Path) -> None:
    raw = write_table(tmp_path, "12,01, smile ,s01,a.mp4", header=",take,action,subject,path")
    assert names_found(raw) == [("s01", "smile", "01", "a.mp4")]


def test_paths_of_a_table_elsewhere_are_relative_to_the_raw_folder(tmp_path: Path) -> None:
    """They may be absolute, too."""
    raw = touch(tmp_path / "raw", "deep/a.mp4", "deep/frames/1.png")
    outside = touch(tmp_path, "b.mp4") / "b.mp4"
    table = tmp_path / "labels.csv"
    table.write_text(
        f"path,subject,action,take\ndeep/a.mp4,s,x,1\n{outside},s,x,2\n{raw}/deep/a.mp4,s,x,3\n"
        "deep/frames,s,x,4\n"
    )
    assert [name[3] for name in names_found(raw, table)] == [
        "deep/a.mp4",
        outside.as_posix(),
        "deep/a.mp4",
        "deep/frames",
    ]


def test_an_invalid_table_is_refused(tmp_path: Path) -> None:
    raw = write_table(tmp_path, "a.mp4,s01,smile", header="path,subject,action")
    assert "no column take among: path, subject, action" in refusal(raw, UsageError)
    assert "without rows" in refusal(write_table(tmp_path), UsageError)
    (raw / TABLE).write_bytes(b"path,subject\xff")
    assert "cannot be read" in refusal(raw, UsageError)
    (raw / TABLE).write_bytes(b"")
    assert "no column path, subject, action, take among: nothing" in refusal(raw, UsageError)
    assert "No such file" in refusal(raw, UsageError, table=tmp_path / "absent.csv")


def test_all_invalid_rows_are_reported_at_once(tmp_path: Path) -> None:
    raw = write_table(
        tmp_path,
        "a.mp4,s01,smile,01,0,2,",
        "gone.mp4,s01,smile,02,,,",
        "lost.mp4,,smile,03,,,",
        "a.mp4,s01,smile,04,2,2,",
        "a.mp4,s01,smile,05,one,nan,",
        "a.mp4,s01,smile,06,-1,,0",
        "a.mp4,s01",
        "empty,s01,smile,07,,,",
        "odd,s01,smile,08,,,",
    )
    (raw / "empty").mkdir()
    touch(raw, os.fsdecode(b"odd/\xe9_1.png"))
    message = refusal(raw, UsageError)
    for error in (
        "line 3: no file gone.mp4",
        "line 4: no file lost.mp4",
        "line 4: subject is empty",
        "line 5: stop 2 is not after start 2",
        "line 6: start is 'one', not a number",
        "line 6: stop is 'nan', not a number",
        "line 7: start -1 is negative",
        "line 7: fps 0 is not from 0.1 to 1000",
        "line 8: action is empty",
        "line 8: take is empty",
        "line 9: empty is a folder without numbered images",
        "line 10: odd holds a name not in UTF-8, '\\udce9_1.png': rename it",
    ):
        assert error in message
    assert "line 2" not in message


def test_many_invalid_rows_are_counted(tmp_path: Path) -> None:
    raw = write_table(tmp_path, *(f"gone{n}.mp4,s01,smile,{n},,," for n in range(500)))
    message = refusal(raw, UsageError)
    assert "500 errors" in message
    assert "and 480 more" in message


def test_two_rows_with_one_key_are_refused(tmp_path: Path) -> None:
    raw = write_table(tmp_path, "a.mp4,s01,smile,01,,,", "b.mp4,s01,smile,01,,,")
    message = refusal(raw, UsageError)
    assert "a.mp4" in message
    assert "b.mp4" in message
    raw = write_table(tmp_path, "a.mp4,s01,wink left,01,,,", "b.mp4,s01,wink.left,01,,,")
    assert "s01-wink_left-01" in refusal(raw, UsageError)


PLAIN = "path,subject,action,take,start,stop\na.mp4,ann,smile,01,0.2,1.8\n"


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", "|"),
        PLAIN.replace(",", ";").replace(".2", ",2").replace("1.8", "1,8"),
        PLAIN.replace("0.2", '"0,2"').replace("1.8", '"1,8"'),
        PLAIN.replace("0.2", "00:00:00.2").replace("1.8", "00:00:01.8"),
        PLAIN.replace("0.2", "0:00.2")
        .replace("1.8", "0:01,8")
        .replace(",", ";")
        .replace(";8", ",8"),
        PLAIN.replace("0.2", "0.2 s").replace("1.8", "1.8s"),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        "\ufeff" + PLAIN,
        "sep=;\r\n" + PLAIN.replace(",", ";"),
        "\n\n" + PLAIN,
        PLAIN.replace("path,subject", " Path , SUBJECT"),
        PLAIN.replace("path,subject", '"path","subject"').replace("a.mp4", '"a.mp4"'),
        PLAIN.replace("a.mp4", ".\\\\a.mp4").replace("\\\\", "\\"),
        PLAIN.replace("a.mp4", "A.MP4"),
        PLAIN.replace("1.8\n", "1.8,,,\n,,,\n"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le"])
def test_a_spelling_of_spreadsheets_is_read(text: str, encoding: str, tmp_path: Path) -> None:
    raw = touch(tmp_path, "a.mp4")
    (raw / TABLE).write_bytes(text.encode(encoding))
    [found] = discover(raw).recordings
    assert (found.subject, found.action, found.take, found.source) == (
        "ann", "smile", "01", "a.mp4",
    )  # fmt: skip
    assert (found.start_s, found.stop_s) == (0.2, 1.8)


@pytest.mark.parametrize(
    "written", ["sub\\Zo\u00e9 1.mp4", "Sub/Zoe\u0301 1.mp4", "sub/ZO\u00c9 1.MP4"]
)
@pytest.mark.parametrize("on_disk", ["sub/Zo\u00e9 1.mp4", "sub/Zoe\u0301 1.mp4"])
def test_a_path_is_found_in_another_unicode_form_or_case(
    written: str, on_disk: str, tmp_path: Path
) -> None:
    raw = write_table(touch(tmp_path, on_disk), f"{written},Zoe\u0301,smile,1,,,")
    [found] = discover(raw).recordings
    assert found.path == raw / on_disk
    assert found.subject == "Zo\u00e9"


def test_a_name_with_a_backslash_is_found_first(tmp_path: Path) -> None:
    raw = write_table(touch(tmp_path, "sub\\a.mp4", "sub/a.mp4"), "sub\\a.mp4,s,x,1,,,")
    assert discover(raw).recordings[0].path == raw / "sub\\a.mp4"


def test_of_two_names_that_differ_in_case_none_is_guessed(tmp_path: Path) -> None:
    raw = write_table(touch(tmp_path, "C.mp4", "c.MP4"), "c.mp4,s,x,1,,,")
    assert "no file c.mp4, but C.mp4 and c.MP4: write one of them" in refusal(raw, UsageError)


@pytest.mark.parametrize(
    ("header", "line", "advice"),
    [
        (
            "file,subject,label,take",
            "a.mp4,s,x,1",
            "rename the column file to path, label to action",
        ),
        ("a.mp4,s,x,1", "b.mp4,s,x,2", "put a first line path,subject,action,take above the rows"),
        (None, "a.mov,s,x,1,,,", "no file a.mov: did you mean a.mp4?"),
        (None, "{raw}/a.mp4,s,x,1,,,", "paths begin below"),
        (None, "C:\\videos\\a.mp4,s,x,1,,,", "a path of Windows"),
        (None, "a.mp4,s,x,1,0,2,1,8,", "9 cells, more than columns; quote a cell"),
        (None, "a.mp4,s,x,1,00:00:01:12,,", "start is '00:00:01:12', a timecode with frames"),
        (None, "a.mp4,s,x,1,1500ms,,", "start is '1500ms', milliseconds; write seconds"),
        (None, "a.mp4,s,x,1,0:75,,", "start is '0:75', not a number of seconds"),
        (None, "a.mp4,s,x,1,1.234.5,,", "start is '1.234.5', not a number of seconds"),
    ],
)
def test_a_refused_table_shows_the_right_spelling(
    header: str | None, line: str, advice: str, tmp_path: Path
) -> None:
    line = line.format(raw=tmp_path.name)
    raw = write_table(tmp_path, line, **({"header": header} if header else {}))
    assert advice in refusal(raw, UsageError)


def test_a_table_in_another_encoding_is_refused_with_the_way_to_save_it(tmp_path: Path) -> None:
    raw = touch(tmp_path, "a.mp4")
    (raw / TABLE).write_bytes("path,subject,action,take\na.mp4,Zo\u00e9,smile,1\n".encode("cp1252"))
    assert 'save it as "CSV UTF-8"' in refusal(raw, UsageError)


def test_a_video_that_a_table_does_not_name_is_in_a_note(tmp_path: Path) -> None:
    raw = write_table(touch(tmp_path, "sub/c.MTS"), "a.mp4,s,x,1,,,")
    [note] = discover(raw).notes
    assert note == "2 videos are not in recordings.csv, and ignored: b.mp4, sub/c.MTS"


def test_subjects_of_a_table_in_two_spellings_are_one(tmp_path: Path) -> None:
    raw = write_table(tmp_path, "a.mp4,Ann,smile,1,,,", "b.mp4,ann ,smile,2,,,")
    found = discover(raw)
    assert {r.subject for r in found.recordings} == {"Ann"}
    assert found.notes == ["Ann and ann are read as one subject, Ann; rename one if they are two"]
    message = refusal(write_table(tmp_path, "a.mp4,Ann,x,1,,,", "b.mp4,ann,x,1,,,"), UsageError)
    assert "a.mp4" in message
    assert "b.mp4" in message


@pytest.mark.parametrize(
    ("row", "error"),
    [
        ("{outside}", "an absolute path"),
        ("/{outside}", "an absolute path"),
        ("../secret.mp4", "a part .."),
        ("sub/../a.mp4", "a part .."),
        ("..\\secret.mp4", "a part .."),
        ("link.mp4", "by a link"),
        ("folder/secret.mp4", "by a link"),
        ("frames", "by a link"),
    ],
)
def test_a_table_that_came_with_a_folder_names_only_files_in_it(
    tmp_path: Path, row: str, error: str
) -> None:
    """Its author could otherwise have any file of its reader's read; a table of one's own may."""
    outside = touch(tmp_path, "secret.mp4", "others/secret.mp4") / "secret.mp4"
    raw = touch(tmp_path / "raw", "sub/a.mp4", "frames/1.png")
    (raw / "link.mp4").symlink_to(outside)
    (raw / "folder").symlink_to(tmp_path / "others")
    (raw / "frames/2.png").symlink_to(outside)
    write_table(raw, row.format(outside=outside) + ",s01,smile,01,,,")
    message = refusal(raw, UsageError)
    assert f"line 2: {row.format(outside=outside)}" in message
    assert error in message
    assert "--table" in message
    if error == "by a link":
        assert len(discover(raw, follow_links=True).recordings) == 1
    assert len(discover(raw, (raw / TABLE).rename(tmp_path / "own.csv")).recordings) == 1


def test_a_table_that_is_a_link_out_of_the_folder_is_not_read(tmp_path: Path) -> None:
    raw = write_table(tmp_path / "raw", "a.mp4,s01,smile,01,,,")
    table = (raw / TABLE).rename(tmp_path / "passwords.csv")
    (raw / TABLE).symlink_to(table)
    assert "by a link" in refusal(raw, UsageError)
    assert len(discover(raw, raw / TABLE).recordings) == 1
    assert len(discover(raw, follow_links=True).recordings) == 1
