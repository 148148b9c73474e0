"""Every file of a folder is a recording, part of one, refused with a reason, or in a note."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fmdata.pipeline.reading.discover import discover
from tests.helpers.raw_folders import names_found, touch
from tests.helpers.videos import write_numbered_video

GOOD = "ann/smile/01.mp4"


def images(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(folder / name)


def refused(raw: Path) -> list[tuple[str, str, str]]:
    return [(r.recording.source, r.reason, r.error.detail) for r in discover(raw).refused]


@pytest.mark.parametrize("suffix", ["png", "JPG", "jpeg", "bmp", "tif", "TIFF", "webp"])
def test_a_folder_of_numbered_images_is_a_take(suffix: str, tmp_path: Path) -> None:
    images(tmp_path / "ann/smile/01", *(f"img{n}.{suffix}" for n in range(1, 11)))
    assert names_found(tmp_path) == [("ann", "smile", "01", "ann/smile/01")]
    assert discover(tmp_path).notes == []


@pytest.mark.parametrize(
    ("folder", "levels"),
    [
        ("dan", "2 levels too high"),
        ("dan/01", "one level too high"),
        ("dan/a/b/c", "one level too low"),
        (".", "3 levels too high"),
    ],
)
def test_images_at_another_level_are_refused_once_for_their_folder(
    folder: str, levels: str, tmp_path: Path
) -> None:
    images(touch(tmp_path, GOOD) / folder, *(f"dan_01_{n:08}.png" for n in range(1, 9)))
    [(source, reason, detail)] = refused(tmp_path)
    assert (source, reason) == (folder, "misplaced")
    assert detail.startswith(
        f"8 images {levels}; move them into a folder <subject>/<action>/<take>"
    )
    assert "dan_01_00000001.png, dan_01_00000008.png" in detail


def test_images_without_numbers_or_of_another_kind_are_refused(tmp_path: Path) -> None:
    images(touch(tmp_path, GOOD) / "ann/smile/02", "a.png", "b.png", "c.png")
    touch(tmp_path, "ann/smile/03/1.heic", "ann/smile/03/2.heic")
    for n in (1, 2):
        path = touch(tmp_path, f"ann/smile/04/{n}") / f"ann/smile/04/{n}"
        path.write_bytes(b"\xff\xd8\xff\xe0")
    assert [(source, detail.partition(":")[0]) for source, _, detail in refused(tmp_path)] == [
        ("ann/smile/02", "3 images without numbers; number them in the order of time"),
        ("ann/smile/03", "2 images of a kind that is not read; convert them to numbered png"),
        ("ann/smile/04", "2 images of a kind that is not read; convert them to numbered png"),
    ]


def test_an_empty_take_is_refused_and_other_empty_folders_are_in_a_note(tmp_path: Path) -> None:
    touch(tmp_path, GOOD, "ann/smile/03/.DS_Store")
    for folder in ("ann/smile/02", "ann/wink", "bob"):
        (tmp_path / folder).mkdir()
    assert [(source, reason) for source, reason, _ in refused(tmp_path)] == [
        ("ann/smile/02", "no_frames"),
        ("ann/smile/03", "no_frames"),
    ]
    assert discover(tmp_path).notes == ["ignored 2 empty folders: ann/wink, bob"]


def test_a_video_without_a_known_extension_is_a_recording(tmp_path: Path) -> None:
    (tmp_path / "ann/smile").mkdir(parents=True)
    for n, name in enumerate(("04", "05.dat", "2024.05.06")):
        video = write_numbered_video(tmp_path / f"{n}.mp4", 5).path
        video.rename(tmp_path / "ann/smile" / name)
    assert [take for _, _, take, _ in names_found(tmp_path)] == ["04", "05", "2024.05.06"]


def test_a_video_of_an_unknown_name_at_another_level_and_an_unfinished_one_are_refused(
    tmp_path: Path,
) -> None:
    touch(tmp_path, GOOD)
    for name in ("ann/x", "ann/smile/02.mp4.part"):
        write_numbered_video(tmp_path / "x.mp4", 5).path.rename(tmp_path / name)
    assert [(source, reason) for source, reason, _ in refused(tmp_path)] == [
        ("ann/smile/02.mp4.part", "unreadable"),
        ("ann/x", "misplaced"),
    ]


def test_a_folder_deeper_than_the_walk_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, GOOD, "a/b/c/d/e/f/g/h/i/j.mp4")
    [(source, reason, detail)] = refused(tmp_path)
    assert (source, reason) == ("a/b/c/d/e/f/g/h/i", "misplaced")
    assert "not searched" in detail


def test_other_files_are_counted_and_those_of_systems_are_not(tmp_path: Path) -> None:
    touch(tmp_path, GOOD, "notes.docx", "ann/takes.zip", "ann/smile/01.wav", "ann/smile/cover.png")
    touch(tmp_path, "README.txt", "README", "Thumbs.db", "ann/desktop.ini", "ann/._x", "ann/e.csv")
    touch(tmp_path, "__MACOSX/ann/smile/01.mp4", "ann/@eaDir/01.mp4", ".DS_Store")
    found = discover(tmp_path)
    assert found.refused == []
    assert found.notes == [
        "ignored 4 files that are neither a video nor part of one: ann/smile/01.wav, "
        "ann/smile/cover.png, ann/takes.zip, notes.docx"
    ]


def test_images_beside_the_numbered_ones_are_in_the_note(tmp_path: Path) -> None:
    images(tmp_path / "ann/smile/01", "1.png", "2.png", "cover.png")
    touch(tmp_path, "ann/smile/01/clip.mp4")
    found = discover(tmp_path)
    assert [r.source for r in found.recordings] == ["ann/smile/01"]
    assert [r.recording.source for r in found.refused] == ["ann/smile/01/clip.mp4"]
    assert "ann/smile/01/cover.png" in found.notes[0]
