"""The command line: parse, call, show. Nothing else prints.

Results print themselves: a command shows ``str()`` of what it got. `terminal/commands.py` derives
the options and makes long commands alike. Everything heavy is imported inside the command that
needs it.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fmdata.catalog.cards.statements import CardSettings
from fmdata.catalog.errors import FmdataError
from fmdata.catalog.printable import PrintableStream, printable_lines
from fmdata.catalog.storage.files import owner_writes
from fmdata.pipeline.reading.layouts.settings import LAYOUTS, TableSettings
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.report.settings import ReportSettings, ShowSettings
from fmdata.synth.settings import CompoundSettings, SynthesisSettings
from fmdata.synth.simulator.settings import SimulateSettings
from fmdata.terminal.commands import (
    DATASET,
    app,
    command,
    confirm,
    is_first_process,
    place_of,
    progress,
    require_folder_for_report,
    require_torch,
    show,
    summary,
)
from fmdata.train.verification.settings import EvaluateSettings

if TYPE_CHECKING:
    from fmdata.catalog.privacy.pseudonyms import Pseudonyms

ReportOption = Annotated[
    bool, typer.Option("--report", help="Write report.html into the dataset at the end.")
]
ReplaceOption = Annotated[
    bool, typer.Option("--replace", help="Replace another dataset that is in its place.")
]
KeyOption = Annotated[
    Path | None,
    typer.Option(metavar="KEYFILE", help="Secret key: subjects are stored as keyed digests."),
]


@command(SimulateSettings, stopped="starts anew")
def simulate(
    settings: SimulateSettings,
    raw: Annotated[Path, typer.Argument(help="Folder to fill.")],
) -> None:
    """Make recordings with exactly known onset, apex and offset."""
    from fmdata.synth.simulator.simulate import simulate

    with progress() as meter:
        simulated = simulate(raw, settings, meter)
    summary(simulated)


@command(BuildSettings, RunSettings, stopped="resumes from here")
def build(
    settings: BuildSettings,
    how: RunSettings,
    subjects: Annotated[str, typer.Option(help="Folder of recordings, or its URL.")] = "raw",
    out: Annotated[str, typer.Option(help="Dataset folder, or its URL.")] = str(DATASET),
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

    raw, place = place_of(subjects), place_of(out)
    require_folder_for_report(place, with_report)
    key = _read_key(pseudonyms, Path(out))
    review = read_overrides(overrides) if overrides else None
    with progress() as meter:
        built = build(raw, place, settings, how, table=table, pseudonyms=key, overrides=review,
                      progress=meter)  # fmt: skip
    summary(built)
    if built.clips == 0:
        fail(f"nothing could be built: all {built.recordings} recordings were dropped")
    _describe(place, with_report)
    if strict and built.dropped:
        fail(f"--strict: {len(built.dropped)} recordings were dropped")


@command(TableSettings, stopped="starts anew")
def table(
    settings: TableSettings,
    layout: Annotated[str, typer.Argument(help=f"{LAYOUTS}.")],
    folder: Annotated[Path, typer.Argument(help="Folder into which the set was unpacked.")],
    out: Annotated[
        Path | None, typer.Option(help="Table to write.  [default: FOLDER/recordings.csv]")
    ] = None,
) -> None:
    """Write the table of a known data set: its subjects, actions, labels and boundaries."""
    from fmdata.pipeline.reading.layouts.table import write_table

    summary(write_table(layout, folder, settings, out))


@command(
    BuildSettings, RunSettings, stopped="resumes from here",
    only=("landmarks", "device", "max_frames", "person", "workers", "model", "time_limit_s",
          "follow_links"),
)  # fmt: skip
def spot(
    settings: BuildSettings,
    how: RunSettings,
    raw: Annotated[Path, typer.Argument(metavar="VIDEO|FOLDER", help="Long recordings.")],
    out: Annotated[Path, typer.Option(help="Table to write.")] = Path("motions.csv"),
    megc: Annotated[
        Path | None, typer.Option(help="Write the intervals as MEGC asks for them, too.")
    ] = None,
    sheets: Annotated[
        bool, typer.Option(help="Write a page with pictures of each motion beside the table.")
    ] = True,
) -> None:
    """Find every motion of long recordings, as the rows of a table."""
    from fmdata.pipeline.engine.sessions.folder import spot_folder

    chosen = replace(settings.for_sessions(), sheets=sheets)
    with progress() as meter:
        spotted = spot_folder(raw, out, chosen, how, megc=megc, progress=meter)
    summary(spotted)


@command()
def score(
    found: Annotated[Path, typer.Argument(help="Table of spotted motions, or MEGC's.")],
    truth: Annotated[Path, typer.Argument(help="Table of true motions, or MEGC's.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """Compare spotted motions with true ones, as MEGC does (IoU of at least 0.5)."""
    from fmdata.pipeline.reading.intervals.score import score_tables

    result = score_tables(found, truth)
    if as_json:
        typer.echo(json.dumps(result.to_json(), indent=2))
    else:
        show(result)


@command(CompoundSettings, SynthesisSettings, dataset=True, url=True, stopped="resumes from here")
def synth_compound(
    dataset: Path | str,
    settings: CompoundSettings,
    how: SynthesisSettings,
    with_report: ReportOption = False,
) -> None:
    """Splice all N² two-action compounds of each subject (D2)."""
    from fmdata.pipeline.engine.cores import n_processes
    from fmdata.synth.compounds import synth_compounds

    require_folder_for_report(dataset, with_report)
    n = n_processes(how.workers)
    with progress() as meter:
        made = synth_compounds(dataset, settings, meter, workers=n, scheduler=how.scheduler)
    summary(made)
    _describe(dataset, with_report)


@command(dataset=True, url=True, stopped="resumes from the last checkpoint")
def train(
    dataset: Path | str,
    recipe: Annotated[str, typer.Argument(help="landmarks, encoder, subclips, smate, rrl or pcl.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Run folder.  [default: runs/RECIPE]")
    ] = None,
    settings: Annotated[
        Path | None, typer.Option(help="Settings: TOML, a run's JSON, or `paper`: its sizes.")
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
    with progress() as meter:
        run = runs.cross_validate if folds else runs.train
        report = run(recipe, dataset, folder, chosen, meter)
    if not is_first_process():
        return
    summary(report)
    if evaluate:
        for one in sorted(folder.glob("fold-*")) if folds else [folder]:
            with progress() as meter:
                measured = runs.evaluate(one, dataset, meter)
            summary(measured)


@command(EvaluateSettings, dataset=True, url=True, stopped="starts anew")
def evaluate(
    dataset: Path | str,
    settings: EvaluateSettings,
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
) -> None:
    """Measure a finished run on subjects it has not seen."""
    require_torch()
    from fmdata.train.run import evaluate

    with progress() as meter:
        measured = evaluate(run, dataset, meter, settings)
    summary(measured)


@command(dataset=True, stopped="starts anew; nothing was changed")
def verify(
    dataset: Path,
    deep: Annotated[bool, typer.Option("--deep", help="Decode every frame as well.")] = False,
) -> None:
    """Check every checksum, count, row, segment and fold."""
    from fmdata.catalog.verify.dataset import verify

    with progress() as meter:
        findings = verify(dataset, deep=deep, progress=meter)
    for finding in findings:
        (summary if finding.is_note else show)(finding)
    if errors := [finding for finding in findings if not finding.is_note]:
        fail(f"{len(errors)} findings in {dataset}")
    summary(f"{dataset} matches its card")


@command(dataset=True, stopped="completes the removal")
def forget(
    dataset: Path,
    subject: Annotated[str, typer.Argument(help="Subject, as named in the raw folder.")],
    pseudonyms: KeyOption = None,
    at: Annotated[
        str | None, typer.Option(metavar="URL", help="Remove it from this pushed copy, too.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove a subject from every file of a dataset."""
    from fmdata.catalog.remote.withdraw import withdraw

    if not yes:
        confirm(f"remove {subject} from {dataset}{' and its copy' if at else ''} for good?")
    key = _read_key(pseudonyms, dataset)
    with progress() as meter:
        gone = withdraw(dataset, key.subject(subject) if key else subject, at, meter)
    say = show if gone.left or gone.copies else summary
    say(f"{subject} is removed from {dataset}: {gone}")
    if gone.left:  # perhaps in a statement, which the introduction would repeat
        fail(f"{subject} is, or may be, in {len(gone.left)} places")
    if (dataset / "fmdata.json").exists():  # else there was unfinished work alone
        _describe(dataset, with_report=False)


