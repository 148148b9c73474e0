"""CK+, AFEW, RAVDESS, MEAD and BP4D: expressions, whose labels are in names and small files."""

from pathlib import Path

import pytest

from tests.helpers.layouts import (
    built,
    clips_of,
    names_of,
    pictures,
    rows_of,
    tabled,
    text,
    videos,
)

pytestmark = pytest.mark.usefixtures("fixed_face", "no_second_pass")


@pytest.fixture
def ckplus(tmp_path: Path) -> Path:
    """Return CK+ with two sequences of S005, one of them unlabelled, and one of S010."""
    raw = tmp_path / "CK+"
    for subject, sequence, last in (("S005", "001", 11), ("S005", "002", 9), ("S010", "002", 14)):
        folder = raw / f"cohn-kanade-images/{subject}/{sequence}"
        pictures(folder, f"{subject}_{sequence}_{{:08d}}.png", range(1, last + 1))
    (raw / "cohn-kanade-images/S005/001/.DS_Store").touch()
    text(raw / "Emotion/S005/001/S005_001_00000011_emotion.txt", "   3.0000000e+00\n")
    text(raw / "Emotion/S010/002/S010_002_00000014_emotion.txt", "   7.0000000e+00\n")
    (raw / "Emotion/S005/002").mkdir(parents=True)
    text(
        raw / "FACS/S005/001/S005_001_00000011_facs.txt",
        "   9.0000000e+00   4.0000000e+00\n   1.7000000e+01   2.0000000e+00\n",
    )
    text(raw / "FACS/S010/002/S010_002_00000014_facs.txt", "   1.2000000e+01   0.0000000e+00\n")
    return raw


def test_ckplus_has_labels_and_no_boundaries(ckplus: Path) -> None:
    """The set codes the last frame alone, so nothing is said of the onset."""
    tabled("ckplus", ckplus)
    row = rows_of(ckplus)["cohn-kanade-images/S005/001"]
    assert {"onset", "apex", "offset"}.isdisjoint(row)
    assert (row["emotion"], row["aus"], row["fps"]) == ("disgust", "9d+17b", "30")
    assert rows_of(ckplus)["cohn-kanade-images/S010/002"]["aus"] == "12"  # intensity not given


def test_ckplus_is_built_with_its_subjects_and_emotions(ckplus: Path) -> None:
    tabled("ckplus", ckplus)
    assert names_of(ckplus) == {
        "cohn-kanade-images/S005/001": ("S005", "disgust", "001"),
        "cohn-kanade-images/S005/002": ("S005", "unlabelled", "002"),
        "cohn-kanade-images/S010/002": ("S010", "surprise", "002"),
    }
    assert clips_of(built(ckplus)) == {*names_of(ckplus).values()}


def test_ckplus_names_labels_that_are_missing_or_no_labels(ckplus: Path) -> None:
    text(ckplus / "Emotion/S010/002/S010_002_00000014_emotion.txt", "9.0")
    for path in (ckplus / "FACS").rglob("*.txt"):
        path.unlink()
    report = str(tabled("ckplus", ckplus))
    assert "labels that cannot be read (1): S010_002_00000014_emotion.txt" in report
    assert "no files …_facs.txt, so action units are unknown: unpack FACS_labels.zip" in report
    assert rows_of(ckplus)["cohn-kanade-images/S010/002"]["action"] == "unlabelled"


def test_afew_is_built_with_a_subject_for_each_clip(tmp_path: Path) -> None:
    """The files do not say who is in them, and the report says so."""
    raw = videos(
        tmp_path / "AFEW",
        "Train_AFEW/Angry/000046280.avi",
        "Train_AFEW/Happy/005150814.avi",
        "Val_AFEW/Happy/000046280.avi",
    )
    result = tabled("afew", raw)
    assert names_of(raw) == {
        "Train_AFEW/Angry/000046280.avi": ("Train_000046280", "angry", "01"),
        "Train_AFEW/Happy/005150814.avi": ("Train_005150814", "happy", "01"),
        "Val_AFEW/Happy/000046280.avi": ("Val_000046280", "happy", "01"),
    }
    assert [row["set"] for row in rows_of(raw).values()] == ["train", "train", "val"]
    assert "do not say who is in them" in str(result)
    assert clips_of(built(raw)) == {*names_of(raw).values()}


