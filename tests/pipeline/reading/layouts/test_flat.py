"""The layout flat: names that follow a pattern, and patterns that describe nothing."""

import unicodedata
from pathlib import Path

import pytest

from fmdata.catalog.errors import InputError, UsageError
from fmdata.pipeline.reading.layouts.sets.flat import Flat
from tests.helpers.layouts import built, clips_of, names_of, pictures, rows_of, tabled, videos
from tests.helpers.raw_folders import touch


@pytest.mark.usefixtures("fixed_face", "no_second_pass")
def test_a_flat_folder_is_built_with_the_names_in_its_files(tmp_path: Path) -> None:
    """Videos in any letter case, folders of images, names in any script and with spaces."""
    raw = videos(tmp_path / "raw", "ann_smile_01.mp4", "ann_smile_02.MP4", "Zoë B_笑顔_01.mp4")
    pictures(raw / "ann_frown_01", "{}.png", range(5, 17))
    touch(raw, "notes.txt", "holiday.mov", ".hidden_file_01.mp4")
    result = tabled("flat", raw)
    assert names_of(raw) == {
        "Zoë B_笑顔_01.mp4": ("Zoë B", "笑顔", "01"),
        "ann_frown_01": ("ann", "frown", "01"),
        "ann_smile_01.mp4": ("ann", "smile", "01"),
        "ann_smile_02.MP4": ("ann", "smile", "02"),
    }
    assert "not named as in the set, left out (1): holiday.mov" in str(result)
    assert clips_of(built(raw)) == {*names_of(raw).values()}


@pytest.mark.parametrize(
    ("pattern", "path", "names"),
    [
        ("{subject}_{action}_{take}", "s1_smile_2.avi", ("s1", "smile", "2")),
        ("{subject}/{action}-{take}.mp4", "s1/smile-2.mp4", ("s1", "smile", "2")),
        ("./take {take} of {subject} ({action})", "take 2 of s1 (a+b).mp4", ("s1", "a+b", "2")),
        ("{subject:a}_{action}_{take:d}", "s1_wink_left_02.mp4", ("s1", "wink_left", "02")),
        ("{action}/{subject}", "smile/s1.mp4", ("s1", "smile", "01")),
        ("{subject}.{action}.{take}", "s1.smile.2.webm", ("s1", "smile", "2")),
    ],
)
def test_patterns(tmp_path: Path, pattern: str, path: str, names: tuple[str, str, str]) -> None:
    """Literal parts, folders, kinds of fields, and takes that are numbered for want of a name."""
    tabled("flat", touch(tmp_path, path), pattern=pattern)
    assert names_of(tmp_path) == {path: names}


def test_other_names_are_labels(tmp_path: Path) -> None:
    touch(tmp_path, "day2/s1_smile_01_dim.mp4")
    tabled("flat", tmp_path, pattern="{session}/{subject}_{action}_{take}_{light}")
    (row,) = rows_of(tmp_path).values()
    assert (row["session"], row["light"]) == ("day2", "dim")


def test_takes_without_a_name_are_numbered_in_the_order_of_the_paths(tmp_path: Path) -> None:
    touch(tmp_path, "c/s1_smile.mp4", "a/s1_smile.mp4", "b/s1_frown.mp4")
    tabled("flat", tmp_path, pattern="{day}/{subject}_{action}")
    assert {path: names[2] for path, names in names_of(tmp_path).items()} == {
        "a/s1_smile.mp4": "01",
        "c/s1_smile.mp4": "02",
        "b/s1_frown.mp4": "01",
    }


def test_a_name_that_can_be_divided_in_two_ways_is_left_out_and_named(tmp_path: Path) -> None:
    touch(tmp_path, "s1_wink_left_01.mp4", "s1_smile_01.mp4")
    report = str(tabled("flat", tmp_path))
    assert [*names_of(tmp_path)] == ["s1_smile_01.mp4"]
    assert "s1_wink_left_01.mp4 (s1 wink left_01, or s1_wink left 01)" in report
    assert "give a field its kind, as {take:d} or {subject:a}" in report


def test_a_pattern_and_a_name_in_two_unicode_forms_are_one(tmp_path: Path) -> None:
    name = unicodedata.normalize("NFD", "élan_s1_smile_01.mp4")
    touch(tmp_path, name)
    tabled("flat", tmp_path, pattern="élan_{subject}_{action}_{take}")
    assert names_of(tmp_path) == {name: ("s1", "smile", "01")}


@pytest.mark.parametrize(
    ("pattern", "got"),
    [
        ("{subject}_{take}", "no {action}"),
        ("", "no {subject} and no {action}"),
        ("{subject}_{action", "a brace without its pair"),
        ("{subject}{action}_{take}", "two fields with nothing between them"),
        ("{subject}_{action}_{subject}", "there twice"),
        ("{subject}_{action}_{}", "empty"),
        ("{subject}_{action}_{path}", "named path"),
        ("{subject}_{action}_{take:x}", "an unknown kind {…:x}"),
        ("/data/{subject}_{action}", "not below the folder"),
        ("../{subject}_{action}", "not below the folder"),
    ],
)
def test_a_bad_pattern_is_refused_with_its_error(pattern: str, got: str) -> None:
    with pytest.raises(UsageError) as caught:
        Flat(pattern)
    assert got in caught.value.got
    assert caught.value.where == "--pattern"
    assert "{subject:a}_{take:d}" in caught.value.wanted


def test_a_pattern_that_fits_nothing_shows_the_names_that_are_there(tmp_path: Path) -> None:
    touch(tmp_path, "one.mp4", "two.mp4")
    with pytest.raises(InputError) as caught:
        tabled("flat", tmp_path)
    assert "none of 2 recordings is named as in the pattern: one.mp4, two.mp4" in caught.value.got
    assert "{subject}_{action}_{take}" in caught.value.wanted
