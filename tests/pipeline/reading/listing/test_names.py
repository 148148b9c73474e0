"""One person has one name, however it is spelt, and no two recordings have one key."""

from pathlib import Path

import pytest

from fmdata.catalog.keys import key_part
from fmdata.pipeline.reading.discover import discover
from tests.helpers.raw_folders import names_found, touch

COMPOSED, DECOMPOSED = "Zo\u00e9", "Zoe\u0301"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ann", "ann"),
        ("ANN", "Ann"),
        (DECOMPOSED, COMPOSED),
        ("\u00c9va", "e\u0301va"),
        ("Ann ", "Ann"),
    ],
)
def test_two_spellings_of_a_subject_are_one_subject(one: str, other: str, tmp_path: Path) -> None:
    touch(tmp_path, f"{one}/smile/01.mp4", f"{other}/smile/02.mp4")
    found = discover(tmp_path)
    assert len({r.subject for r in found.recordings}) == 1
    assert [r.take for r in found.recordings] == ["01", "02"]
    assert [r.path.exists() for r in found.recordings] == [True, True]
    [note] = found.notes
    assert "are read as one subject" in note


def test_the_spelling_is_composed_and_does_not_depend_on_other_subjects(tmp_path: Path) -> None:
    touch(tmp_path, f"{DECOMPOSED}/smile/01.mp4", "ann/smile/01.mp4", "ann/smile/02.mp4")
    touch(tmp_path, "Ann/smile/03.mp4")
    assert [subject for subject, *_ in names_found(tmp_path)] == ["Ann"] * 3 + [COMPOSED]


def test_two_spellings_of_an_action_are_one_for_a_subject(tmp_path: Path) -> None:
    touch(tmp_path, "ann/Smile/01.mp4", "ann/smile/02.mp4", "bob/smile/01.mp4")
    assert names_found(tmp_path) == [
        ("ann", "Smile", "01", "ann/Smile/01.mp4"),
        ("ann", "Smile", "02", "ann/smile/02.mp4"),
        ("bob", "smile", "01", "bob/smile/01.mp4"),
    ]


@pytest.mark.parametrize(
    ("kept", "odd"),
    [
        ("Ann/smile/01.mp4", "ann/smile/01.mp4"),
        (f"{COMPOSED}/smile/01.mp4", f"{DECOMPOSED}/smile/01.mp4"),
        ("ann/smile/e\u0301.mp4", "ann/smile/\u00e9.mp4"),
        ("ann/smile/01.mp4", "ann/smile/01.gif"),
        ("ann/smile/01.mov", "ann/smile/01.avi"),
        ("ann lee/smile/01.mp4", "ann.lee/smile/02.mp4"),
        ("ann/wink left/01.mp4", "ann/wink.left/02.mp4"),
    ],
)
def test_of_two_recordings_of_one_name_the_second_is_refused_and_names_the_first(
    kept: str, odd: str, tmp_path: Path
) -> None:
    """Of files with one name a video is kept, not its preview."""
    found = discover(touch(tmp_path, kept, odd))
    refused = {r.recording.source: r for r in found.refused}
    assert len(found.recordings) == len(refused) == 1
    if "\u00e9" not in kept + odd:  # the order of Unicode forms does not matter
        assert list(refused) == [odd]
    [one] = refused.values()
    assert one.reason == "same_name"
    assert found.recordings[0].source in one.error.detail


def test_takes_that_differ_in_case_are_two(tmp_path: Path) -> None:
    touch(tmp_path, "ann/smile/a.mp4", "ann/smile/A.mp4")
    assert [take for _, _, take, _ in names_found(tmp_path)] == ["A", "a"]


def test_names_in_other_scripts_have_keys_of_their_own(tmp_path: Path) -> None:
    subjects, actions = ("\u5f20\u4f1f", "\u674e\u5a1c"), ("\u5fae\u7b11", "\u7728\u773c")
    touch(tmp_path, *(f"{s}/{a}/01.mp4" for s in subjects for a in actions))
    found = discover(tmp_path)
    assert {(r.subject, r.action) for r in found.recordings} == {
        (s, a) for s in subjects for a in actions
    }
    assert len({key_part(r.subject) + key_part(r.action) for r in found.recordings}) == 4
    assert found.refused == []
    assert found.notes == []
