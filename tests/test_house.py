"""The house stands as STYLE draws it: imports go one way, every package is in the wheel."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Each may import those after it, and itself.
ROOMS = ["cli", "train", "synth", "pipeline", "catalog"]
# Library: the one place that may import it.
OWNERS = {
    "dask": "pipeline/engine/graph.py",
    "distributed": "pipeline/engine/graph.py",
    "typer": "cli/",
    "rich": "cli/",
    # The weights of FAN are torch's, and only torch can read them without running them.
    "torch": ("train/", "pipeline/landmarks/fan.py"),
    "face_alignment": "pipeline/landmarks/fan.py",
    "mediapipe": "pipeline/landmarks/mediapipe.py",
}


def modules() -> list[Path]:
    return [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module or ""


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_one_way(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    allowed = ROOMS[ROOMS.index(room) :]
    for name in imported(path):
        if name.startswith("fmdata."):
            assert name.split(".")[1] in allowed, f"{path} imports {name}"


@pytest.mark.parametrize("library", OWNERS)
def test_each_large_library_has_one_owner(library: str) -> None:
    users = {
        str(path.relative_to(ROOT))
        for path in modules()
        if any(name.split(".")[0] == library for name in imported(path))
    }
    assert users
    assert all(user.startswith(OWNERS[library]) for user in users), users


def test_nothing_is_read_that_could_run_code() -> None:
    """A dataset or a model from elsewhere is data, never a program; no archive is unpacked."""
    needed = {"np.load": ("allow_pickle", "False"), "torch.load": ("weights_only", "True")}
    for path in modules():
        for call in (n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)):
            name = ast.unparse(call.func)
            options = {(k.arg, ast.unparse(k.value)) for k in call.keywords}
            assert name not in ("eval", "exec", "pickle.load", "pickle.loads"), path
            assert name not in needed or needed[name] in options, path
            assert not name.endswith((".extract", ".extractall", "Unpickler")), path


def test_every_package_on_disk_is_listed_and_the_root_holds_no_module() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    on_disk = {
        ".".join(["fmdata", *folder.parent.relative_to(ROOT).parts])
        for room in ROOMS
        for folder in (ROOT / room).rglob("__init__.py")
    }
    assert set(listed) == on_disk | {"fmdata"}
    assert list(ROOT.glob("*.py")) == []


def test_only_the_command_line_prints() -> None:
    for path in modules():
        if path.parent == ROOT / "cli":
            continue
        calls = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
        printing = [c for c in calls if isinstance(c.func, ast.Name) and c.func.id == "print"]
        assert not printing, path
