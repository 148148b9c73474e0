"""Every command and code block of the documents runs as it stands.

Programs that a page names are run in the order of the page, in one folder, except those whose place
is elsewhere: `make` and the benches are checked to exist, Dask's lines are run in the tests of the
cluster (tests/pipeline/engine), and `torchrun` in those of training.
"""

import doctest
import importlib.util
import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.compute as pc
import pyarrow.dataset
import pytest

from fmdata.catalog import Dataset
from fmdata.pipeline.reading.decode import decode
from tests.helpers.command import TIMEOUT_S
from tests.helpers.documents import PAGES, ROOT, commands, python_blocks, queries, table_of
from tests.helpers.encoded import recording, write_video

README, FORMAT = ROOT / "README.md", ROOT / "docs/format.md"
RECIPES, TUTORIAL = ROOT / "docs/recipes.md", ROOT / "docs/tutorial.md"
LAYOUTS, HEADS = ROOT / "docs/layouts.md", ROOT / "docs/heads.md"
TOOLS = ROOT / "docs/tools.md"  # run by tests/test_tools.py
VERIFICATION = ROOT / "docs/verification.md"
DECIMAL = re.compile(r"\d+\.\d+")
# Fewer steps, and fewer recordings: appended, these win over what is set before them.
SHORTER = {
    "fmdata simulate raw": "--takes 2 --size 160",
    "fmdata simulate raw --cast heads": "--subjects 1 --actions smile --takes 1 --size 128",
    "fmdata train encoder": "--set epochs=1 --set steps=2 "
    "--set landmarks.epochs=1 --set landmarks.steps=2",
}

# Recordings under the names of a known data set, and under names that follow a pattern.
OTHER_LAYOUTS = {
    "RAVDESS/Actor_01/01-01-03-01-01-01-01.mp4": "s01/smile/01.mp4",
    "RAVDESS/Actor_01/01-01-08-01-01-01-01.mp4": "s01/brow_raise/01.mp4",
    "RAVDESS/Actor_02/01-01-03-01-01-01-02.mp4": "s02/smile/01.mp4",
    "clips/ann_smile_01.mp4": "s01/smile/02.mp4",
    "clips/bob_smile_01.mp4": "s02/smile/02.mp4",
}

# What an installation writes: processes that start others import it again.
SCRIPT = f"""#!{sys.executable}
from fmdata.cli import main
if __name__ == "__main__":
    main()
"""


