"""The house stands as CONTRIBUTING.md draws it: rooms, imports one way, sizes, one error tree.

These tests read the source as text; they import the error classes and the command line alone.
"""

import ast
import inspect
import io
import re
import subprocess
import sys
import tokenize
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
import typer

from fmdata.catalog import errors
from fmdata.catalog.cards.statements import CardSettings
from fmdata.catalog.errors import FmdataError
from fmdata.cli import app
from fmdata.pipeline.reading.layouts.settings import TableSettings
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.report.settings import ReportSettings, ShowSettings
from fmdata.synth.settings import CompoundSettings
from fmdata.synth.simulator.settings import SimulateSettings
from fmdata.train.verification.settings import EvaluateSettings

ROOT = Path(__file__).parents[1]
# Each may import those after it, and itself.
ROOMS = ["cli.py", "terminal", "train", "report", "synth", "pipeline", "catalog", "drawing"]
# Inside pipeline/, each room may import those of its own floor and of the floors before it.
FLOORS = [
    {"geometry", "reading", "settings"},
    {"landmarks", "spotting", "cropping"},
    {"second_pass", "work"},
    {"stages"},
    {"engine"},
    {"build"},
]
# Library: the one place that may import it.
OWNERS = {
    "dask": ("pipeline/engine/cores.py", "pipeline/engine/crew.py", "pipeline/engine/run.py"),
    "distributed": "pipeline/engine/workers.py",
    "fsspec": "catalog/remote/store.py",
    "typer": ("cli.py", "terminal/commands.py"),
    "rich": "terminal/",
    "textual_image": "terminal/",
    "jinja2": "report/",
    # The weights of FAN are torch's, and only torch can read them without running them.
    "torch": ("train/", "pipeline/landmarks/fan.py"),
    "numba": "synth/simulator/heads/render/",
    "transformers": "train/networks/swin.py",
    "face_alignment": "pipeline/landmarks/fan.py",
    "mediapipe": "pipeline/landmarks/mediapipe.py",
    "openpyxl": "pipeline/reading/layouts/sheet.py",
    "ai_edge_litert": "pipeline/landmarks/litert/network.py",
}
MAX_FUNCTION_LINES, MAX_FILE_LINES, MAX_CLI_LINES = 40, 300, 450
MAX_MODULES = 12
OPTIONS = {
    "simulate": [SimulateSettings],
    "build": [BuildSettings, RunSettings],
    "table": [TableSettings],
    "spot": [BuildSettings, RunSettings],
    "synth-compound": [CompoundSettings],
    "card": [CardSettings],
    "report": [ReportSettings],
    "show": [ShowSettings],
    "demo": [RunSettings],
    "evaluate": [EvaluateSettings],
}
# One file a paper, and one a loss: these folders grow with what is published.
OPEN_ENDED = ("train/recipes", "train/losses")


@cache
def modules() -> tuple[Path, ...]:
    return tuple(path for room in ROOMS for path in _python_files(ROOT / room))


@cache
def checked_in(*suffixes: str) -> tuple[Path, ...]:
    """All text files of the project that a person reads, tests and benchmarks included."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    paths = (ROOT / line for line in listed.stdout.splitlines())
    return tuple(path for path in paths if path.suffix in suffixes and path.is_file())


def _python_files(room: Path) -> list[Path]:
    return [room] if room.is_file() else sorted(room.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module or ""
            # `from fmdata.train import distributed` imports a module, not a name.
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported_files(path: Path) -> set[Path]:
    """Return the project's own files that a module imports."""
    found = set()
    for name in imported(path):
        if name.startswith("fmdata."):
            place = ROOT.joinpath(*name.split(".")[1:])
            found |= {p for p in (place.with_suffix(".py"), place / "__init__.py") if p.exists()}
    return found - {path}


