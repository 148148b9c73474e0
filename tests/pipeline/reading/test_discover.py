"""Discovery: the files that are recordings, their names, and the inputs that are refused."""

import os
from pathlib import Path

import pytest

from fmdata.catalog.errors import InputError, UsageError
from fmdata.pipeline.reading.discover import TABLE, discover
from fmdata.pipeline.reading.listing.kinds import VIDEOS
from fmdata.pipeline.reading.listing.walk import is_utf8
from tests.helpers.raw_folders import names_found, refusal, touch


def test_every_extension_is_found_in_any_case(tmp_path: Path) -> None:
    suffixes = [*VIDEOS, ".MP4", ".Mov"]
    touch(tmp_path, *(f"s01/smile/{n:02}{suffix}" for n, suffix in enumerate(suffixes)))
    assert [(r.subject, r.action, r.take) for r in discover(tmp_path).recordings] == [
        ("s01", "smile", f"{n:02}") for n in range(len(suffixes))
    ]


def test_recordings_are_sorted_by_subject_action_and_take(tmp_path: Path) -> None:
    touch(tmp_path, "s2/a/1.mp4", "s10/b/1.mp4", "s10/a/2.mp4", "s10/a/10.mp4")
    assert names_found(tmp_path) == [
        ("s10", "a", "10", "s10/a/10.mp4"),
        ("s10", "a", "2", "s10/a/2.mp4"),
        ("s10", "b", "1", "s10/b/1.mp4"),
        ("s2", "a", "1", "s2/a/1.mp4"),
    ]
    recording = discover(tmp_path).recordings[0]
    assert recording.path == tmp_path / "s10/a/10.mp4"
    assert (recording.start_s, recording.stop_s, recording.fps) == (None, None, None)


def test_a_folder_of_numbered_images_is_a_take(tmp_path: Path) -> None:
    touch(tmp_path, "s01/smile/01/img_1.png", "s01/smile/01/img_2.png", "s01/smile/02/7.JPG")
    touch(tmp_path, "s01/smile/03.mp4", "s01/smile/extras/cover.png", "s01/smile/04.png")
    assert names_found(tmp_path) == [
        ("s01", "smile", "01", "s01/smile/01"),
        ("s01", "smile", "02", "s01/smile/02"),
        ("s01", "smile", "03", "s01/smile/03.mp4"),
    ]


def test_stray_files_are_ignored(tmp_path: Path) -> None:
    touch(tmp_path, "s01/smile/01.mp4", "truth.csv", "s01/notes.txt", "s01/smile/01.json")
    touch(tmp_path, "s01/smile/.02.mp4", "s01/smile/._01.mp4", ".trash/smile/01.mp4", ".DS_Store")
    (tmp_path / "s02" / "smile").mkdir(parents=True)
    os.mkfifo(tmp_path / "s01" / "smile" / "pipe")
    assert names_found(tmp_path) == [("s01", "smile", "01", "s01/smile/01.mp4")]


def test_links_out_of_the_folder_are_followed_on_request(tmp_path: Path) -> None:
    """A circle of links is refused; a dead link is kept, for decoding to report."""
    raw, elsewhere = tmp_path / "raw", touch(tmp_path / "elsewhere", "smile/01.mp4")
    raw.mkdir()
    (raw / "s01").symlink_to(elsewhere)
    (elsewhere / "smile" / "02.mp4").symlink_to(tmp_path / "gone.mp4")
    assert "links out of the folder: s01\n" in refusal(raw, InputError)
    assert [found.take for found in discover(raw, follow_links=True).recordings] == ["01", "02"]
    (elsewhere / "smile" / "loop").symlink_to(elsewhere)
    with pytest.raises(InputError, match=r"1 links back to a folder .* s01/smile/loop"):
        discover(raw, follow_links=True)


def test_a_take_may_contain_a_dot(tmp_path: Path) -> None:
    touch(tmp_path, "s01/smile/01.v2.mp4")
    assert names_found(tmp_path)[0][2] == "01.v2"