def test_ravdess_is_built_once_for_each_trial(tmp_path: Path) -> None:
    """Of a trial with and without sound the former is taken; sound alone is no recording."""
    raw = videos(
        tmp_path / "RAVDESS",
        "Video_Speech_Actor_01/Actor_01/01-01-03-01-01-01-01.mp4",
        "Video_Speech_Actor_01/Actor_01/02-01-03-01-01-01-01.mp4",
        "Video_Speech_Actor_01/Actor_01/02-01-06-02-02-02-01.mp4",
        "Video_Song_Actor_24/Actor_24/01-02-03-01-01-01-24.MP4",
    )
    text(raw / "Audio_Speech_Actors_01-24/Actor_01/03-01-03-01-01-01-01.wav", "")
    result = tabled("ravdess", raw)
    speech, song = "Video_Speech_Actor_01/Actor_01", "Video_Song_Actor_24/Actor_24"
    assert names_of(raw) == {
        f"{speech}/01-01-03-01-01-01-01.mp4": ("Actor_01", "happy", "01-01-01-01"),
        f"{speech}/02-01-06-02-02-02-01.mp4": ("Actor_01", "fearful", "01-02-02-02"),
        f"{song}/01-02-03-01-01-01-24.MP4": ("Actor_24", "happy", "02-01-01-01"),
    }
    row = rows_of(raw)[f"{speech}/02-01-06-02-02-02-01.mp4"]
    assert (row["emotion"], row["channel"], row["level"]) == ("fearful", "speech", "strong")
    assert row["statement"] == "dogs are sitting by the door"
    assert "other versions of recordings in the table, left out (1)" in str(result)
    assert clips_of(built(raw)) == {*names_of(raw).values()}


def test_mead_is_built_with_its_views_and_levels(tmp_path: Path) -> None:
    raw = videos(
        tmp_path / "MEAD",
        "M003/video/front/angry/level_1/001.mp4",
        "M003/video/left_30/angry/level_1/001.mp4",
        "W009/video/front/neutral/level_1/030.mp4",
    )
    tabled("mead", raw)
    assert names_of(raw) == {
        "M003/video/front/angry/level_1/001.mp4": ("M003", "angry", "front_1_001"),
        "M003/video/left_30/angry/level_1/001.mp4": ("M003", "angry", "left_30_1_001"),
        "W009/video/front/neutral/level_1/030.mp4": ("W009", "neutral", "front_1_030"),
    }
    row = rows_of(raw)["M003/video/left_30/angry/level_1/001.mp4"]
    assert (row["emotion"], row["level"], row["view"]) == ("angry", "1", "left_30")
    assert clips_of(built(raw)) == {*names_of(raw).values()}


@pytest.fixture
def bp4d(tmp_path: Path) -> Path:
    """Return BP4D with names of four and of three digits, and two coded tasks."""
    raw = tmp_path / "BP4D"
    pictures(raw / "Sequences_2D+3D/F001/T1", "{:04d}.jpg", range(12))
    pictures(raw / "Sequences_2D+3D/M009/T8", "{:03d}.jpg", range(12))
    lines = ["0,1,4,12,32", "5,0,1,1,9", "6,1,1,0,9", "7,0,1,0,9", "8,0,1,0,9"]
    text(raw / "AUCoding/AU_OCC/F001_T1.csv", "\n".join(lines))
    text(raw / "AUCoding/AU_OCC/F001_T2.csv", "\n".join(lines))
    return raw


def test_bp4d_is_built_with_its_tasks_and_action_units(bp4d: Path) -> None:
    """AU 4 is there in all coded frames, AU 1 and AU 12 in one of four, AU 32 was not coded."""
    result = tabled("bp4d", bp4d)
    first, second = "Sequences_2D+3D/F001/T1", "Sequences_2D+3D/M009/T8"
    assert names_of(bp4d) == {first: ("F001", "T1", "01"), second: ("M009", "T8", "01")}
    row = rows_of(bp4d)[first]
    assert [row[name] for name in ("au1", "au4", "au12")] == ["0.25", "1", "0.25"]
    assert (row["au_first"], row["au_last"], row["fps"]) == ("5", "8", "25")
    assert "au32" not in row
    assert "tables without a recording (1): F001_T2" in str(result)
    assert clips_of(built(bp4d)) == {*names_of(bp4d).values()}


def test_bp4d_names_tables_that_cannot_be_read(bp4d: Path) -> None:
    text(bp4d / "AUCoding/AU_OCC/F001_T1.csv", "0,1\n5,yes\n")
    assert "tables that cannot be read (1): F001_T1.csv" in str(tabled("bp4d", bp4d))
    assert len(rows_of(bp4d)) == 2