@command(dataset=True, stopped="resumes from here")
def push(
    dataset: Path,
    url: Annotated[str, typer.Argument(help="Place of the copy, such as s3://bucket/lab.")],
    replace: ReplaceOption = False,
) -> None:
    """Copy a dataset to a URL, or bring the copy there up to date."""
    from fmdata.catalog.remote.push import push

    with progress() as meter:
        pushed = push(dataset, url, replace=replace, progress=meter)
    summary(pushed)


@command(dataset=True, stopped="resumes from here")
def pull(
    dataset: Path,
    url: Annotated[str, typer.Argument(help="Place of a dataset that was pushed.")],
    replace: ReplaceOption = False,
) -> None:
    """Copy a dataset from a URL, or bring the copy here up to date."""
    from fmdata.catalog.remote.pull import pull

    with progress() as meter:
        pulled = pull(url, dataset, replace=replace, progress=meter)
    summary(pulled)
    _describe(dataset, with_report=False)


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


@command(ReportSettings, dataset=True, stopped="starts anew")
def report(
    dataset: Path,
    settings: ReportSettings,
    out: Annotated[
        Path | None, typer.Option(help="File to write.  [default: DATASET/report.html]")
    ] = None,
) -> None:
    """Write one page that shows a dataset, for any browser, without a network."""
    _report(dataset, settings, out)


