"""`fmdata spot` on a session of four motions, a still face, and a file that is no video."""

import csv
import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from fmdata.catalog.errors import InputError, UsageError
from fmdata.pipeline.engine.sessions.folder import COLUMNS, spot_folder
from fmdata.pipeline.reading.table import read_table
from fmdata.pipeline.settings import RunSettings, SpotSettings
from tests.helpers.command import fmdata
from tests.helpers.folders import read_files

pytestmark = pytest.mark.slow
IN_PROCESS = RunSettings(workers=0)


@pytest.fixture(scope="module")
def spotted(sessions: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run of the command, with all that it writes and prints."""
    folder = tmp_path_factory.mktemp("spotted")
    run = fmdata("spot", sessions, "--megc", "pred.csv", "--workers", "1", cwd=folder)
    assert run.returncode == 0, run.stderr
    (folder / "printed.txt").write_text(run.stdout)
    return folder


def rows_of(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "motions.csv").open()))


def test_every_motion_is_found_and_nothing_else(sessions: Path, spotted: Path) -> None:
    """Of four motions, with talk and turns between them: four with an IoU of at least 0.5."""
    truth = sessions / "truth.csv"
    run = fmdata("score", "motions.csv", truth, "--json", cwd=spotted)
    score = json.loads(run.stdout)
    assert (score["all"]["found"], score["all"]["true"], score["all"]["matched"]) == (4, 4, 4)
    assert score["errors"]["onset"]["median"] <= 2
    assert "found   true" in fmdata("score", "pred.csv", truth, cwd=spotted).stdout


def test_rows_have_room_for_rest_and_are_left_to_fill_in(spotted: Path) -> None:
    """Start and stop lie outside the motion, inside its neighbours; action and take are empty."""
    rows = rows_of(spotted)
    assert list(rows[0]) == list(COLUMNS)
    for row in rows:
        assert (row["path"], row["subject"]) == ("s01/session/01.mp4", "s01")
        assert (row["action"], row["take"]) == ("", "")
        start, stop = float(row["start"]) * 25, float(row["stop"]) * 25
        onset, apex, offset = (int(row[name]) for name in ("onset", "apex", "offset"))
        assert start + 5 < onset <= apex < offset < stop - 5
    for one, after in pairwise(rows):
        assert float(one["stop"]) <= int(after["onset"]) / 25


def test_megc_gets_names_without_extension_and_inclusive_frames(spotted: Path) -> None:
    lines = (spotted / "pred.csv").read_text().splitlines()
    assert lines[0] == "vid,pred_onset,pred_offset,type"
    row = rows_of(spotted)[0]
    assert lines[1] == f"s01/session/01,{row['onset']},{int(row['offset']) - 1},mae"
    assert len(lines) == 5


def test_a_page_shows_each_recording_with_motions(spotted: Path) -> None:
    page = (spotted / "motions.html").read_text()
    assert page.count("<img") == 1
    assert "s01/session/01.mp4" in page


def test_a_bad_file_and_a_still_face_cost_only_themselves(spotted: Path) -> None:
    printed = (spotted / "printed.txt").read_text()
    assert printed.startswith("2 recordings, 0.7 minutes: 4 motions")
    assert "cannot be used: s01/session/03.mp4 (decode, unreadable)" in printed
    assert "no motion was found in 1 of them: s01/session/02.mp4" in printed


@pytest.mark.long
def test_processes_change_nothing_and_a_table_is_never_overwritten(
    sessions: Path, spotted: Path, tmp_path: Path
) -> None:
    settings = SpotSettings(sheets=True)
    out, megc = tmp_path / "motions.csv", tmp_path / "pred.csv"
    spot_folder(sessions, out, settings, IN_PROCESS, megc=megc)
    again, before = read_files(tmp_path), read_files(spotted)
    del before["printed.txt"]
    assert again == before
    with pytest.raises(UsageError, match="a file that exists already"):
        spot_folder(sessions, out, replace(settings, sheets=False), IN_PROCESS)
    assert read_files(tmp_path) == again


def test_a_build_with_empty_actions_names_the_lines(sessions: Path, spotted: Path) -> None:
    with pytest.raises(UsageError) as error:
        read_table(spotted / "motions.csv", sessions)
    for line in range(2, 6):
        assert f"line {line}: action is empty" in str(error.value)
        assert f"line {line}: take is empty" in str(error.value)


def test_a_folder_without_a_usable_recording_is_an_error(tmp_path: Path) -> None:
    out = tmp_path / "motions.csv"
    (tmp_path / "raw").mkdir()
    with pytest.raises(InputError, match="no video, and no folder of numbered images"):
        spot_folder(tmp_path / "raw", out, SpotSettings(), IN_PROCESS)
    (tmp_path / "raw/a.mp4").write_text("no video")
    with pytest.raises(InputError, match=r"none can be used; of a\.mp4: decode, unreadable"):
        spot_folder(tmp_path / "raw", out, SpotSettings(), IN_PROCESS)
    assert not out.exists()
    with pytest.raises(UsageError, match="there is no such file or folder"):
        spot_folder(tmp_path / "none", out, SpotSettings(), IN_PROCESS)
