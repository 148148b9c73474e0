"""Commands: options derived from settings, a dataset's folder, quietness, and the end by Ctrl-C.

An option of an :class:`~fmdata.catalog.settings.Options` class is declared in that class alone;
:func:`command` derives it. All long commands are alike: they show their progress by one meter and
print one summary, ``--quiet`` shows errors only, and Ctrl-C ends with a word on how to go on.
"""

import functools
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import Field
from pathlib import Path
from typing import Annotated, Any

import typer

from fmdata.catalog.errors import UsageError
from fmdata.catalog.printable import printable, printable_lines
from fmdata.catalog.progress import SILENT, Progress
from fmdata.catalog.settings import Options, described, option_name
from fmdata.terminal.meter import Meter

app = typer.Typer(
    help="Folders of face videos to training-ready datasets of facial motion.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain help: importing rich costs as much again as all the rest
    pretty_exceptions_enable=False,
)
DATASET = Path("dataset")
_QUIET: ContextVar[bool] = ContextVar("quiet", default=False)
_IS_INSIDE: ContextVar[bool] = ContextVar("inside", default=False)  # of a command, as of the demo
_QUIET_OPTION = inspect.Parameter(
    "quiet",
    inspect.Parameter.KEYWORD_ONLY,
    default=False,
    annotation=Annotated[
        bool, typer.Option("--quiet", "-q", help="Show errors only: no progress, no summary.")
    ],
)


def command(
    *kinds: type[Options],
    dataset: bool = False,
    url: bool = False,
    only: Container[str] | None = None,
    name: str | None = None,
    stopped: str | None = None,
) -> Callable[[Any], Any]:
    """Register a function as a command, with options derived from some settings classes.

    The function takes an object of each class first, in order, and with `dataset` the dataset's
    folder before them, which a user gives as an argument or by ``--dataset``; with `url` it may be
    at a URL. `only` names the fields that are options of this command; all others keep their
    defaults. `name` is the command's, by default the function's. A long command has `stopped`: what
    the same command does after Ctrl-C, as its last words say. It takes ``--quiet``.
    """
    options = {k: [f for f in k.options() if only is None or f.name in only] for k in kinds}

    def register(run: Callable[..., None]) -> Callable[..., None]:
        own = list(inspect.signature(run).parameters.values())[len(kinds) + dataset :]

        @functools.wraps(run)
        def called(**values: Any) -> None:
            before: list[Any] = [_dataset_of(values, url)] if dataset else []
            for kind, chosen in options.items():
                before.append(kind(**{f.name: _parsed(f, values.pop(f.name)) for f in chosen}))
            with _stoppable(stopped, values.pop("quiet", False)):
                run(*before, **values)

        parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
        parameters += _folder_parameters() if dataset else []
        parameters += [_parameter(f) for chosen in options.values() for f in chosen]
        parameters += [_QUIET_OPTION] if stopped else []
        called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        called.__annotations__ = {p.name: p.annotation for p in parameters}
        app.command(name)(called)
        return called

    return register


@contextmanager
def _stoppable(stopped: str | None, quiet: bool) -> Iterator[None]:
    """Let a command be quiet, and say after Ctrl-C how to go on."""
    before, is_inside = _QUIET.set(quiet or _QUIET.get()), _IS_INSIDE.set(True)
    try:
        yield
    except KeyboardInterrupt:
        if stopped and is_inside.old_value is not True and is_first_process():
            typer.echo(f"fmdata: stopped; the same command {stopped}", err=True)
        raise
    finally:
        _QUIET.reset(before)
        _IS_INSIDE.reset(is_inside)


def _parameter(f: "Field[Any]") -> inspect.Parameter:
    """Return the command's parameter for a field of an Options class."""
    explicit = [option_name(f)] if f.metadata.get("option") else []
    parsed = f.metadata.get("parse") is not None
    return inspect.Parameter(
        f.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=str(f.default) if parsed else f.default,
        annotation=Annotated[str if parsed else f.type, typer.Option(*explicit, help=described(f))],
    )


def _parsed(f: "Field[Any]", value: Any) -> Any:
    """Return an option's value as its field holds it."""
    parse = f.metadata.get("parse")
    return parse(value) if parse else value


def _folder_parameters() -> list[inspect.Parameter]:
    """Return the two parameters by which a command takes a dataset's folder."""
    argument = typer.Argument(metavar="DATASET", help="Dataset folder.", show_default=str(DATASET))
    option = typer.Option("--dataset", help="The same, as an option.")
    keyword = inspect.Parameter.KEYWORD_ONLY
    return [
        inspect.Parameter(name, keyword, default=None, annotation=Annotated[str | None, how])
        for name, how in (("folder", argument), ("dataset", option))
    ]


def _dataset_of(values: dict[str, Any], url: bool) -> Path | str:
    """Take the dataset out of a command's values; only with `url` a URL is one."""
    folder = _chosen_folder(values.pop("folder"), values.pop("dataset"))
    return place_of(folder) if url else Path(folder)


def _chosen_folder(argument: str | None, option: str | None) -> str:
    if argument and option and argument != option:
        raise UsageError(
            f"two dataset folders, {argument} and --dataset {option}",
            wanted="one of the two",
            where="--dataset",
            todo="leave out one of them",
        )
    return argument or option or str(DATASET)


def show(result: object) -> None:
    """Print a result; nothing that a name holds can control the terminal."""
    typer.echo(printable_lines(str(result)))


def summary(result: object) -> None:
    """Print the result of a long command, unless it is quiet."""
    if not _QUIET.get():
        show(result)


def is_first_process() -> bool:
    """Return whether this is the only process, or the first of those that torchrun started."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def progress() -> Iterator[Progress]:
    """Yield a meter; a silent one with --quiet, and in all but the first of several processes."""
    if _QUIET.get() or not is_first_process():
        yield SILENT
        return
    with Meter() as meter:
        yield meter


def confirm(question: str) -> None:
    """Ask a person, and go on only after a yes."""
    if not sys.stdin.isatty():
        raise UsageError(
            f"nobody to ask: {question}",
            wanted="a terminal to answer on, or --yes",
            where="--yes",
            todo="give --yes if that is what you mean; nothing was changed",
        )
    typer.confirm(printable(question), abort=True, err=True)


def place_of(text: str) -> Path | str:
    """Return a folder, or a URL as it is."""
    from fmdata.catalog.storage.place import is_url

    return text if is_url(text) else Path(text)


def require_folder_for_report(place: Path | str, with_report: bool) -> None:
    """Raise UsageError where a page is asked for of a dataset at a URL."""
    if with_report and isinstance(place, str):
        raise UsageError(
            f"--report of a dataset at {place}",
            wanted="a folder, in which the page is written",
            where="--report",
            todo="`fmdata pull` the dataset, then `fmdata report`",
        )


def require_torch() -> None:
    """Raise UsageError where the training extra is not installed."""
    if importlib.util.find_spec("torch") is None:
        raise UsageError(
            "training needs the package torch, which is not installed",
            wanted="fmdata with its training extra",
            where="this Python environment",
            todo="pip install 'fmdata[train]'",
        )