@command(CardSettings, dataset=True)
def card(dataset: Path, settings: CardSettings) -> None:
    """Describe a dataset to other tools: README.md, croissant.json and .nv-meta."""
    from fmdata.catalog.cards.write import introduce

    show(introduce(dataset, settings))


@command(ShowSettings, dataset=True, name="show", stopped="starts anew")
def show_clip(
    dataset: Path,
    settings: ShowSettings,
    key: Annotated[str, typer.Argument(help="Key of a clip or a compound.")],
    save: Annotated[
        Path | None, typer.Option(help="File to write: .png is a strip, .gif and .mp4 move.")
    ] = None,
) -> None:
    """Show one clip or compound with its curve, in the terminal or as a picture to save."""
    from fmdata.catalog import Dataset
    from fmdata.drawing.small import draw_small
    from fmdata.drawing.strip import Look, draw_strip
    from fmdata.report.show import find_scene
    from fmdata.report.show import save as save_picture
    from fmdata.terminal.picture import show_picture

    scene = find_scene(Dataset(dataset), key)
    if save:
        with progress() as meter:
            saved = save_picture(scene, save, settings, meter)
        summary(saved)
        return
    look = Look(settings.landmarks, settings.lbp)
    show_picture(
        lambda width: draw_strip(scene, settings.width or width, settings.frames, look),
        lambda width: draw_small(scene, width),
        printable_lines(scene.caption),
    )


@command(RunSettings, only=("workers",), stopped="simulates again and resumes the rest")
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
        ["card", dataset, "--origin", "simulated"],
        ["train", "encoder", dataset, "--out", str(out / "run")],
        ["info", dataset],
        ["report", dataset],
    ):
        if (code := app(arguments, standalone_mode=False)) == 130:
            raise KeyboardInterrupt
        if code:
            raise typer.Exit(code)


def fail(message: str) -> None:
    """Print a message to the error stream and end with exit code 1."""
    typer.echo(printable_lines(message), err=True)
    raise typer.Exit(1)


def _read_key(key_file: Path | None, dataset: Path) -> "Pseudonyms | None":
    from fmdata.catalog.privacy.pseudonyms import Pseudonyms

    return Pseudonyms.from_file(key_file, dataset) if key_file else None


def _report(dataset: Path, settings: ReportSettings | None = None, out: Path | None = None) -> None:
    from fmdata.report.page import write_report

    with progress() as meter:
        written = write_report(dataset, settings or ReportSettings(), out, meter)
    summary(written)


def _describe(dataset: Path | str, with_report: bool) -> None:
    """Describe a dataset that may have changed: to other tools and, if asked for, on a page."""
    if isinstance(dataset, str):  # at a URL: `fmdata pull` describes it
        return
    from fmdata.catalog.cards.write import introduce

    introduce(dataset)
    if with_report:
        _report(dataset)


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