def test_a_missing_folder_and_a_file_are_refusal(tmp_path: Path) -> None:
    assert "no such folder" in refusal(tmp_path / "absent", UsageError)
    assert "is a file" in refusal(touch(tmp_path, "a.mp4") / "a.mp4", UsageError)


def test_a_folder_without_recordings_is_refusal(tmp_path: Path) -> None:
    assert "the folder is empty" in refusal(tmp_path, InputError)
    touch(tmp_path, *(f"notes/{n}.txt" for n in range(12)))
    message = refusal(tmp_path, InputError)
    assert "12 files, none a video: 12 .txt" in message
    assert "<subject>/<action>/<take>" in message
    assert TABLE in message
    touch(tmp_path, "smile_01.mp4")
    message = refusal(tmp_path, InputError)
    assert "1 video or folder, but no recording: smile_01.mp4" in message
    assert "a video 2 levels too high; move it to <subject>/<action>/<take>" in message


def test_a_video_at_another_depth_is_refused_and_the_others_are_not(tmp_path: Path) -> None:
    touch(tmp_path, "s01/smile/01.mp4", "s01/session2/smile/01.mp4", "s01/smile.mp4")
    found = discover(tmp_path)
    assert [r.source for r in found.recordings] == ["s01/smile/01.mp4"]
    assert [(r.recording.source, r.reason, r.recording.subject) for r in found.refused] == [
        ("s01/session2/smile/01.mp4", "misplaced", "s01"),
        ("s01/smile.mp4", "misplaced", "s01"),
    ]
    assert "one level too low" in found.refused[0].detail
    assert "one level too high" in found.refused[1].detail


@pytest.mark.parametrize(
    "name", [b"s01/smile/\xff.mp4", b"s\xff/smile/1.mp4", b"s1/a/1/\xe9_1.png"]
)
def test_a_name_that_is_not_utf8_is_refused(name: bytes, tmp_path: Path) -> None:
    """Its source is written with escapes; names of other letters are kept."""
    touch(tmp_path, "s01/smile/01.mp4", "s01/smile/\u00e9.mp4", os.fsdecode(name))
    found = discover(tmp_path)
    assert [r.take for r in found.recordings] == ["01", "\u00e9"]
    [odd] = found.refused
    assert odd.reason == "bad_name"
    assert "\\x" in odd.recording.source + odd.example
    assert is_utf8(odd.recording.source)
    assert "rename" in odd.detail


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("s01/smile/01.mp4", "s01/smile/01.mov"),
        ("s01/smile/01.mp4", "s01/smile/01/0001.png"),
        ("s01/wink left/01.mp4", "s01/wink.left/01.mp4"),
    ],
)
def test_of_two_recordings_with_one_key_the_second_is_refused(
    one: str, other: str, tmp_path: Path
) -> None:
    """The refusal names the first."""
    found = discover(touch(tmp_path, one, other))
    assert [r.source for r in found.recordings] == [one]
    [odd] = found.refused
    assert (odd.reason, odd.recording.source) == ("same_name", other.removesuffix("/0001.png"))
    assert one in odd.error.detail


def test_a_folder_one_level_off_is_refused_with_the_one_to_give(tmp_path: Path) -> None:
    touch(tmp_path, "ann/smile/01.mp4", "ann/wink/01.mp4", "bob/smile/01.mp4")
    assert "give the folder above with --subjects" in refusal(tmp_path / "ann", InputError)
    touch(tmp_path / "parent", "faces/ann/smile/01.mp4", "faces/bob/smile/01.mp4")
    assert "give a folder below with --subjects" in refusal(tmp_path / "parent", InputError)


def test_a_table_is_found_in_any_letter_case(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4")
    (tmp_path / "Recordings.CSV").write_text("path,subject,action,take\na.mp4,ann,smile,1\n")
    assert names_found(tmp_path) == [("ann", "smile", "1", "a.mp4")]
