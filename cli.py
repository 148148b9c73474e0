"""The command line: parse, call, show. Nothing else prints, nothing else knows typer.

An option of an :class:`~fmdata.catalog.settings.Options` class is declared in that class alone;
:func:`command` derives it. Results print themselves: a command shows ``str()`` of what it got.
Everything heavy is imported inside the command that needs it.
"""

import functools
import importlib.util
import inspect
import json
import os
import sys
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from dataclasses import Field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fmdata.catalog.errors import FmdataError, UsageError
from fmdata.catalog.printable import PrintableStream, printable, printable_lines
from fmdata.catalog.progress import SILENT, Progress
from fmdata.catalog.settings import Options, described, option_name
from fmdata.catalog.storage.files import owner_writes
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.report.settings import ReportSettings
from fmdata.synth.settings import CompoundSettings, SynthesisSettings
from fmdata.synth.simulator.settings import SimulateSettings
from fmdata.terminal.meter import Meter

if TYPE_CHECKING:
    from fmdata.catalog.privacy.pseudonyms import Pseudonyms

app = typer.Typer(
    help="Folders of face videos to training-ready datasets of facial motion.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain help: importing rich costs as much again as all the rest
    pretty_exceptions_enable=False,
)
DATASET = Path("dataset")
ReportOption = Annotated[
    bool, typer.Option("--report", help="Write report.html into the dataset at the end.")
]
KeyOption = Annotated[
    Path | None,
    typer.Option(metavar="KEYFILE", help="Secret key: subjects are stored as keyed digests."),
]


def command(
    *kinds: type[Options], dataset: bool = False, only: Container[str] | None = None
) -> Callable[[Any], Any]:
    """Register a function as a command, with options derived from some settings classes.

    The function takes an object of each class first, in order, and with `dataset` the dataset's
    folder before them, which a user gives as an argument or by ``--dataset``. `only` names the
    fields that are options of this command; all others keep their defaults.
    """
    options = {
        kind: [f for f in kind.options() if only is None or f.name in only] for kind in kinds
    }

    def register(run: Callable[..., None]) -> Callable[..., None]:
        own = list(inspect.signature(run).parameters.values())[len(kinds) + dataset :]

        @functools.wraps(run)
        def called(**values: Any) -> None:
            before: list[Any] = []
            if dataset:
                before.append(_chosen_folder(values.pop("folder"), values.pop("dataset")))
            for kind in kinds:
                given = {f.name: _parsed(f, values.pop(f.name)) for f in options[kind]}
                before.append(kind(**given))
            run(*before, **values)

        parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
        parameters += _folder_parameters() if dataset else []
        parameters += [_parameter(f) for kind in kinds for f in options[kind]]
        called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        called.__annotations__ = {p.name: p.annotation for p in parameters}
        app.command()(called)
        return called

    return register


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
        inspect.Parameter(name, keyword, default=None, annotation=Annotated[Path | None, how])
        for name, how in (("folder", argument), ("dataset", option))
    ]


def _chosen_folder(argument: Path | None, option: Path | None) -> Path:
    if argument and option and argument != option:
        raise UsageError(
            f"two dataset folders, {argument} and --dataset {option}",
            wanted="one of the two",
            where="--dataset",
            todo="leave out one of them",
        )
    return argument or option or DATASET


@command(SimulateSettings)
def simulate(
    settings: SimulateSettings,
    raw: Annotated[Path, typer.Argument(help="Folder to fill.")],
) -> None:
    """Make recordings with exactly known onset, apex and offset."""
    from fmdata.synth.simulator.simulate import simulate

    with Meter("starts anew") as meter:
        simulated = simulate(raw, settings, meter)
    show(simulated)