class Close(doctest.OutputChecker):
    """Accepts decimal fractions within a tenth: the last digits depend on the processor."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        numbers = [[float(number) for number in DECIMAL.findall(text)] for text in (want, got)]
        want, got = (DECIMAL.sub("#", text) for text in (want, got))
        return super().check_output(want, got, optionflags) and all(
            math.isclose(*pair, rel_tol=0.1) for pair in zip(*numbers, strict=True)
        )


@pytest.mark.usefixtures("beside")
def test_the_first_example_of_the_readme_prints_what_it_shows(
    capsys: pytest.CaptureFixture[str],
) -> None:
    (example,) = [block for block in python_blocks(README) if ">>>" in block]
    test = doctest.DocTestParser().get_doctest(example, {}, "README.md", None, None)
    runner = doctest.DocTestRunner(Close(), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert test.examples
    assert runner.run(test).failed == 0, capsys.readouterr().out


@pytest.mark.parametrize("page", [p for p in PAGES if p != TOOLS], ids=lambda page: page.name)
@pytest.mark.usefixtures("beside")
def test_the_python_of_every_page_runs(page: Path) -> None:
    for block in python_blocks(page):
        if ">>>" not in block:
            exec(block, {})


@pytest.mark.usefixtures("beside")
def test_the_reader_of_the_format_page_reads_what_the_package_reads() -> None:
    names: dict[str, Any] = {}
    (reader,) = python_blocks(FORMAT)
    exec(reader, names)
    read = names["clips"]("dataset/actions")
    clips = list(Dataset("dataset").actions)
    for (row, frames, landmarks), clip in zip(read, clips, strict=True):
        assert row["key"] == clip.key
        assert (frames == clip.frames()).all()
        assert (landmarks == clip.landmarks).all()


@pytest.mark.usefixtures("beside")
def test_the_queries_of_the_format_page_answer_as_the_clips_do() -> None:
    """Frames in motion, and the largest intensity of each action: by Arrow, and by DuckDB."""
    largest: dict[str, float] = {}
    moving = 0
    for clip in Dataset("dataset").actions:
        moving += int((clip.intensity > 0.05).sum())
        largest[clip.action] = max(largest.get(clip.action, 0.0), float(clip.intensity.max()))
    frames = pyarrow.dataset.dataset(sorted(map(str, Path("dataset/actions").glob("*.frames.*"))))
    assert frames.count_rows(filter=pc.field("intensity") > 0.05) == moving > 0
    first, second, joined = queries(FORMAT)
    assert len(duckdb.sql(first).fetchall()) == moving
    assert dict(duckdb.sql(second).fetchall()) == pytest.approx(largest)
    # No label is in this dataset: the actions stand for one.
    both = [
        (clip.key, clip.row["first"], clip.row["second"]) for clip in Dataset("dataset").compounds
    ]
    assert sorted(duckdb.sql(joined.replace("label_emotion", "action")).fetchall()) == sorted(both)


@pytest.fixture
def folder(raw_path: Path, tmp_path: Path) -> Path:
    """Return a folder with recordings of three people, and what the pages say lies beside them."""
    for subject, name in {"s01": "s01", "s02": "ann", "s03": "cleo"}.items():
        for action in ("smile", "brow_raise"):
            for take in ("03.mp4", "04.mp4"):
                path = tmp_path / "work/raw" / name / action / take
                path.parent.mkdir(parents=True, exist_ok=True)
                os.link(raw_path / subject / action / take, path)
    (tmp_path / "work/other").symlink_to("dataset")
    (tmp_path / "work/overrides.csv").write_text("key,reject\ncleo-smile-03,yes\n")
    for name, source in OTHER_LAYOUTS.items():
        path = tmp_path / "work" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        os.link(raw_path / source, path)
    return tmp_path / "work"


@pytest.fixture
def session(raw_path: Path, folder: Path) -> Path:
    """Return a folder with the session of the recipes and its table, as the page shows it."""
    pictures = []
    for action, take in (("smile", "01"), ("smile", "02"), ("brow_raise", "01")):
        film = [frame.rgb for frame in decode(recording(raw_path / f"s01/{action}/{take}.mp4"))]
        pictures += film[:1] * (63 - len(film)) + film[:63]
    path = folder / "sessions/2024-05-02/cam1.mp4"
    path.parent.mkdir(parents=True)
    write_video(path, pictures[:1] * 37 + pictures)
    for name in ("takes.csv", "filled.csv"):
        (folder / name).write_text(table_of(RECIPES))
    (folder / "truth.csv").write_text("path,onset,offset\n2024-05-02/cam1.mp4,47,80\n")
    return folder


def run_page(page: Path, folder: Path) -> Iterator[tuple[str, str]]:
    """Run the shell's lines of a page; yield each with what it printed."""
    scripts = folder.parent / "bin"
    scripts.mkdir()
    script = scripts / "fmdata"
    script.write_text(SCRIPT)
    script.chmod(0o755)
    environment = os.environ | {"PATH": f"{scripts}:{os.environ['PATH']}"}
    for command in commands(page, ("fmdata", "openssl")):
        if "HOST" in command.text:
            continue
        line = _without_a_person(command.text)
        run = subprocess.run(
            ["bash", "-e", "-c", line], cwd=folder, env=environment, text=True, capture_output=True,
            timeout=TIMEOUT_S,
        )  # fmt: skip
        assert run.returncode == 0, f"{command}\n{run.stdout}{run.stderr}"
        yield command.text, run.stdout


