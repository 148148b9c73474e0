"""The wheel holds all that a user needs: every module, the types, and the files of the report.

It is built offline of a copy of the files under version control, and used from an empty folder.
"""

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

from tests.helpers.datasets import make_up

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
ROOMS = ("catalog", "drawing", "pipeline", "report", "synth", "terminal", "train")
RUN = "import sys; from fmdata.cli import main; sys.argv[0] = 'fmdata'; main()"


def tracked() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel of the files under version control."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in tracked():
        copy = folder / "source" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, copy)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
               "--no-index", "--wheel-dir", folder, folder / "source"]  # fmt: skip
    subprocess.run(command, check=True, timeout=300)
    [made] = folder.glob("*.whl")
    return made


def test_it_holds_every_module_the_types_and_the_files_of_the_report(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    held = {name for name in names if name.startswith("fmdata/")}
    modules = {name for name in tracked() if name.endswith(".py") and name.startswith(ROOMS)}
    places = ("report/", "train/recipes/papers/")  # the page, and the papers' sizes
    page = {name for name in tracked() if name.startswith(places) and not name.endswith(".py")}
    assert len(page) >= 4 + 6
    assert held == {f"fmdata/{name}" for name in {*modules, *page, "py.typed", "cli.py"}}


def test_its_facts_are_those_of_the_project(wheel: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    with zipfile.ZipFile(wheel) as file:
        [name] = [name for name in file.namelist() if name.endswith("/METADATA")]
        facts = file.read(name).decode().splitlines()
    assert f"Version: {project['version']}" in facts
    assert "Classifier: Typing :: Typed" in facts
    wanted = {part.strip() for part in project["requires-python"].split(",")}
    [stated] = [line for line in facts if line.startswith("Requires-Python: ")]
    assert set(stated.removeprefix("Requires-Python: ").split(",")) == wanted


def test_a_report_is_written_from_it(wheel: Path, tmp_path: Path) -> None:
    """Nothing of the source is beside it: fmdata is found in the unpacked wheel alone."""
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    make_up(tmp_path / "dataset", ["s01"], k=0)
    where = "import fmdata.report.page as page; print(page.__file__)"
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "installed")}
    for code, wanted in ((where, "installed"), (RUN, "report.html")):
        run = subprocess.run(
            [sys.executable, "-P", "-c", code, *(["report", "dataset"] if code == RUN else [])],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert run.returncode == 0, run.stderr
        assert wanted in run.stdout
    page = (tmp_path / "dataset/report.html").read_text()
    assert (ROOT / "report/page.css").read_text()[:100] in page


def test_the_citation_names_this_version() -> None:
    """Its format 1.2.0 needs a message, a title and authors."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["cff-version"] == "1.2.0"
    assert (citation["version"], citation["license"]) == (project["version"], project["license"])
    for work in (citation, *citation["references"]):
        assert work["type"] in ("software", "article")
        assert all({"name"} == set(one) or "family-names" in one for one in work["authors"])
