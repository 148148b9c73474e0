"""CASME II, SAMM and SMIC: micro-expressions whose tables number the images, not the frames.

The first image of a recording has any number. The tables name the first, the apex and the last
image of a motion; fmdata's offset is the first frame after it.
"""

from pathlib import Path

import pytest

from tests.helpers.layouts import (
    built,
    clips_of,
    names_of,
    numbers_shown,
    pictures,
    rows_of,
    tabled,
    workbook,
)

pytestmark = pytest.mark.usefixtures("fixed_face", "no_second_pass")

CASME2_HEADER = ("Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None,
                 "Action Units", "Estimated Emotion", "Objective Class")  # fmt: skip
SAMM_HEADER = ("Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame",
               "Offset Frame", "Duration", "Micro", "Action Units", "Estimated Emotion",
               "Objective Classes", "Notes")  # fmt: skip
SMIC_HEADER = ("Subject", "Filename", "OnsetF", "OffsetF", "TotalMF1", "Onset2F", "Offset2F",
               "TotalMF2", "FirstF", "LastF", "TotalVL", "Emotion")  # fmt: skip


def images_of_the_motion(folder: Path, path: str) -> tuple[int, ...]:
    """Return the numbers of the first, the apex and the last picture of a given motion."""
    row, shown = rows_of(folder)[path], numbers_shown(folder, path)
    onset, apex, offset = (row[name] for name in ("onset", "apex", "offset"))
    return shown[int(onset)], shown[int(apex)], shown[int(offset) - 1]


@pytest.fixture
def casme2(tmp_path: Path) -> Path:
    """Return CASME II with one whole recording, and two of the coded images alone."""
    raw = tmp_path / "CASME2"
    pictures(raw / "CASME2-RAW/sub01/EP02_01f", "img{}.jpg", range(1, 81))
    pictures(raw / "Cropped/sub01/EP02_01f", "reg_img{}.jpg", range(46, 61))
    pictures(raw / "Cropped/sub02/EP01_11f", "reg_img{}.jpg", range(97, 110))
    pictures(raw / "Cropped/sub04/EP12_01f", "reg_img{}.jpg", range(20, 32))
    workbook(
        raw / "CASME2-coding-20190701.xlsx",
        CASME2_HEADER,
        (1, "EP02_01f", None, 46, 59, 60, None, "12", "happiness", 1),
        (2, "EP01_11f", None, 97, 103, 109, None, "4+L10", "Repression", 5),
        (4, "EP12_01f", None, 20, "/", 31, None, 4, "others", 7),
        (26, "EP18_51", None, 1, 2, 3, None, "15", "sadness", 6),
    )
    return raw


def test_casme2_numbers_of_images_become_frames(casme2: Path) -> None:
    """Images 46 to 60 of a recording that begins with image 1 are frames 45 to 59.

    Image 97 is frame 0 of a folder that begins with it, although nothing before it is missing.
    """
    result = tabled("casme2", casme2)
    rows = rows_of(casme2)
    whole, cut = "CASME2-RAW/sub01/EP02_01f", "Cropped/sub02/EP01_11f"
    assert [rows[whole][name] for name in ("onset", "apex", "offset")] == ["45", "58", "60"]
    assert images_of_the_motion(casme2, whole) == (46, 59, 60)
    assert [rows[cut][name] for name in ("onset", "apex", "offset")] == ["0", "6", "13"]
    assert images_of_the_motion(casme2, cut) == (97, 103, 109)
    assert rows["Cropped/sub04/EP12_01f"]["apex"] == ""  # "/" in the set's own table
    assert {row["fps"] for row in rows.values()} == {"200"}
    assert "rows of the set's table without a recording (1): sub26/EP18_51" in str(result)


