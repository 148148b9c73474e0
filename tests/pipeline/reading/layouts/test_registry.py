"""A folder that is a known data set is recognised by its names, and a build says which it is."""

from pathlib import Path, PurePosixPath

import pytest
import typer

from fmdata.catalog.errors import InputError
from fmdata.cli import app
from fmdata.pipeline.reading.discover import discover
from fmdata.pipeline.reading.layouts.registry import SETS, recognised
from fmdata.pipeline.reading.layouts.sets.afew import Afew
from fmdata.pipeline.reading.layouts.sets.flat import Flat
from fmdata.pipeline.reading.layouts.settings import LAYOUTS
from tests.helpers.raw_folders import refusal, touch

FILES = {
    "ckplus": ("images/S005/001/S005_001_0000000{}.png", "S005/001/S005_001_0000000{}.png"),
    "afew": ("Train_AFEW/Angry/00004628{}.avi", "Val/Sad/00004628{}.avi"),
    "casme2": ("CASME2-RAW/sub01/EP02_01f/img{}.jpg", "Cropped/sub01/EP02_01f/reg_img{}.jpg"),
    "samm": ("SAMM/006/006_1_2/006_0556{}.jpg", "006/006_1_2/006_0556{}.jpg"),
    "smic": ("HS/s1/micro/negative/s1_ne_01/reg_image{}.bmp", "HS/s01/s1_sur_01/image55970{}.jpg"),
    "ravdess": ("Video_Speech_Actor_01/Actor_01/01-01-0{}-01-01-01-01.mp4",),
    "grid": ("s1/bbaf{}n.mpg", "s1/video/mpg_6000/bbaf{}n.mpg"),
    "voxceleb": ("dev/mp4/id00012/21Uxsk56VDQ/0000{}.mp4", "id00012/21Uxsk56VDQ/0000{}.mp4"),
    "mead": ("M003/video/front/angry/level_1/00{}.mp4", "MEAD/W009/front/sad/level_3/00{}.mp4"),
    "bp4d": ("Sequences_2D+3D/F001/T1/000{}.jpg", "M009/T8/00{}.jpg"),
}  # fmt: skip


def test_every_set_is_tried_and_in_the_help() -> None:
    assert [layout.name for layout in SETS] == [*FILES]
    parameters = typer.main.get_command(app).commands["table"].params
    (layout,) = (one for one in parameters if one.name == "layout")
    assert all(name in layout.help for name in FILES)


@pytest.mark.parametrize(("name", "form"), [(n, f) for n, forms in FILES.items() for f in forms])
def test_a_build_of_a_known_set_says_which_command_to_run(
    tmp_path: Path, name: str, form: str
) -> None:
    """As the message of an error, where nothing lies as fmdata wants it, or else as a note."""
    raw = touch(tmp_path / "raw", *(form.format(n) for n in range(1, 6)))
    command = f"fmdata table {name} {raw}"
    assert command in words_on(raw)


def words_on(raw: Path) -> str:
    """Return the notes on a folder, or the message of the error."""
    try:
        return "\n".join(discover(raw).notes)
    except InputError as error:
        return error.todo


def test_a_folder_with_other_names_is_no_known_set(tmp_path: Path) -> None:
    raw = touch(tmp_path, *(f"s0{n}/smile/0{n}.mp4" for n in range(1, 6)))
    assert not any("looks like" in note for note in discover(raw).notes)


def test_recordings_of_a_set_that_were_arranged_by_hand_are_built_without_a_word(
    tmp_path: Path,
) -> None:
    raw = touch(tmp_path, *(f"Actor_01/happy/01-01-03-01-01-0{n}-01.mp4" for n in (1, 2)))
    assert discover(raw).notes == []


def test_one_file_in_ten_may_have_another_name() -> None:
    """A sample of 200 files decides, spread over all of them; videos and images are apart."""
    known = [PurePosixPath(f"F001/T1/{n:04d}.jpg") for n in range(1000)]
    others = [PurePosixPath(f"x/{n}.jpg") for n in range(1000)]
    assert recognised(known + others[:80]) is not None
    assert recognised(known + others) is None
    clips = [PurePosixPath("Train_AFEW/Angry/000046280.avi")]
    faces = [PurePosixPath(f"Train_AFEW/Faces/000046280/{n:04d}.jpg") for n in range(100)]
    assert recognised(clips + faces) is Afew
    assert recognised([]) is None


def test_files_without_folders_are_for_a_pattern(tmp_path: Path) -> None:
    touch(tmp_path, "ann_smile_01.mp4", "ann_smile_02.mp4")
    message = refusal(tmp_path, InputError)
    command = f"fmdata table flat {tmp_path} --pattern '{{subject}}_{{action}}_{{take}}'"
    assert command in message


def test_the_command_line_names_every_layout() -> None:
    assert f"{', '.join(one.name for one in SETS)} or {Flat.name}" == LAYOUTS
