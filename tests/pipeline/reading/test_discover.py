"""Discovery: the files that are recordings, their names, and the inputs that are refused."""

import os
from pathlib import Path

import pytest

from fmdata.catalog.errors import FmdataError, InputError, UsageError
from fmdata.pipeline.reading.discover import TABLE, discover
from fmdata.pipeline.reading.walk import EXTENSIONS


def touch(raw: Path, *names: str) -> Path:
    for name in names:
        path = raw / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return raw


def names(raw: Path, table: Path | None = None) -> list[tuple[str, str, str, str]]:
    return [(r.subject, r.action, r.take, r.source) for r in discover(raw, table)]


def write_table(
    folder: Path, *lines: str, header: str = "path,subject,action,take,start,stop,fps"
) -> Path:
    """Write ``recordings.csv`` of the given lines beside ``a.mp4`` and ``b.mp4``."""
    touch(folder, "a.mp4", "b.mp4")
    (folder / TABLE).write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return folder


def refused(raw: Path, error: type[FmdataError], *, table: Path | None = None) -> str:
    """Return the message of the error for `raw`; all four parts of it are present."""
    with pytest.raises(error) as caught:
        discover(raw, table)
    found = caught.value
    assert found.got
    assert found.wanted
    assert found.where
    assert found.todo
    return str(found)


# The folder layout.


def test_every_extension_is_found_in_any_case(tmp_path: Path) -> None:
    suffixes = [*EXTENSIONS, ".MP4", ".Mov"]
    touch(tmp_path, *(f"s01/smile/{n:02}{suffix}" for n, suffix in enumerate(suffixes)))
    assert [(r.subject, r.action, r.take) for r in discover(tmp_path)] == [
        ("s01", "smile", f"{n:02}") for n in range(len(suffixes))
    ]


def test_recordings_are_sorted_by_subject_action_and_take(tmp_path: Path) -> None:
    touch(tmp_path, "s2/a/1.mp4", "s10/b/1.mp4", "s10/a/2.mp4", "s10/a/10.mp4")
    assert names(tmp_path) == [
        ("s10", "a", "10", "s10/a/10.mp4"),
        ("s10", "a", "2", "s10/a/2.mp4"),
        ("s10", "b", "1", "s10/b/1.mp4"),
        ("s2", "a", "1", "s2/a/1.mp4"),
    ]
    recording = discover(tmp_path)[0]
    assert recording.path == tmp_path / "s10/a/10.mp4"
    assert (recording.start_s, recording.stop_s, recording.fps) == (None, None, None)


def test_a_folder_of_numbered_images_is_a_take(tmp_path: Path) -> None:
    touch(tmp_path, "s01/smile/01/img_1.png", "s01/smile/01/img_2.png", "s01/smile/02/7.JPG")
    touch(tmp_path, "s01/smile/03.mp4", "s01/smile/extras/cover.png", "s01/smile/04.png")
    assert names(tmp_path) == [
        ("s01", "smile", "01", "s01/smile/01"),
        ("s01", "smile", "02", "s01/smile/02"),
        ("s01", "smile", "03", "s01/smile/03.mp4"),
    ]


def test_stray_files_are_ignored(tmp_path: Path) -> None:
    touch(tmp_path, "s01/smile/01.mp4", "truth.csv", "s01/notes.txt", "s01/smile/01.json")
    touch(tmp_path, "s01/smile/.02.mp4", "s01/smile/._01.mp4", ".trash/smile/01.mp4", ".DS_Store")
    (tmp_path / "s02" / "smile").mkdir(parents=True)
    os.mkfifo(tmp_path / "s01" / "smile" / "pipe")
    assert names(tmp_path) == [("s01", "smile", "01", "s01/smile/01.mp4")]


def test_links_out_of_the_folder_are_followed_on_request(tmp_path: Path) -> None:
    """A circle of links is refused; a dead link is kept, for decoding to report."""
    raw, elsewhere = tmp_path / "raw", touch(tmp_path / "elsewhere", "smile/01.mp4")
    raw.mkdir()
    (raw / "s01").symlink_to(elsewhere)
    (elsewhere / "smile" / "02.mp4").symlink_to(tmp_path / "gone.mp4")
    assert "links out of the folder: s01\n" in refused(raw, InputError)
    assert [found.take for found in discover(raw, follow_links=True)] == ["01", "02"]
    (elsewhere / "smile" / "loop").symlink_to(elsewhere)
    with pytest.raises(InputError, match=r"1 links back to a folder .* s01/smile/loop"):
        discover(raw, follow_links=True)


def test_a_take_may_contain_a_dot(tmp_path: Path) -> None:
    touch(tmp_path, "s01/smile/01.v2.mp4")
    assert names(tmp_path)[0][2] == "01.v2"