def test_casme2_has_one_row_for_a_motion_that_is_there_raw_and_cropped(casme2: Path) -> None:
    """The version with more images shows the face at rest before and after, so it is taken."""
    result = tabled("casme2", casme2)
    assert "Cropped/sub01/EP02_01f" not in rows_of(casme2)
    assert "other versions of recordings in the table, left out (1)" in str(result)


def test_casme2_is_built_with_its_subjects_and_emotions(casme2: Path) -> None:
    tabled("casme2", casme2)
    assert names_of(casme2) == {
        "CASME2-RAW/sub01/EP02_01f": ("sub01", "happiness", "EP02_01f"),
        "Cropped/sub02/EP01_11f": ("sub02", "repression", "EP01_11f"),
        "Cropped/sub04/EP12_01f": ("sub04", "others", "EP12_01f"),
    }
    assert [row["aus"] for row in rows_of(casme2).values()] == ["12", "4+L10", "4"]
    dataset = built(casme2)
    assert clips_of(dataset) == {*names_of(casme2).values()}
    assert {clip.fps for clip in dataset.actions} == {200.0}


def test_casme2_without_its_table_is_unlabelled_and_says_so(casme2: Path) -> None:
    (casme2 / "CASME2-coding-20190701.xlsx").unlink()
    result = tabled("casme2", casme2)
    assert {row["action"] for row in rows_of(casme2).values()} == {"unlabelled"}
    assert "no table such as CASME2-coding-20190701.xlsx" in str(result)


def test_boundaries_that_are_not_among_the_images_are_left_open(casme2: Path) -> None:
    """An image that is missing at a boundary, and one between others, which a build refuses."""
    (casme2 / "Cropped/sub02/EP01_11f/reg_img109.jpg").unlink()
    (casme2 / "Cropped/sub04/EP12_01f/reg_img25.jpg").unlink()
    result = tabled("casme2", casme2)
    row = rows_of(casme2)["Cropped/sub02/EP01_11f"]
    assert (row["onset"], row["offset"], row["emotion"]) == ("", "", "repression")
    assert "coded images that are not all there, boundaries left open (1)" in str(result)
    assert "images missing between others: a build drops them as truncated (1)" in str(result)


@pytest.fixture
def samm(tmp_path: Path) -> Path:
    """Return SAMM with images that count on through a session, and 13 lines above the header."""
    raw = tmp_path / "SAMM"
    pictures(raw / "006/006_1_2", "006_{:05d}.jpg", range(5550, 5570))
    pictures(raw / "028/028_4_1", "028_{:05d}.jpg", range(300, 312))
    remarks = [(f"remark {n}",) for n in range(13)]
    workbook(
        raw / "SAMM_Micro_FACS_Codes_v2.xlsx",
        *remarks,
        SAMM_HEADER,
        ("006", "006_1_2", 1, 5562, 5564, 5567, 6, "Micro - 1/2", "4", "Anger", 2, None),
        ("028", "028_4_1", 4, 302, 999, 310, 9, "Micro - 1/2", "12", "Happiness", 1, "see notes"),
    )
    return raw


def test_samm_numbers_of_a_session_become_frames_of_the_recording(samm: Path) -> None:
    """Image 5562 of a recording that begins with image 5550 is frame 12."""
    result = tabled("samm", samm)
    row = rows_of(samm)["006/006_1_2"]
    assert [row[name] for name in ("onset", "apex", "offset")] == ["12", "14", "18"]
    assert images_of_the_motion(samm, "006/006_1_2") == (5562, 5564, 5567)
    odd = rows_of(samm)["028/028_4_1"]  # its apex lies outside the motion
    assert (odd["onset"], odd["apex"], odd["offset"]) == ("2", "", "11")
    assert "028/028_4_1 (999)" in str(result)


def test_samm_is_built_with_its_subjects_and_emotions(samm: Path) -> None:
    tabled("samm", samm)
    assert names_of(samm) == {
        "006/006_1_2": ("006", "anger", "006_1_2"),
        "028/028_4_1": ("028", "happiness", "028_4_1"),
    }
    dataset = built(samm)
    assert clips_of(dataset) == {*names_of(samm).values()}
    assert {clip.fps for clip in dataset.actions} == {200.0}


