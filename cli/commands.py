"""The commands: parse, call, show. No logic lives here."""

import importlib.util
import json
import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from fmdata.catalog.errors import FmdataError, UsageError
from fmdata.catalog.printable import shown
from fmdata.catalog.storage.files import owner_writes
from fmdata.cli.console import err, out
from fmdata.cli.meter import BuildMeter, Meter
from fmdata.cli.show import new_table, show_built, show_numbers, show_summary

app = typer.Typer(
    help="Folders of face videos to training-ready datasets of facial motion.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


DatasetOption = Annotated[Path, typer.Option("--dataset", help="The dataset's folder.")]
WorkersOption = Annotated[
    int | None,
    typer.Option(help="Processes to build with, by default one a core; 0: this very process."),
]
PseudonymsOption = Annotated[
    Path | None,
    typer.Option(metavar="KEYFILE", help="File of a key: subjects become keyed digests."),
]


@app.command()
def simulate(
    raw: Annotated[Path, typer.Argument(help="Folder to fill.")],
    subjects: Annotated[int, typer.Option(help="Number of subjects.")] = 3,
    actions: Annotated[
        str, typer.Option(help="Actions of each subject: how many, or which (smile,wink_left).")
    ] = "3",
    takes: Annotated[int, typer.Option(help="Takes of each action.")] = 4,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    portraits: Annotated[
        Path | None, typer.Option(help="Folder of portraits to animate, one a subject.")
    ] = None,
    fps: Annotated[float, typer.Option(help="Frames per second.")] = 25.0,
    size: Annotated[int, typer.Option(help="Width and height of the video, in pixels.")] = 320,
    style: Annotated[str, typer.Option(help="return, hold or both.")] = "both",
    amplitude: Annotated[float, typer.Option(help="Size of the motions; 0: none.")] = 1.0,
    head: Annotated[str, typer.Option(help="Head motion: still, mild or strong.")] = "mild",
    blinks: Annotated[bool, typer.Option(help="Let the subjects blink.")] = True,
    noise: Annotated[float, typer.Option(help="Sensor noise, in grey levels.")] = 1.5,
    blur: Annotated[float, typer.Option(help="Blur of the lens, in pixels.")] = 0.0,
    flash: Annotated[bool, typer.Option(help="Motions of three to five frames.")] = False,
    lead: Annotated[bool, typer.Option(help="Begin with neutral frames.")] = True,
    varied: Annotated[
        bool, typer.Option("--varied", help="Vary size, tempo and head from take to take.")
    ] = False,
    crf: Annotated[int, typer.Option(help="x264 quality, 0 (lossless) to 51.")] = 20,
) -> None:
    """Make recordings whose onset, apex and offset are known exactly (RAW/truth.csv)."""
    from fmdata.synth.simulator.settings import SimulateSettings, parse_actions

    settings = SimulateSettings(
        subjects, parse_actions(actions), takes, seed, portraits, fps, size, style, amplitude,
        head, blinks, noise, blur, flash, lead, varied, crf,
    )  # fmt: skip
    truths = _simulate(raw, settings)
    out.print(f"{len(truths)} recordings in {raw}, their truth in {raw / 'truth.csv'}")


@app.command()
def build(
    subjects: Annotated[Path, typer.Option(help="Folder of recordings.")] = Path("raw"),
    out_: Annotated[Path, typer.Option("--out", help="The dataset's folder.")] = Path("dataset"),
    table: Annotated[
        Path | None, typer.Option(help="Table of the recordings, for other layouts.")
    ] = None,
    workers: WorkersOption = None,
    scheduler: Annotated[
        str | None,
        typer.Option(help="Address of a running Dask scheduler to use in place of --workers."),
    ] = None,
    size: Annotated[int, typer.Option(help="Width and height of a crop, in pixels.")] = 112,
    landmarks: Annotated[
        str, typer.Option(help="Landmark backend: mediapipe or fan.")
    ] = "mediapipe",
    model: Annotated[
        Path | None, typer.Option(help="The landmark network's weights, or their folder.")
    ] = None,
    lbp: Annotated[bool, typer.Option(help="Store LBP maps.")] = True,
    jpeg_quality: Annotated[int, typer.Option(help="Quality of the crops' JPEGs.")] = 95,
    min_detected: Annotated[
        float, typer.Option(help="Share of frames that must show the face.")
    ] = 0.9,
    max_pose_range: Annotated[
        float | None,
        typer.Option(help="Keep only clips whose head turns by no more than so many degrees."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the folds.")] = 0,
    shard_mb: Annotated[int, typer.Option(help="Megabytes in a tar, about.")] = 256,
    pseudonyms: PseudonymsOption = None,
    time_limit: Annotated[
        float, typer.Option(help="Seconds that a recording may take for any hundred frames.")
    ] = 600.0,
    retry_dropped: Annotated[
        bool, typer.Option(help="Try again what the last build dropped, and nothing else.")
    ] = False,
    follow_links: Annotated[
        bool, typer.Option(help="Follow links that lead out of the folder of recordings.")
    ] = False,
    strict: Annotated[bool, typer.Option(help="Exit with 1 if anything was dropped.")] = False,
) -> None:
    """Turn a folder of recordings into a dataset of single actions (D1)."""
    from fmdata.pipeline.settings import BuildSettings

    settings = BuildSettings(
        size, landmarks, lbp, jpeg_quality, min_detected, seed, shard_mb, max_pose_range
    )
    built, rate = _build(
        subjects, out_, settings, table=table, workers=workers, scheduler=scheduler, model=model,
        pseudonyms=_pseudonyms(pseudonyms, out_),
        time_limit_s=time_limit, retry_dropped=retry_dropped,
        follow_links=follow_links,
    )  # fmt: skip
    show_built(built, out_, rate)
    if built.card.actions.samples == 0:
        err.print(f"nothing could be built: all {built.card.recordings} recordings were dropped")
        raise typer.Exit(1)
    if strict and built.dropped:
        err.print(f"--strict: {len(built.dropped)} recordings were dropped")
        raise typer.Exit(1)


@app.command("synth-compound")
def synth_compound(
    dataset: DatasetOption = Path("dataset"),
    k: Annotated[int, typer.Option("--k", help="Copies of each compound.")] = 5,
    seed: Annotated[int, typer.Option(help="Seed of every draw.")] = 0,
    shard_mb: Annotated[int, typer.Option(help="Megabytes in a tar, about.")] = 256,
) -> None:
    """Splice all N² two-action compounds of each subject (D1 to D2)."""
    from fmdata.synth.settings import CompoundSettings

    made = _synth(dataset, CompoundSettings(k, seed, shard_mb))
    part = made.card.compounds
    state = "already there" if made.reused else "made"
    out.print(f"{part.samples} compounds {state} in {dataset / 'compounds'}")
    for note in part.notes:
        out.print(shown(f"  {note}"))


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(help="landmarks, encoder, subclips, smate, rrl or pcl.")],
    dataset: DatasetOption = Path("dataset"),
    out_: Annotated[
        Path | None, typer.Option("--out", help="Folder of the run.  [default: runs/RECIPE]")
    ] = None,
    settings: Annotated[
        Path | None, typer.Option(help="File of settings, TOML as --show prints or a run's JSON.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="One setting, name=value; may be repeated.")
    ] = None,
    evaluate: Annotated[
        bool, typer.Option("--evaluate", help="Draw curves and maps of what was reached, too.")
    ] = False,
    folds: Annotated[
        bool, typer.Option("--folds", help="Train once a fold, that fold held out, in OUT/fold-N.")
    ] = False,
    show: Annotated[
        bool, typer.Option("--show", help="Print the settings as TOML, and train nothing.")
    ] = False,
) -> None:
    """Train a published system on the shards, and measure it on held-out subjects."""
    _require_torch()
    from fmdata.catalog.settings import read_settings
    from fmdata.train.recipes import recipe_named

    kind = recipe_named(recipe).Settings
    chosen = kind.from_json(read_settings(settings) if settings else {}).replaced(set_ or [])
    if show:
        typer.echo(chosen.to_toml(), nl=False)
        return
    run = out_ or Path("runs") / recipe
    if folds:
        numbers = _train(recipe, dataset, run, chosen, folds=True)
    else:
        numbers = _train(recipe, dataset, run, chosen).evaluation.numbers
    if not _first_process():
        return
    show_numbers(f"{recipe}, on held-out subjects", numbers, run)
    for one in sorted(run.glob("fold-*")) if folds else [run]:
        if evaluate:
            _evaluate(one, dataset)


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    dataset: DatasetOption = Path("dataset"),
) -> None:
    """Measure a finished run on the subjects it was not trained on, in numbers and pictures."""
    _require_torch()
    show_numbers(f"{run}, on unseen subjects", _evaluate(run, dataset), run)


@app.command()
def verify(
    dataset: DatasetOption = Path("dataset"),
    deep: Annotated[bool, typer.Option("--deep", help="Decode every frame as well.")] = False,
) -> None:
    """Check every checksum, count, row, segment and fold; say what is wrong and where."""
    from fmdata.catalog.verify.dataset import verify as check

    findings = check(dataset, deep=deep)
    for finding in findings:
        out.print(str(finding))
    if findings:
        err.print(f"{len(findings)} findings in {dataset}")
        raise typer.Exit(1)
    out.print(f"{dataset} is what its card says")


@app.command()
def forget(
    subject: Annotated[str, typer.Argument(help="Who; as named in the raw folder.")],
    dataset: DatasetOption = Path("dataset"),
    pseudonyms: PseudonymsOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Take a subject out of every file of a dataset, for good, and look for what is left."""
    from fmdata.catalog.privacy.forget import forget as run

    if not yes:
        _ask(f"take {subject} out of {dataset} for good?")
    keyed = _pseudonyms(pseudonyms, dataset)
    done = run(dataset, keyed.subject(subject) if keyed else subject)
    out.print(
        f"{subject} is out of {dataset}: {done.clips} clips, {done.compounds} compounds, "
        f"{done.dropped} dropped recordings, {done.units} pieces of unfinished work"
    )
    out.print(f"  {done.rewritten} of {done.shards} shards had to be written anew")
    for finding in done.left:
        out.print(str(finding))
    if done.left:
        err.print(f"{subject} is still to be found in {len(done.left)} places")
        raise typer.Exit(1)
    out.print(f"  no trace of {done.frames} JPEGs and LBP maps is left in any file of {dataset}")
    out.print(
        "  a build brings back whoever is in the raw folder: take the recordings out there too"
    )
    out.print(
        f"  what lies outside {dataset} is as it was: models, features and pictures of runs that "
        "were trained with this subject are to be deleted by you"
    )


@app.command()
def info(
    dataset: DatasetOption = Path("dataset"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
) -> None:
    """Summarise a dataset."""
    from fmdata.catalog import Dataset
    from fmdata.catalog.summary import summarise

    summary = summarise(Dataset(dataset))
    if as_json:
        print(json.dumps(summary.to_json(), indent=2, ensure_ascii=False))  # noqa: T201
        return
    show_summary(summary, dataset)


@app.command()
def demo(
    folder: Annotated[Path, typer.Option("--out", help="Folder for all of it.")] = Path("demo"),
    workers: WorkersOption = None,
) -> None:
    """Simulate, build, synthesise and train, in one go."""
    from fmdata.catalog import Dataset
    from fmdata.catalog.summary import summarise
    from fmdata.pipeline.settings import BuildSettings
    from fmdata.synth.settings import CompoundSettings
    from fmdata.synth.simulator.simulate import SimulateSettings

    raw, dataset, run = folder / "raw", folder / "dataset", folder / "run"
    _simulate(raw, SimulateSettings())
    _, rate = _build(raw, dataset, BuildSettings(), workers=workers)
    _synth(dataset, CompoundSettings())
    _require_torch()
    from fmdata.train.recipes.encoder import EncoderSettings

    numbers = _train("encoder", dataset, run, EncoderSettings()).evaluation.numbers
    summary = summarise(Dataset(dataset))
    table = new_table("fmdata demo")
    table.add_row("clips", f"{summary.clips} of {summary.subjects} subjects, in {dataset}/actions")
    table.add_row("compounds", f"{summary.compounds}, in {dataset}/compounds")
    table.add_row("dropped", f"{summary.dropped}, listed in {dataset}/dropped.parquet")
    table.add_row("frames/s", f"{rate:.0f}" if rate else "the dataset was there already")
    table.add_row(
        "AP",
        f"{numbers['average_precision']:.3f} on {numbers['n_pairs']} pairs of held-out subjects "
        f"(chance {numbers['chance']:.3f}), in {run}/metrics.json",
    )
    table.add_row("recordings", f"in {raw}, their truth in {raw}/truth.csv")
    out.print(table)


def _pseudonyms(key_file: Path | None, dataset: Path) -> Any:
    from fmdata.catalog.privacy.pseudonyms import Pseudonyms

    return Pseudonyms.from_file(key_file, dataset) if key_file else None


def _ask(question: str) -> None:
    """Go on only with a person's yes."""
    if not sys.stdin.isatty():
        raise UsageError(
            f"nobody to ask: {question}",
            wanted="a terminal to answer on, or --yes",
            where="--yes",
            todo="give --yes if that is what you mean; nothing was changed",
        )
    typer.confirm(question, abort=True, err=True)


def _simulate(raw: Path, settings: Any) -> Any:
    from fmdata.synth.simulator.simulate import simulate as run

    with Meter("simulate", "recordings") as meter:
        meter.start(settings.n_recordings)
        return run(raw, settings, lambda _: meter.to(meter.done + 1))


def _build(raw: Path, dataset: Path, settings: Any, **options: Any) -> tuple[Any, float]:
    """Build; return what came of it, and frames a second (0 where nothing was to be done)."""
    from fmdata.pipeline.build import build as run

    with Meter("build", "recordings", "goes on from here") as meter:
        built = run(raw, dataset, settings, progress=BuildMeter(meter), **options)
        return built, built.frames / meter.seconds


def _synth(dataset: Path, settings: Any) -> Any:
    from fmdata.synth.compounds import synth_compounds

    with Meter("synth-compound", "compounds") as meter:
        return synth_compounds(
            dataset,
            settings,
            on_start=meter.start,
            on_sample=lambda: meter.to(meter.done + 1),
        )


def _require_torch() -> None:
    if importlib.util.find_spec("torch") is None:
        raise UsageError(
            "training needs the package torch, which is not installed",
            wanted="fmdata with its training extra",
            where="this Python environment",
            todo="pip install 'fmdata[train]'",
        )


def _first_process() -> bool:
    """Whether this is the only process, or the first of those that `torchrun` has started."""
    return os.environ.get("RANK", "0") == "0"


def _train(recipe: str, dataset: Path, run: Path, settings: Any, *, folds: bool = False) -> Any:
    from fmdata.train.loop import silent
    from fmdata.train.run import cross_validate, train

    how = cross_validate if folds else train
    if not _first_process():
        return how(recipe, dataset, run, settings, silent)
    with ExitStack() as stack:
        meter: Meter | None = None

        def show(progress: Any) -> None:
            nonlocal meter
            what = f"train: {progress.phase}"
            if meter is None or meter.what != what:
                stack.close()
                meter = stack.enter_context(Meter(what, "steps"))
                meter.start(progress.total)
            note = "  ".join(f"{name} {value:.3f}" for name, value in progress.measures.items())
            meter.to(progress.done, note)

        return how(recipe, dataset, run, settings, show)


def _evaluate(run: Path, dataset: Path) -> Any:
    from fmdata.train.keeper import EVALUATION
    from fmdata.train.run import evaluate

    numbers = evaluate(run, dataset).numbers
    pictures = ", ".join(sorted(path.name for path in run.glob("*.png")))
    out.print(shown(f"pictures in {run}: {pictures}; numbers in {run / EVALUATION}"))
    return numbers


def main() -> None:
    """Run the command line; a user's mistake is a message and an exit code, never a traceback."""
    try:
        with owner_writes():
            app()
    except FmdataError as fault:
        err.print(f"fmdata: {fault}")
        sys.exit(fault.exit_code)
    except OSError as fault:
        # A full disk, a folder that may not be written: the machine's fault, told as one.
        place = fault.filename or "this machine"
        err.print(f"fmdata: {fault.strerror or fault}\n  wanted: a place to read and write")
        err.print(f"  where:  {place}\n  to do:  mend it, then run the same command again")
        sys.exit(1)
