"""The command line: bad input gets one clear message, the right exit code, and harms nothing.

The command runs in a process of its own, as a user runs it.
"""

import json
import shutil
from pathlib import Path

import pytest

from fmdata.catalog import Dataset
from fmdata.terminal.meter import Meter
from tests.helpers.command import assert_refused, fmdata
from tests.helpers.videos import write_numbered_video


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    assert_refused(fmdata("build", "--subjects", "nowhere", cwd=tmp_path), 2, "nowhere")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    assert_refused(fmdata("build", "--subjects", "raw/", cwd=tmp_path), 1, "raw")
    assert [p.name for p in tmp_path.iterdir()] == ["raw"]


def test_a_folder_without_videos_is_refused(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    for name in ("a.txt", "b.txt", "c.csv"):
        (tmp_path / "raw" / name).write_text("x")
    run = fmdata("build", "--subjects", "raw", cwd=tmp_path)
    assert_refused(run, 1, ".txt", "<subject>/<action>")
    assert [p.name for p in tmp_path.iterdir()] == ["raw"]


@pytest.mark.parametrize(
    ("table", "word"),
    [
        ("path,subject,action\na.mp4,s01,smile\n", "take"),
        ("path,subject,action,take\ngone.mp4,s01,smile,01\n", "gone.mp4"),
    ],
    ids=["missing column", "missing file"],
)
def test_an_invalid_table_is_refused(tmp_path: Path, table: str, word: str) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/recordings.csv").write_text(table)
    run = fmdata("build", "--subjects", "raw", cwd=tmp_path)
    assert_refused(run, 2, word, "recordings.csv")
    assert [p.name for p in tmp_path.iterdir()] == ["raw"]


def test_fan_without_its_weights_is_refused(tmp_path: Path) -> None:
    """The message names the missing file and where it was searched; nothing is downloaded."""
    folder = tmp_path / "raw/s01/smile"
    folder.mkdir(parents=True)
    write_numbered_video(folder / "01.mp4", 10)
    (tmp_path / "weights").mkdir()
    run = fmdata("build", "--landmarks", "fan", "--model", "weights", cwd=tmp_path)
    assert_refused(run, 1, "s3fd-619a316812.pth", "FMDATA_FAN")
    run = fmdata("build", "--landmarks", "dlib", cwd=tmp_path)
    assert_refused(run, 2, "litert, mediapipe, fan")


def test_a_build_of_unusable_recordings_only_exits_with_1(tmp_path: Path) -> None:
    """A text file, a truncated mp4 and a video without a face: a line each."""
    folder = tmp_path / "raw/s01/smile"
    folder.mkdir(parents=True)
    (folder / "text.mp4").write_text("not a video")
    whole = write_numbered_video(folder / "nobody.mp4", 10).path.read_bytes()
    (folder / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    run = fmdata("build", "--subjects", "raw", "--workers", "1", cwd=tmp_path)
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    assert "3 recordings: 0 clips, 3 dropped" in run.stdout
    for line in ("smile/text.mp4 (decode, unreadable)", "smile/cut.mp4 (decode, unreadable)",
                 "smile/nobody.mp4 (landmarks, no_face): no face in any of 10 frames"):  # fmt: skip
        assert line in run.stdout
    assert "nothing could be built" in run.stderr
    assert "dropped.parquet" in run.stdout
    # There is nothing to splice either.
    assert_refused(fmdata("synth-compound", cwd=tmp_path), 1, "0 clips")
    assert fmdata("verify", cwd=tmp_path).returncode == 0


def test_other_settings_than_those_of_the_dataset_are_refused(
    dataset_path: Path, raw_path: Path
) -> None:
    card = (dataset_path / "fmdata.json").read_bytes()
    run = fmdata("build", "--subjects", raw_path, "--out", dataset_path, "--size", 96,
                 cwd=dataset_path.parent)  # fmt: skip
    assert_refused(run, 2, "size = 112", "size = 96", "--out")
    assert (dataset_path / "fmdata.json").read_bytes() == card


def test_max_pose_range_drops_unsteady_clips(
    dataset_path: Path, raw_path: Path, tmp_path: Path
) -> None:
    """Some of the 36 heads turn by more than 6 degrees; no finished clip is made again."""
    shutil.copytree(dataset_path, tmp_path / "dataset")
    ranges = Dataset(dataset_path).actions.table(["pose_range"])["pose_range"].to_numpy()
    dropped = int((ranges > 6).sum())
    assert 0 < dropped < 36
    run = fmdata("build", "--subjects", raw_path, "--max-pose-range", 6, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    kept = f"36 recordings: {36 - dropped} clips, {dropped} dropped, 36 of them done before"
    assert kept in run.stdout
    assert "(landmarks, unsteady): the head's pose ranges over" in run.stdout
    assert f"unsteady {dropped}" in fmdata("info", cwd=tmp_path).stdout


def test_zero_copies_of_each_compound_are_refused(dataset_path: Path) -> None:
    run = fmdata("synth-compound", "--k", 0, "--dataset", dataset_path, cwd=dataset_path.parent)
    assert_refused(run, 2, "--k 0")
    assert (dataset_path / "compounds").is_dir()


def test_compounds_before_a_build_are_refused(tmp_path: Path) -> None:
    assert_refused(fmdata("synth-compound", "--k", 5, cwd=tmp_path), 1, "fmdata build")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["build", "--size", "3"], "--size 3"),
        (["build", "--workers", "-1"], "--workers -1"),
        (["build", "--time-limit", "0"], "--time-limit 0"),
        (["build", "--landmarks", "dlib"], "dlib"),
        (["build", "--min-detected", "90"], "--min-detected 90"),
        (["build", "--max-pose-range", "-5"], "--max-pose-range -5"),
        (["simulate", "raw", "--style", "sideways"], "--style"),
        (["simulate", "raw", "--subjects", "0"], "--subjects"),
    ],
)
def test_invalid_options_are_refused(tmp_path: Path, arguments: list[str], word: str) -> None:
    assert_refused(fmdata(*arguments, cwd=tmp_path), 2, word)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_option_is_wrong_usage(tmp_path: Path) -> None:
    assert fmdata("build", "--colour", cwd=tmp_path).returncode == 2