def _without_a_person(line: str) -> str:
    """Return a command that asks nothing, needs no terminal or bucket, and trains little.

    Of a page's trainings that differ in their settings, only these are read.
    """
    line = line.replace("s3://bucket/", "copies/")
    if line.startswith("fmdata forget") and "--yes" not in line:
        return line + " --yes"
    if line.startswith("fmdata show") and "--save" not in line:
        return line + " --save shown.png"
    if line.startswith("fmdata train") and re.search("--set|--settings", line):
        return line + " --show"
    less = (options for start, options in SHORTER.items() if line.startswith(start))
    return " ".join([line, *less])


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_the_commands_of_the_readme_run_in_their_order(folder: Path) -> None:
    printed = dict(run_page(README, folder))
    assert "12 recordings: 12 clips, 0 dropped" in printed["fmdata build --subjects raw/"]
    assert "report.html" in printed["fmdata report"]
    assert Dataset(folder / "coded").card.recordings == 8  # of twelve, without those of `ann`
    assert (folder / "runs/encoder/metrics.json").exists()


@pytest.mark.long
def test_the_commands_of_the_recipes_run_in_their_order(session: Path) -> None:
    printed = dict(run_page(RECIPES, session))
    build = "fmdata build --subjects sessions/ --table takes.csv --out lab"
    assert "3 recordings: 3 clips" in printed[build]
    assert Dataset(session / "patterned").card.recordings == 2
    assert (session / "patterned/README.md").exists()  # each build introduces its dataset
    assert "faces@example.org" in (session / "lab/README.md").read_text()
    assert not any(b"ann" in path.read_bytes() for path in (session / "lab").rglob("*.parquet"))


@pytest.mark.long
def test_the_commands_of_the_layouts_run_in_their_order(folder: Path) -> None:
    printed = dict(run_page(LAYOUTS, folder))
    assert "3 recordings of RAVDESS" in printed["fmdata table ravdess RAVDESS"]
    build = "fmdata build --subjects RAVDESS --out ravdess"
    assert "3 recordings: 3 clips, 0 dropped" in printed[build]
    clips = Dataset(folder / "ravdess").actions
    assert {(clip.subject, clip.action) for clip in clips} == {
        ("Actor_01", "happy"),
        ("Actor_01", "surprised"),
        ("Actor_02", "happy"),
    }
    assert Dataset(folder / "lab").actions.subjects == ["ann", "bob"]


@pytest.mark.long
def test_the_commands_of_the_heads_run(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    assert len(dict(run_page(HEADS, tmp_path / "work"))) == 1
    assert len(list((tmp_path / "work/raw").rglob("*.mp4"))) == 1


@pytest.mark.long
def test_the_commands_of_the_tutorial_run_in_their_order(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "overrides.csv").write_text(table_of(TUTORIAL))
    printed = dict(run_page(TUTORIAL, folder))
    assert "12 recordings: 12 clips" in printed["fmdata build --subjects raw/"]
    assert "1 of them rejected" in printed["fmdata build --subjects raw/ --overrides overrides.csv"]
    for name in ("smile.png", "smile.gif", "compound.png", "runs/encoder/metrics.json"):
        assert (folder / name).stat().st_size > 0


@pytest.mark.long
def test_the_commands_of_the_verification_run_in_their_order(beside: Path) -> None:
    """A video becomes a vector in the tests of the embedder."""
    work = beside / "work"
    work.mkdir()
    (work / "dataset").symlink_to(beside / "dataset")
    printed = dict(run_page(VERIFICATION, work))
    assert "same person, other motion" in printed["fmdata evaluate runs/encoder"]
    assert (work / "runs/encoder/det.png").exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_targets_and_modules_that_a_page_names_exist(page: Path) -> None:
    """Targets of `make`, and modules of `python -m`."""
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for command in commands(page, ("make", "python")):
        words = command.text.split()
        if words[0] == "make":
            assert words[1] in targets, command
        else:
            assert words[1] == "-m", command
            assert importlib.util.find_spec(words[2]), command
