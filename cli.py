"""The command line: parse, call, show. No logic lives here, and nothing else prints."""

import importlib.util
import json
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from fmdata.catalog.errors import FmdataError, UsageError
from fmdata.catalog.files import owner_writes
from fmdata.catalog.names import shown, shown_lines

app = typer.Typer(
    help="Folders of face videos to training-ready datasets of facial motion.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class SafeConsole(Console):
    """Prints names of people's own choosing: nothing in them is markup, or obeyed by a terminal."""

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, soft_wrap=True, markup=False, **options)

    def print(self, *objects: Any, **options: Any) -> None:
        """Print, with all in a text that is not printable, but line breaks, escaped."""
        safe = (shown_lines(one) if isinstance(one, str) else one for one in objects)
        super().print(*safe, **options)


out, err = SafeConsole(), SafeConsole(stderr=True)

DatasetOption = Annotated[Path, typer.Option("--dataset", help="The dataset's folder.")]
WorkersOption = Annotated[
    int | None,
    typer.Option(help="Processes to build with, by default one a core; 0: this very process."),
]
PseudonymsOption = Annotated[
    Path | None,
    typer.Option(metavar="KEYFILE", help="File of a key: subjects become keyed digests."),
]


class Meter:
    """Shows how far a job has come: a live bar on a terminal, a line now and then elsewhere."""

    SECONDS_BETWEEN_LINES = 5.0

    def __init__(self, what: str, unit: str, after_stop: str = "starts anew") -> None:
        self.what, self.unit, self.after_stop = what, unit, after_stop
        self.total = self.done = self.done_before = 0
        self.note = ""
        self.began = self.line_at = time.monotonic()
        self.bar = Progress(
            TextColumn(what),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn(f"{unit}  {{task.fields[note]}}"),
            TimeRemainingColumn(),
            console=err,
            disable=not err.is_terminal,
        )
        self.task = self.bar.add_task(what, total=None, note="")

    def __enter__(self) -> "Meter":
        self.bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.bar.stop()
        if kind is KeyboardInterrupt:
            err.print(f"fmdata: stopped; the same command {self.after_stop}")

    @property
    def seconds(self) -> float:
        """Time since the job began."""
        return time.monotonic() - self.began

    def start(self, total: int, done: int = 0) -> None:
        """Take up a job of `total` pieces, `done` of them done already."""
        self.total = total
        self.done = self.done_before = done
        self.began = self.line_at = time.monotonic()
        self.bar.update(self.task, total=total, completed=done)

    def to(self, done: int, note: str = "") -> None:
        """Show that `done` pieces are done."""
        self.done, self.note = done, note
        self.bar.update(self.task, completed=done, note=note)
        now = time.monotonic()
        last = done == self.total
        if not err.is_terminal and (last or now - self.line_at > self.SECONDS_BETWEEN_LINES):
            self.line_at = now
            left = (self.total - done) * self.seconds / max(done - self.done_before, 1)
            line = f"{self.what}: {done}/{self.total} {self.unit}  {note}".rstrip()
            err.print(line if last else f"{line}  {left:.0f} s left")