def test_a_missing_folder_and_a_file_are_refused(tmp_path: Path) -> None:
    assert "no such folder" in refused(tmp_path / "absent", UsageError)
    assert "is a file" in refused(touch(tmp_path, "a.mp4") / "a.mp4", UsageError)


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    assert "the folder is empty" in refused(tmp_path, InputError)
    touch(tmp_path, *(f"notes/{n}.txt" for n in range(12)))
    message = refused(tmp_path, InputError)
    assert "12 files, none a video: 12 .txt" in message
    assert "<subject>/<action>/<take>" in message
    assert TABLE in message
    touch(tmp_path, "smile_01.mp4")
    assert "1 video, not at <subject>/<action>/<take>: smile_01.mp4" in refused(
        tmp_path, InputError
    )


def test_a_video_at_another_depth_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "s01/smile/01.mp4", "s01/session2/smile/01.mp4", "s01/smile.mp4")
    message = refused(tmp_path, InputError)
    assert "2 of 3 videos" in message
    assert "s01/session2/smile/01.mp4, s01/smile.mp4" in message


@pytest.mark.parametrize(
    "name", [b"s01/smile/\xff.mp4", b"s\xff/smile/1.mp4", b"s1/a/1/\xe9_1.png"]
)
def test_a_name_that_is_not_utf8_is_refused(name: bytes, tmp_path: Path) -> None:
    touch(tmp_path, "s01/smile/01.mp4", "s01/smile/\u00e9.mp4", os.fsdecode(name))
    message = refused(tmp_path, InputError)
    assert ascii(os.fsdecode(name)) in message
    assert "rename" in message


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("s01/smile/01.mp4", "s01/smile/01.mov"),
        ("s01/smile/01.mp4", "s01/smile/01/0001.png"),
        ("s01/wink left/01.mp4", "s01/wink.left/01.mp4"),
    ],
)
def test_two_recordings_with_one_key_are_refused(one: str, other: str, tmp_path: Path) -> None:
    message = refused(touch(tmp_path, one, other), InputError)
    assert one.removesuffix("/0001.png") in message
    assert other.removesuffix("/0001.png") in message


# The table.


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
    found = discover(raw)
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


def test_columns_may_have_any_order_and_others_are_ignored(tmp_path: Path) -> None:
    raw = write_table(tmp_path, "12,01, smile ,s01,a.mp4", header="onset,take,action,subject,path")
    assert names(raw) == [("s01", "smile", "01", "a.mp4")]


def test_paths_of_a_table_elsewhere_are_relative_to_the_raw_folder(tmp_path: Path) -> None:
    """They may be absolute, too."""
    raw = touch(tmp_path / "raw", "deep/a.mp4", "deep/frames/1.png")
    outside = touch(tmp_path, "b.mp4") / "b.mp4"
    table = tmp_path / "labels.csv"
    table.write_text(
        f"path,subject,action,take\ndeep/a.mp4,s,x,1\n{outside},s,x,2\n{raw}/deep/a.mp4,s,x,3\n"
        "deep/frames,s,x,4\n"
    )
    assert [name[3] for name in names(raw, table)] == [
        "deep/a.mp4",
        outside.as_posix(),
        "deep/a.mp4",
        "deep/frames",
    ]


def test_an_invalid_table_is_refused(tmp_path: Path) -> None:
    raw = write_table(tmp_path, "a.mp4,s01,smile", header="path,subject,action")
    assert "no column take among: path, subject, action" in refused(raw, UsageError)
    assert "without rows" in refused(write_table(tmp_path), UsageError)
    (raw / TABLE).write_bytes(b"path,subject\xff")
    assert "cannot be read" in refused(raw, UsageError)
    (raw / TABLE).write_bytes(b"")
    assert "no column path, subject, action, take among: nothing" in refused(raw, UsageError)
    assert "No such file" in refused(raw, UsageError, table=tmp_path / "absent.csv")


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
    message = refused(raw, UsageError)
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
        "line 9: empty is a folder without numbered png or jpg",
        "line 10: odd holds a name not in UTF-8, '\\udce9_1.png': rename it",
    ):
        assert error in message
    assert "line 2" not in message


def test_many_invalid_rows_are_counted(tmp_path: Path) -> None:
    raw = write_table(tmp_path, *(f"gone{n}.mp4,s01,smile,{n},,," for n in range(500)))
    message = refused(raw, UsageError)
    assert "500 errors" in message
    assert "and 480 more" in message


def test_two_rows_with_one_key_are_refused(tmp_path: Path) -> None:
    raw = write_table(tmp_path, "a.mp4,s01,smile,01,,,", "b.mp4,s01,smile,01,,,")
    message = refused(raw, UsageError)
    assert "a.mp4" in message
    assert "b.mp4" in message
    raw = write_table(tmp_path, "a.mp4,s01,wink left,01,,,", "b.mp4,s01,wink.left,01,,,")
    assert "s01-wink_left-01" in refused(raw, UsageError)