@command(BuildSettings, RunSettings)
def build(
    settings: BuildSettings,
    how: RunSettings,
    subjects: Annotated[Path, typer.Option(help="Folder of recordings.")] = Path("raw"),
    out: Annotated[Path, typer.Option(help="Dataset folder.")] = DATASET,
    table: Annotated[
        Path | None, typer.Option(help="CSV table of recordings, for other layouts.")
    ] = None,
    overrides: Annotated[
        Path | None,
        typer.Option(help="Table of a review, as the page of `fmdata report` saves it."),
    ] = None,
    pseudonyms: KeyOption = None,
    strict: Annotated[bool, typer.Option(help="Exit with 1 if anything was dropped.")] = False,
    with_report: ReportOption = False,
) -> None:
    """Turn a folder of recordings into a dataset of clips (D1)."""
    from fmdata.pipeline.build import build
    from fmdata.pipeline.work.review.override import read_overrides

    key = _read_key(pseudonyms, out)
    review = read_overrides(overrides) if overrides else None
    with Meter("resumes from here") as meter:
        built = build(subjects, out, settings, how, table=table, pseudonyms=key, overrides=review,
                      progress=meter)  # fmt: skip
    show(built)
    if built.clips == 0:
        fail(f"nothing could be built: all {built.recordings} recordings were dropped")
    if with_report:
        _report(out)
    if strict and built.dropped:
        fail(f"--strict: {len(built.dropped)} recordings were dropped")


@command(CompoundSettings, SynthesisSettings, dataset=True)
def synth_compound(
    dataset: Path,
    settings: CompoundSettings,
    how: SynthesisSettings,
    with_report: ReportOption = False,
) -> None:
    """Splice all N² two-action compounds of each subject (D2)."""
    from fmdata.pipeline.engine.cores import n_processes
    from fmdata.synth.compounds import synth_compounds

    with Meter("resumes from here") as meter:
        made = synth_compounds(dataset, settings, meter, workers=n_processes(how.workers))
    show(made)
    if with_report:
        _report(dataset)