def test_a_model_with_a_wrong_checksum_is_refused(tmp_path: Path, raw_path: Path) -> None:
    (tmp_path / "model.task").write_bytes(b"another network")
    run = fmdata("build", "--subjects", raw_path, "--model", "model.task", "--workers", 1,
                 cwd=tmp_path)  # fmt: skip
    assert_refused(run, 1, "15 bytes with SHA-256", "model.task")


def test_info_prints_text_or_json(dataset_path: Path) -> None:
    cwd = dataset_path.parent
    shown = fmdata("info", cwd=cwd).stdout
    assert "36 clips, 0 dropped" in shown
    assert "135" in shown
    facts = json.loads(fmdata("info", "--json", cwd=cwd).stdout)
    assert (facts["clips"], facts["compounds"], facts["subjects"]) == (36, 135, 3)
    assert facts["returning"] + facts["held"] + facts["motionless"] == 36


def test_a_dataset_is_an_argument_or_an_option(dataset_path: Path, tmp_path: Path) -> None:
    as_argument = fmdata("info", dataset_path, cwd=tmp_path)
    as_option = fmdata("info", "--dataset", dataset_path, cwd=tmp_path)
    assert (as_argument.returncode, as_option.returncode) == (0, 0), as_argument.stderr
    assert as_argument.stdout == as_option.stdout
    both = fmdata("info", dataset_path, "--dataset", "another", cwd=tmp_path)
    assert_refused(both, 2, "--dataset another")


