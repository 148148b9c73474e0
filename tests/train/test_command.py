"""`fmdata train` and `fmdata evaluate` as a user runs them, in a process of their own."""

import json
from pathlib import Path

import pytest

from tests.helpers.command import fmdata

pytestmark = pytest.mark.slow

TINY = """
epochs = 1
steps = 2
[landmarks]
size = 32
width = 0.125
frames = 4
epochs = 1
steps = 2
batch = 16
[sequence]
layers = 1
"""


def test_a_run_uses_the_settings_of_its_file_and_command_line(
    drawn_dataset: Path, tmp_path: Path
) -> None:
    """--show prints a settings file; --set overrides the file; the run records its settings."""
    (tmp_path / "tiny.toml").write_text(TINY)
    options = ["--settings", "tiny.toml", "--set", "seed=5"]
    shown = fmdata("train", "encoder", *options, "--show", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "\nsteps = 2\n" in shown.stdout
    assert "seed = 5\n" in shown.stdout
    assert sorted(p.name for p in tmp_path.iterdir()) == ["tiny.toml"]
    (tmp_path / "all.toml").write_text(shown.stdout)

    run = fmdata(
        "train", "encoder", "--dataset", drawn_dataset, "--settings", "all.toml", "--evaluate",
        cwd=tmp_path,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert "average precision" in run.stdout
    out = tmp_path / "runs" / "encoder"
    assert json.loads((out / "settings.json").read_text())["seed"] == 5
    assert json.loads((out / "metrics.json").read_text())["finished"]
    figures = {path.name for path in out.glob("*.png")}
    drawn = ("curves", "precision_recall", "tsne", "roc", "det", "enrolment", "calibration")
    assert figures == {f"{name}.png" for name in drawn}

    again = fmdata("evaluate", "runs/encoder", "--dataset", drawn_dataset, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    line = next(line for line in run.stdout.splitlines() if "average precision" in line)
    assert line in again.stdout


@pytest.mark.long
def test_a_dataset_at_a_url_is_trained_on_and_measured_as_its_folder_is(
    drawn_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two runs, one on the folder and one on its URL, all numbers are equal."""
    monkeypatch.setenv("FMDATA_CACHE", str(tmp_path / "cache"))
    numbers = []
    for out, place in (("here", str(drawn_dataset)), ("there", drawn_dataset.as_uri())):
        options = ["--dataset", place, "--set", "epochs=1", "--set", "steps=2", "--out", out]
        run = fmdata("train", "landmarks", *options, "--set", "size=32", cwd=tmp_path)
        assert run.returncode == 0, run.stderr
        measured = fmdata("evaluate", out, "--dataset", place, cwd=tmp_path)
        assert measured.returncode == 0, measured.stderr
        numbers.append(json.loads((tmp_path / out / "metrics.json").read_text()))
        numbers[-1]["evaluation"] = json.loads((tmp_path / out / "evaluation.json").read_text())
        assert numbers[-1]["evaluation"].pop("dataset") == place
    assert numbers[0] == numbers[1]


def test_the_sizes_of_a_paper_are_shown_and_changed(tmp_path: Path) -> None:
    options = ["--settings", "paper", "--set", "batch=7", "--show"]
    shown = fmdata("train", "smate", *options, cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "\nwidth = 768\n" in shown.stdout
    assert "\nbatch = 7\n" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["train", "resnet"], "no recipe 'resnet'"),
        (["train", "encoder", "--set", "epochs=0"], "epochs = 0"),
        (["train", "encoder", "--set", "epoch=3"], "unknown settings: epoch"),
        (["train", "encoder", "--settings", "none.toml"], "none.toml"),
        (["train", "encoder", "--dataset", "nowhere"], "nowhere"),
        (["evaluate", "nowhere"], "nowhere"),
    ],
)
def test_an_invalid_command_gets_one_message(
    tmp_path: Path, arguments: list[str], word: str
) -> None:
    run = fmdata(*arguments, cwd=tmp_path)
    assert run.returncode in (1, 2)
    assert run.stderr.count("fmdata:") == 1
    for part in (word, "wanted:", "where:", "to do:"):
        assert part in run.stderr, run.stderr
    assert list(tmp_path.iterdir()) == []
