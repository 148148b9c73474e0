"""GRID and VoxCeleb2: speech, with the times of its words and without."""

from pathlib import Path

import pytest

from tests.helpers.layouts import built, clips_of, names_of, rows_of, tabled, text, videos

pytestmark = pytest.mark.usefixtures("fixed_face", "no_second_pass")

ALIGN = """0 23750 sil
23750 29500 bin
29500 34000 blue
34000 35500 at
35500 41000 f
41000 47250 two
47250 53000 now
53000 74500 sil
"""


@pytest.fixture
def grid(tmp_path: Path) -> Path:
    """Return GRID with two speakers, whose words lie at two usual places."""
    raw = tmp_path / "GRID"
    videos(raw, "s1/bbaf2n.mpg", "s1/video/mpg_6000/bbaf2n.mpg", "s2/lwbz9s.mpg", n_frames=75)
    text(raw / "alignments/s1/bbaf2n.align", ALIGN)
    return raw


def test_grid_speech_is_a_motion_and_its_words_have_frames(grid: Path) -> None:
    """Times are in 1/25000 s, a frame is 1000 of them: speech from 23750 to 53000 is 23 to 53."""
    result = tabled("grid", grid)
    row = rows_of(grid)["s1/video/mpg_6000/bbaf2n.mpg"]
    assert (row["onset"], row["offset"]) == ("23", "53")
    assert row["sentence"] == "bin blue at f two now"
    assert row["words"] == "bin@23 blue@29 at@34 f@35 two@41 now@47"
    parts = ("command", "colour", "preposition", "letter", "digit", "adverb")
    assert [row[name] for name in parts] == row["sentence"].split()
    assert "no readable .align file, so the words have no times (1): s2/lwbz9s.mpg" in str(result)


@pytest.mark.parametrize("place", ["s1/align", "align/s1", "align/s1/align", "alignments/s1"])
def test_grid_words_are_found_at_every_usual_place(grid: Path, place: str) -> None:
    (grid / "alignments/s1/bbaf2n.align").unlink()
    text(grid / place / "bbaf2n.align", ALIGN)
    tabled("grid", grid)
    assert rows_of(grid)["s1/video/mpg_6000/bbaf2n.mpg"]["onset"] == "23"


def test_grid_is_built_with_its_speakers_and_commands(grid: Path) -> None:
    """Of a sentence in two qualities the larger picture is taken."""
    tabled("grid", grid)
    assert names_of(grid) == {
        "s1/video/mpg_6000/bbaf2n.mpg": ("s1", "bin", "bbaf2n"),
        "s2/lwbz9s.mpg": ("s2", "lay", "lwbz9s"),
    }
    assert clips_of(built(grid)) == {*names_of(grid).values()}


def test_the_folder_of_one_grid_speaker_is_enough(grid: Path) -> None:
    tabled("grid", grid / "s1")
    assert {names[0] for names in names_of(grid / "s1").values()} == {"s1"}


def test_voxceleb_is_built_with_its_people(tmp_path: Path) -> None:
    """Ids of videos that one key would stand for, as `-` and `_` are alike in it, stay apart."""
    raw = videos(
        tmp_path / "VoxCeleb2",
        "dev/mp4/id00012/21Uxsk56VDQ/00001.mp4",
        "dev/mp4/id00012/a-bcdefghij/00001.mp4",
        "dev/mp4/id00012/a_bcdefghij/00001.mp4",
        "vox2_test_mp4/mp4/id00017/01dfn2spqyE/00001.mp4",
    )
    text(
        raw / "vox2_meta.csv",
        "VoxCeleb2 ID ,Name ,VGGFace2 ID ,Gender ,Set \nid00012 ,X ,n000012 ,m ,dev \n",
    )
    result = tabled("voxceleb", raw)
    dev = "dev/mp4/id00012"
    assert names_of(raw) == {
        f"{dev}/21Uxsk56VDQ/00001.mp4": ("id00012", "speech", "21Uxsk56VDQ_00001"),
        f"{dev}/a-bcdefghij/00001.mp4": ("id00012", "speech", "a-bcdefghij_00001"),
        f"{dev}/a_bcdefghij/00001.mp4": ("id00012", "speech", "a_bcdefghij_00001_2"),
        "vox2_test_mp4/mp4/id00017/01dfn2spqyE/00001.mp4": (
            "id00017", "speech", "01dfn2spqyE_00001",
        ),
    }  # fmt: skip
    assert [row["set"] for row in rows_of(raw).values()] == ["dev", "dev", "dev", "test"]
    assert [row["gender"] for row in rows_of(raw).values()] == ["m", "m", "m", ""]
    assert "names of another recording, so the takes are numbered (1)" in str(result)
    assert clips_of(built(raw)) == {*names_of(raw).values()}