@pytest.fixture
def smic(tmp_path: Path) -> Path:
    """Return SMIC: one motion by two cameras, a calm recording, and a long one with its table."""
    raw = tmp_path / "SMIC"
    numbers = range(559710, 559722)
    for camera in ("HS", "VIS"):
        folder = raw / f"SMIC_all_raw/{camera}/s11/micro/negative/s11_ne_01"
        pictures(folder, "image{}.bmp", numbers)
    pictures(raw / "SMIC_all_cropped/HS/s11/micro/negative/s11_ne_01", "reg_image{}.bmp", numbers)
    pictures(raw / "SMIC_all_raw/HS/s3/non_micro/s3_n1", "image{}.bmp", range(7, 15))
    long = raw / "SMIC-E_raw image/HS_long/SMIC-HS-E"
    pictures(long / "HS/s03/s3_po_02", "image{}.jpg", range(559700, 559740))
    workbook(
        long / "SMIC-HS-E_annotation.xlsx",
        SMIC_HEADER,
        (3, "s3_po_02", 559705, 559710, 6, 559720, 559729, 10, 559700, 559739, 40, "positive"),
    )
    return raw


def test_smic_motions_of_a_long_recording_are_rows_of_their_own(smic: Path) -> None:
    tabled("smic", smic)
    with (smic / "recordings.csv").open() as file:
        long = [line.strip() for line in file if "HS_long_s3_po_02" in line]
    path = "SMIC-E_raw image/HS_long/SMIC-HS-E/HS/s03/s3_po_02"
    assert long == [
        f"{path},s3,positive,HS_long_s3_po_02,100,5,11,positive,HS",
        f"{path},s3,positive,HS_long_s3_po_02_m2,100,20,30,positive,HS",
    ]
    assert numbers_of(smic, path)[5] == 559705 % (1 << 14)


def test_smic_calm_recordings_of_one_name_are_those_of_several_people(tmp_path: Path) -> None:
    for subject in ("s1", "s2"):
        pictures(tmp_path / f"HS/{subject}/non_micro/01", "image{}.bmp", range(3))
    tabled("smic", tmp_path)
    assert {*names_of(tmp_path).values()} == {
        ("s1", "non_micro", "HS_01"),
        ("s2", "non_micro", "HS_01"),
    }


def numbers_of(folder: Path, path: str) -> list[int]:
    """Return the numbers that a recording shows which has several rows."""
    (folder / "recordings.csv").write_text(f"path,subject,action,take\n{path},s,a,1\n")
    return numbers_shown(folder, path)


def test_smic_is_built_with_its_cameras_and_rates(smic: Path) -> None:
    """One motion is there by two cameras, at 100 and 25 frames a second; its crop is left out."""
    tabled("smic", smic)
    raw = "SMIC_all_raw"
    names = names_of(smic)
    assert names[f"{raw}/HS/s11/micro/negative/s11_ne_01"] == ("s11", "negative", "HS_s11_ne_01")
    assert names[f"{raw}/VIS/s11/micro/negative/s11_ne_01"] == ("s11", "negative", "VIS_s11_ne_01")
    assert names[f"{raw}/HS/s3/non_micro/s3_n1"] == ("s3", "non_micro", "HS_s3_n1")
    assert not any("cropped" in path for path in names)
    dataset = built(smic)
    assert {(clip.subject, clip.take, clip.fps) for clip in dataset.actions} == {
        ("s11", "HS_s11_ne_01", 100.0),
        ("s11", "VIS_s11_ne_01", 25.0),
        ("s3", "HS_s3_n1", 100.0),
        ("s3", "HS_long_s3_po_02", 100.0),
        ("s3", "HS_long_s3_po_02_m2", 100.0),
    }