def functions(path: Path) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef):
            yield node


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_imports_go_one_way(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    allowed = ROOMS[ROOMS.index(room) :]
    for file in imported_files(path):
        assert file.relative_to(ROOT).parts[0] in allowed, f"{path} imports {file}"


def test_training_and_the_report_do_not_know_each_other() -> None:
    for path in modules():
        if path.relative_to(ROOT).parts[0] == "train":
            others = {file.relative_to(ROOT).parts[0] for file in imported_files(path)}
            assert not others & {"report", "terminal"}, path


def floor_of(path: Path) -> int | None:
    """Return the floor of a module of pipeline/; None outside, and for pipeline/__init__.py."""
    parts = path.relative_to(ROOT).parts
    room = parts[1].removesuffix(".py") if parts[0] == "pipeline" else "__init__"
    return next((i for i, rooms in enumerate(FLOORS) if room in rooms), None)


def test_no_import_inside_pipeline_goes_up() -> None:
    for path in modules():
        floor = floor_of(path)
        for file in imported_files(path):
            other = floor_of(file)
            if floor is not None and other is not None:
                assert other <= floor, f"{name_of(path)} imports {name_of(file)}"


def test_every_room_of_pipeline_has_a_floor() -> None:
    rooms = {path.name.removesuffix(".py") for path in (ROOT / "pipeline").iterdir()}
    assert rooms - {"__init__", "__pycache__"} == set().union(*FLOORS)


def test_no_modules_import_one_another_in_a_circle() -> None:
    """Nor do rooms: what one room of pipeline/ takes from another never comes back to it."""
    TopologicalSorter({path: imported_files(path) for path in modules()}).prepare()
    rooms: dict[str, set[str]] = {}
    for path in modules():
        if floor_of(path) is not None:
            room = path.relative_to(ROOT).parts[1]
            others = (f for f in imported_files(path) if floor_of(f) is not None)
            rooms.setdefault(room, set()).update(f.relative_to(ROOT).parts[1] for f in others)
    TopologicalSorter({room: others - {room} for room, others in rooms.items()}).prepare()


@pytest.mark.parametrize("library", OWNERS)
def test_each_large_library_has_one_owner(library: str) -> None:
    users = {
        name_of(path)
        for path in (checked_in(".py") if library in ("typer", "rich") else modules())
        if path.relative_to(ROOT).parts[0] != "tests"
        if any(name.split(".")[0] == library for name in imported(path))
    }
    assert users
    assert all(user.startswith(OWNERS[library]) for user in users), users


def test_nothing_is_read_that_could_run_code() -> None:
    """A dataset or a model from elsewhere is data, never a program; no archive is unpacked."""
    needed = {"np.load": ("allow_pickle", "False"), "torch.load": ("weights_only", "True")}
    for path in modules():
        for call in (n for n in ast.walk(tree_of(path)) if isinstance(n, ast.Call)):
            name = ast.unparse(call.func)
            options = {(k.arg, ast.unparse(k.value)) for k in call.keywords}
            assert name not in ("eval", "exec", "pickle.load", "pickle.loads"), path
            assert name not in needed or needed[name] in options, path
            assert not name.endswith((".extract", ".extractall", "Unpickler")), path


def test_every_package_on_disk_is_listed_and_cli_is_the_only_root_module() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    on_disk = {
        ".".join(["fmdata", *path.parent.relative_to(ROOT).parts])
        for path in modules()
        if path.name == "__init__.py"
    }
    assert set(listed) == on_disk | {"fmdata"}
    assert [path.name for path in ROOT.glob("*.py")] == ["cli.py"]
    for path in modules():
        assert path.name == "cli.py" or (path.parent / "__init__.py").exists(), path


def test_only_the_command_line_prints() -> None:
    for path in modules():
        if path.name == "cli.py":
            continue
        calls = [n for n in ast.walk(tree_of(path)) if isinstance(n, ast.Call)]
        printing = [c for c in calls if isinstance(c.func, ast.Name) and c.func.id == "print"]
        assert not printing, path


def test_no_room_is_a_heap() -> None:
    entries = [p for p in (ROOT / "pipeline").iterdir() if p.name != "__pycache__"]
    assert len(entries) <= MAX_MODULES, entries
    files = Counter(
        name_of(path.parent)
        for path in checked_in(".py")
        if path.name != "__init__.py" and path.relative_to(ROOT).parts[0] != "tests"
    )
    heaps = {f: n for f, n in files.items() if n > MAX_MODULES and f not in OPEN_ENDED}
    assert heaps == {}


def test_functions_and_files_are_short() -> None:
    long = []
    for path in checked_in(".py"):
        if path.relative_to(ROOT).parts[0] == "tests":
            continue
        most = MAX_CLI_LINES if path == ROOT / "cli.py" else MAX_FILE_LINES
        if (n := len(path.read_text().splitlines())) > most:
            long.append(f"{name_of(path)}: {n} lines")
        for node in functions(path):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            n = (node.end_lineno or first) - first + 1
            if n > MAX_FUNCTION_LINES:
                long.append(f"{name_of(path)}:{first} {node.name}: {n} lines")
    assert long == []


def drawn_tree() -> dict[str, str]:
    """Return the parent of each class in the drawing at the top of errors.py."""
    doc = inspect.getdoc(errors) or ""
    parents, path = {}, []
    for line in doc.splitlines():
        if match := re.match(r"^([\s│├└─]*)([A-Z]\w+Error)\b", line):
            depth = len(match[1].replace("    ", "", 1)) // 4 if match[1].strip() else 0
            path = [*path[:depth], match[2]]
            if depth:
                parents[match[2]] = path[depth - 1]
    return parents


def test_the_error_tree_is_as_drawn() -> None:
    classes = dict(inspect.getmembers(errors, inspect.isclass))
    actual = {
        name: cls.__base__.__name__
        for name, cls in classes.items()
        if issubclass(cls, FmdataError) and cls is not FmdataError
    }
    assert drawn_tree() == actual


def test_no_error_for_users_is_declared_elsewhere() -> None:
    """Other exceptions stay inside the module that raises them, or inside its room."""
    strays = [
        f"{name_of(path)}: {node.name}"
        for path in modules()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ClassDef) and path != ROOT / "catalog/errors.py"
        if any(ast.unparse(base) in errors.__dict__ for base in node.bases)
    ]
    assert strays == []