class BuildMeter:
    """Tells a build's progress: recordings done, frames a second, time left, dropped so far."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self.frames = self.dropped = 0

    def started(self, recordings: int, done: int) -> None:
        """Begin."""
        self.meter.start(recordings, done)

    def outcome(self, outcome: Any) -> None:
        """Count one more recording."""
        self.frames += outcome.n_frames
        self.dropped += outcome.dropped is not None
        rate = self.frames / max(self.meter.seconds, 1e-9)
        self.meter.to(self.meter.done + 1, f"{rate:.0f} frames/s  {self.dropped} dropped")


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
    from fmdata.synth.simulator.script import SimulateSettings, parse_actions

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
    _show_built(built, out_, rate)
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
        Path | None, typer.Option(help="TOML file of settings, such as --show prints.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="One setting, name=value; may be repeated.")
    ] = None,
    evaluate: Annotated[
        bool, typer.Option("--evaluate", help="Draw curves and maps of what was reached, too.")
    ] = False,
    show: Annotated[
        bool, typer.Option("--show", help="Print the settings as TOML, and train nothing.")
    ] = False,
) -> None:
    """Train a published system on the shards, and measure it on held-out subjects."""
    _require_torch()
    from fmdata.train.recipes import recipe_named
    from fmdata.train.settings import read_settings

    kind = recipe_named(recipe).Settings
    chosen = kind.from_json(read_settings(settings) if settings else {}).replaced(set_ or [])
    if show:
        typer.echo(chosen.to_toml(), nl=False)
        return
    run = out_ or Path("runs") / recipe
    report = _train(recipe, dataset, run, chosen)
    _show_numbers(f"{recipe}, on held-out subjects", report.evaluation.numbers, run)
    if evaluate:
        _evaluate(run, dataset)


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    dataset: DatasetOption = Path("dataset"),
) -> None:
    """Measure a finished run on the subjects it was not trained on, in numbers and pictures."""
    _require_torch()
    _show_numbers(f"{run}, on unseen subjects", _evaluate(run, dataset), run)


@app.command()
def verify(
    dataset: DatasetOption = Path("dataset"),
    deep: Annotated[bool, typer.Option("--deep", help="Decode every frame as well.")] = False,
) -> None:
    """Check every checksum, count, row, segment and fold; say what is wrong and where."""
    from fmdata.catalog.verify import verify as check

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
    from fmdata.catalog.forget import forget as run

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
    _show_summary(summary, dataset)


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
    table = _table("fmdata demo")
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
    from fmdata.catalog.pseudonyms import Pseudonyms

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


def _train(recipe: str, dataset: Path, run: Path, settings: Any) -> Any:
    from fmdata.train.run import train

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

        return train(recipe, dataset, run, settings, show)


def _evaluate(run: Path, dataset: Path) -> Any:
    from fmdata.train.run import EVALUATION, evaluate

    numbers = evaluate(run, dataset).numbers
    pictures = ", ".join(sorted(path.name for path in run.glob("*.png")))
    out.print(shown(f"pictures in {run}: {pictures}; numbers in {run / EVALUATION}"))
    return numbers


def _table(title: str) -> Table:
    table = Table(title=Text(title), show_header=False, title_justify="left", title_style="bold")
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    return table


def _show_built(built: Any, dataset: Path, rate: float) -> None:
    card = built.card
    out.print(
        f"{card.recordings} recordings: {card.actions.samples} clips, {len(built.dropped)} dropped"
        + (f", {built.reused} of them done before" if built.reused else "")
        + (f"; {rate:.0f} frames/s" if built.frames else "")
    )
    if built.gone:
        out.print(f"  {built.gone} clips of the earlier build are no longer in it")
    if built.motionless:
        some = ", ".join(built.motionless[:5]) + (", …" if len(built.motionless) > 5 else "")
        out.print(f"  no motion was found in {len(built.motionless)} of the clips: {some}")
    for left_out in built.dropped[:20]:
        source = built.sources.get(left_out.source, left_out.source)
        line = f"  dropped {source} ({left_out.stage}, {left_out.reason}): "
        out.print(shown(line + left_out.detail))
    if len(built.dropped) > 20:
        out.print(f"  and {len(built.dropped) - 20} more")
    if built.dropped:
        out.print(f"  all that was dropped, and why: {dataset / 'dropped.parquet'}")
    out.print(f"dataset in {dataset}")


def _show_numbers(title: str, numbers: dict[str, float], run: Path) -> None:
    table = _table(title)
    for name, value in numbers.items():
        table.add_row(name.replace("_", " "), f"{value:.3f}" if value % 1 else f"{value:g}")
    table.add_row("in", shown(str(run)))
    out.print(table)


def _show_summary(s: Any, dataset: Path) -> None:
    table = _table(str(dataset))
    reasons = ", ".join(f"{reason} {n}" for reason, n in s.dropped_reasons.items())
    table.add_row("recordings", f"{s.recordings}: {s.clips} clips, {s.dropped} dropped")
    if reasons:
        table.add_row("dropped", reasons)
    table.add_row("subjects", f"{s.subjects}, {s.actions} actions")
    table.add_row("frames", f"{s.frames}, {s.seconds / 60:.1f} minutes, {s.size} × {s.size} pixels")
    styles = f"{s.returning} return, {s.held} hold, {s.motionless} none; {s.flashes} flash"
    table.add_row("motions", styles)
    if s.motion_frames_median is not None:
        table.add_row(
            "a motion's median",
            f"{s.motion_frames_median:g} frames, {s.amplitude_iod_median:.3f} IOD",
        )
    if s.compounds is None:
        table.add_row("compounds", "none yet: fmdata synth-compound")
    else:
        table.add_row("compounds", f"{s.compounds}, median seam {s.seam_median:.1f} (1: no jump)")
    if s.stale:
        table.add_row("", "stale: the actions have changed since; run fmdata synth-compound")
    for note in s.notes:
        table.add_row("", shown(note))
    table.add_row("shards", f"{s.shards}, {s.bytes / 1e6:.1f} MB")
    out.print(table)


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