def test_verify_names_the_damaged_file_and_the_problem(dataset_path: Path, tmp_path: Path) -> None:
    cwd = dataset_path.parent
    assert fmdata("verify", cwd=cwd).returncode == 0
    shutil.copytree(dataset_path, tmp_path / "dataset")
    with (tmp_path / "dataset/actions/shard-00000.tar").open("r+b") as file:
        file.seek(5000)
        byte = file.read(1)[0]
        file.seek(5000)
        file.write(bytes([byte ^ 1]))
    run = fmdata("verify", cwd=tmp_path)
    assert run.returncode == 1
    assert "dataset/actions/shard-00000.tar: SHA-256" in run.stdout
    assert "to do: run the `fmdata build` that made it again" in run.stdout


def test_progress_is_plain_lines_without_a_terminal(tmp_path: Path, raw_path: Path) -> None:
    shutil.copytree(raw_path / "s01/smile", tmp_path / "raw/s01/smile")
    run = fmdata("build", "--subjects", "raw/", "--workers", 1, cwd=tmp_path)
    assert run.returncode == 0
    assert "build: 4/4 recordings" in run.stderr
    assert "frames/s" in run.stderr
    assert "\x1b" not in run.stderr + run.stdout


def test_reading_for_a_long_time_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three recordings, read in ten seconds each: a line for each but the last, then the build."""
    now = 0.0
    monkeypatch.setattr("fmdata.terminal.meter.time.monotonic", lambda: now)
    meter = Meter()
    meter.start("build", 3, "recordings")
    meter.note("read")
    for done in (1, 2):
        now = done * 10.0
        meter.step()
    now = 30.0
    meter.start("build", 3, "recordings", done=3)
    assert capsys.readouterr().err.splitlines() == [
        "build: 1/3 recordings  0.1/s  read  20 s left",
        "build: 2/3 recordings  0.1/s  read  10 s left",
    ]


def test_names_are_not_interpreted_as_markup(dataset_path: Path, tmp_path: Path) -> None:
    shutil.copytree(dataset_path, tmp_path / "p[/red]" / "d[bold]x")
    for command in ("info", "verify", "synth-compound"):
        run = fmdata(command, "--dataset", "p[/red]/d[bold]x", cwd=tmp_path)
        assert run.returncode == 0, run.stderr
        assert "p[/red]/d[bold]x" in run.stdout


@pytest.mark.parametrize("lost", ["actions/shard-00000.parquet", "dropped.parquet"])
def test_a_missing_file_of_a_dataset_is_reported(
    dataset_path: Path, tmp_path: Path, lost: str
) -> None:
    shutil.copytree(dataset_path, tmp_path / "dataset")
    (tmp_path / "dataset" / lost).unlink()
    assert_refused(fmdata("info", cwd=tmp_path), 1, lost, "fmdata verify")
    run = fmdata("verify", cwd=tmp_path)
    assert run.returncode == 1
    assert f"{lost}: missing" in run.stdout


def test_an_output_that_cannot_be_written_is_an_error(tmp_path: Path, raw_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for out in ("file", "file/below"):
        run = fmdata("build", "--subjects", raw_path, "--out", out, cwd=tmp_path)
        assert run.returncode in (1, 2)
        assert "Traceback" not in run.stderr
        assert "to do:" in run.stderr
    assert (tmp_path / "file").read_text() == "mine"


def test_json_for_scripts_is_json_whatever_a_name_holds(dataset_path: Path, tmp_path: Path) -> None:
    """A no-break space, a delete and a terminal's escape: nothing of them reaches a terminal."""
    path = tmp_path / "d\u00a0e\x7ff\x9b1m"
    shutil.copytree(dataset_path, path)
    run = fmdata("info", path.name, "--json", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["path"] == path.name
    assert "\x9b" not in run.stdout


@pytest.mark.parametrize("command", ["build", "synth-compound"])
def test_a_page_of_a_dataset_at_a_url_is_refused(tmp_path: Path, command: str) -> None:
    (tmp_path / "raw").mkdir()
    place = ["--out" if command == "build" else "--dataset", "memory://lab"]
    assert_refused(fmdata(command, *place, "--report", cwd=tmp_path), 2, "--report", "fmdata pull")