def docstrings(path: Path) -> Iterator[tuple[int, str]]:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree_of(path)):
        if isinstance(node, kinds) and (doc := ast.get_docstring(node)):
            yield getattr(node, "lineno", 1), doc


def test_no_docstring_begins_with_a_question_word() -> None:
    question = re.compile(r"(What|How|Whether|Whom?|Whose|Where|Which)\b")
    found = [
        f"{name_of(path)}:{line}: {doc.splitlines()[0]}"
        for path in checked_in(".py")
        for line, doc in docstrings(path)
        if question.match(doc)
    ]
    assert found == []


# Words of a dialect that nobody has to learn any more; spelt apart, so that this file is read too.
DIALECT = re.compile(
    r"\b(" + "|".join(["to" + "ld", "te" + "lls?", "men" + "d(?:ed|s|ing)?", "who" + "ever",
    "com" + "es? to", "cam" + "e to", "cannot be h" + "ad", "gon" + "e on", "tak" + "en up"])
    + r")\b", re.IGNORECASE,
)  # fmt: skip


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Comments, strings and names of a Python file; the lines of any other."""
    if path.suffix != ".py":
        yield from enumerate(path.read_text().splitlines(), 1)
        return
    for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
        if token.type in (tokenize.COMMENT, tokenize.STRING):
            yield token.start[0], token.string
        elif token.type == tokenize.NAME and not hasattr(io.IOBase, token.string):
            yield token.start[0], token.string.replace("_", " ")


def test_the_words_are_plain() -> None:
    found = [
        f"{name_of(path)}:{line}: {match[0]}"
        for path in checked_in(".py", ".md", ".toml", ".txt")
        for line, text in texts(path)
        for match in DIALECT.finditer(text)
    ]
    assert found == []


def test_least_and_most_are_min_and_max() -> None:
    old = [
        f"{name_of(path)}:{line}: {text}"
        for path in modules()
        for line, text in texts(path)
        if re.fullmatch(r"_?(LEAST|MOST)( [A-Z0-9]+)*", text.strip())
    ]
    assert old == []


def test_settings_are_made_by_name() -> None:
    """No settings object is made with more than three positional arguments."""
    found = [
        f"{name_of(path)}:{node.lineno}"
        for path in checked_in(".py")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Settings")
        if len(node.args) > 3
    ]
    assert found == []


def test_no_help_of_an_option_stands_in_two_places() -> None:
    """Help texts are literals of at least four words passed as `help`; recipes have no options."""
    helps = Counter(
        keyword.value.value
        for path in modules()
        if path.relative_to(ROOT).parts[0] != "train"
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "help" and isinstance(keyword.value, ast.Constant)
    )
    assert len(helps) > 40
    assert {text: n for text, n in helps.items() if n > 1 and len(text.split()) > 3} == {}


def test_an_option_has_the_default_of_its_field() -> None:
    for name, kinds in OPTIONS.items():
        command = typer.main.get_command(app).commands[name]
        shown = {parameter.name: parameter.default for parameter in command.params}
        fields = [f for kind in kinds for f in kind.options() if f.name in shown]
        assert fields
        for f in fields:
            default = str(f.default) if f.metadata.get("parse") else f.default
            assert shown[f.name] == default, (name, f.name)


def test_help_needs_nothing_heavy() -> None:
    """Of what `fmdata --help` imports nothing is a library of numbers, tables or video."""
    code = (
        "import sys\nfrom fmdata.cli import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
        "print([m for m in ('numpy', 'pyarrow', 'av', 'cv2', 'torch', 'dask') if m in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert run.stdout.splitlines()[-1] == "[]"