@command(dataset=True)
def train(
    dataset: Path,
    recipe: Annotated[str, typer.Argument(help="landmarks, encoder, subclips, smate, rrl or pcl.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Run folder.  [default: runs/RECIPE]")
    ] = None,
    settings: Annotated[
        Path | None, typer.Option(help="Settings file: TOML as --show prints, or a run's JSON.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="One setting, name=value; may be repeated.")
    ] = None,
    evaluate: Annotated[bool, typer.Option("--evaluate", help="`fmdata evaluate` too.")] = False,
    folds: Annotated[bool, typer.Option("--folds", help="Train per fold: OUT/fold-N.")] = False,
    show_settings: Annotated[
        bool, typer.Option("--show", help="Print the settings as TOML, and train nothing.")
    ] = False,
) -> None:
    """Train a published system on the shards, and measure it."""
    require_torch()
    from fmdata.train import run as runs
    from fmdata.train.recipes import settings_of

    chosen = settings_of(recipe, settings, set_ or [])
    if show_settings:
        show(chosen.to_toml().rstrip("\n"))
        return
    folder = out or Path("runs") / recipe
    with _meter_of_first_process() as meter:
        run = runs.cross_validate if folds else runs.train
        report = run(recipe, dataset, folder, chosen, meter)
    if not _is_first_process():
        return
    show(report)
    if evaluate:
        for one in sorted(folder.glob("fold-*")) if folds else [folder]:
            show(runs.evaluate(one, dataset))


@command(dataset=True)
def evaluate(
    dataset: Path,
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
) -> None:
    """Measure a finished run on subjects it has not seen."""
    require_torch()
    from fmdata.train.run import evaluate

    show(evaluate(run, dataset))


@command(dataset=True)
def verify(
    dataset: Path,
    deep: Annotated[bool, typer.Option("--deep", help="Decode every frame as well.")] = False,
) -> None:
    """Check every checksum, count, row, segment and fold."""
    from fmdata.catalog.verify.dataset import verify

    findings = verify(dataset, deep=deep)
    for finding in findings:
        show(finding)
    if errors := [finding for finding in findings if not finding.is_note]:
        fail(f"{len(errors)} findings in {dataset}")
    show(f"{dataset} matches its card")


@command(dataset=True)
def forget(
    dataset: Path,
    subject: Annotated[str, typer.Argument(help="Subject, as named in the raw folder.")],
    pseudonyms: KeyOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove a subject from every file of a dataset."""
    from fmdata.catalog.privacy.forget import forget

    if not yes:
        confirm(f"remove {subject} from {dataset} for good?")
    key = _read_key(pseudonyms, dataset)
    forgotten = forget(dataset, key.subject(subject) if key else subject)
    show(f"{subject} is removed from {dataset}: {forgotten}")
    if forgotten.left:
        fail(f"{subject} is still found in {len(forgotten.left)} places")


@command(dataset=True)
def info(
    dataset: Path,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
) -> None:
    """Summarise a dataset."""
    from fmdata.catalog import Dataset
    from fmdata.catalog.summary import summarise

    summary = summarise(Dataset(dataset))
    if as_json:  # JSON has escapes of its own, which those of show() would break
        typer.echo(json.dumps(summary.to_json(), indent=2).replace("\x7f", "\\u007f"))
    else:
        show(summary)


@command(ReportSettings, dataset=True)
def report(
    dataset: Path,
    settings: ReportSettings,
    out: Annotated[
        Path | None, typer.Option(help="File to write.  [default: DATASET/report.html]")
    ] = None,
) -> None:
    """Write one page that shows a dataset, for any browser, without a network."""
    _report(dataset, settings, out)


@command(RunSettings, only=("workers",))
def demo(
    how: RunSettings,
    out: Annotated[Path, typer.Option(help="Folder for everything.")] = Path("demo"),
) -> None:
    """Simulate, build, synthesise, train, summarise and report."""
    raw, dataset = str(out / "raw"), str(out / "dataset")
    workers = [] if how.workers is None else ["--workers", str(how.workers)]
    for arguments in (
        ["simulate", raw],
        ["build", "--subjects", raw, "--out", dataset, *workers],
        ["synth-compound", dataset],
        ["train", "encoder", dataset, "--out", str(out / "run")],
        ["info", dataset],
        ["report", dataset],
    ):
        if code := app(arguments, standalone_mode=False):
            raise typer.Exit(code)


def show(result: object) -> None:
    """Print a result; nothing that a name holds can control the terminal."""
    typer.echo(printable_lines(str(result)))


def fail(message: str) -> None:
    """Print a message to the error stream and end with exit code 1."""
    typer.echo(printable_lines(message), err=True)
    raise typer.Exit(1)


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


def require_torch() -> None:
    """Raise UsageError where the training extra is not installed."""
    if importlib.util.find_spec("torch") is None:
        raise UsageError(
            "training needs the package torch, which is not installed",
            wanted="fmdata with its training extra",
            where="this Python environment",
            todo="pip install 'fmdata[train]'",
        )


def _read_key(key_file: Path | None, dataset: Path) -> "Pseudonyms | None":
    from fmdata.catalog.privacy.pseudonyms import Pseudonyms

    return Pseudonyms.from_file(key_file, dataset) if key_file else None


def _report(dataset: Path, settings: ReportSettings | None = None, out: Path | None = None) -> None:
    from fmdata.report.page import write_report

    show(write_report(dataset, settings or ReportSettings(), out))


def _is_first_process() -> bool:
    """Return whether this is the only process, or the first of those that torchrun started."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def _meter_of_first_process() -> Iterator[Progress]:
    """Yield a meter, or a silent one in any other than the first of several processes."""
    if not _is_first_process():
        yield SILENT
        return
    with Meter("resumes from the last checkpoint") as meter:
        yield meter


def main() -> None:
    """Run the command line; a user's mistake is a message and an exit code, never a traceback."""
    sys.stdout, sys.stderr = (PrintableStream(s) for s in (sys.stdout, sys.stderr))
    try:
        with owner_writes():
            app()
    except FmdataError as error:
        typer.echo(printable_lines(f"fmdata: {error}"), err=True)
        sys.exit(error.exit_code)
    except OSError as error:
        # A full disk, or a folder that may not be written: an error of the machine.
        lines = (
            f"fmdata: {error.strerror or error}",
            "  wanted: a place to read and write",
            f"  where:  {error.filename or 'this machine'}",
            "  to do:  correct that, then run the same command again",
        )
        typer.echo(printable_lines("\n".join(lines)), err=True)
        sys.exit(1)
