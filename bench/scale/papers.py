"""A simulated data set of the papers' size, from recordings to an epoch, and a plan for a million.

``make bench-papers-size`` runs it and writes docs/scale.md: 59 subjects with five actions and ten
takes of each, at 15 frames a second as for the papers' comparisons, and 11,800 compounds (k = 8).
Each command of a user's way runs once, in a process of its own; one that was cut off is run again
by the next call. The plan multiplies what one recording cost by a million, and states prices that
anyone can replace by their own (``--price``).
"""

import argparse
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.page import Marks, Table, markdown, text, write_page
from bench.scale.steps import Cost, Step, run_steps
from fmdata.catalog import Dataset

PAGE = Path(__file__).parents[2] / "docs" / "scale.md"
MARKS = Marks("the papers' size", "bench-papers-size")
SUBJECTS, ACTIONS, TAKES, K = 59, 5, 10, 8
MILLION = 1_000_000
WORKERS = 100  # cores of the plan
FREE_MB = 30_000
HOUR, TERA, MEGA = 3600, 1e6, 1e6
READ = """
from fmdata.catalog import Dataset, prefetch
dataset = Dataset("dataset")
for half in (dataset.actions, dataset.compounds):
    for clip, frames in prefetch(half):
        assert len(frames) == clip.n_frames
"""
SIMULATE, BUILD, VIRTUAL, REAL = "simulate", "build", "synth-compound --virtual", "synth-compound"
VERIFY, REPORT, PUSH, EPOCH = "verify", "report", "push to a folder", "one epoch, all frames"


@dataclass(frozen=True)
class Price:
    """A list price: US dollars for an hour of one core, and for a GB in a month.

    Attributes
    ----------
    source : str
        Whose price, and of what time.
    core_hour, gb_month : float
        US dollars.
    """

    source: str
    core_hour: float
    gb_month: float

    @classmethod
    def parse(cls, written: str) -> "Price":
        """Parse ``NAME=CORE_HOUR,GB_MONTH``."""
        source, _, figures = written.partition("=")
        core_hour, gb_month = map(float, figures.split(","))
        return cls(source, core_hour, gb_month)


PRICES = [
    Price("rented server (€0.021 an hour for 8 shared cores; €5 a TB and month)", 0.003, 0.006),
    Price("Google Cloud (e2-standard-2, us-central1; Standard)", 0.0335, 0.020),
    Price("AWS (m7g.large, us-east-1; S3 Standard)", 0.0408, 0.023),
]


def steps(subjects: int) -> list[Step]:
    """Return a user's way from recordings to an epoch."""
    simulate = (
        "simulate", "raw", "--varied", "--fps", "15", "--size", "256", "--subjects", str(subjects),
        "--actions", str(ACTIONS), "--takes", str(TAKES),
    )  # fmt: skip
    synth = ("synth-compound", "--k", str(K))
    fmdata = (str(Path(sys.executable).with_name("fmdata")),)
    return [
        Step(SIMULATE, (*fmdata, *simulate), "raw"),
        Step(BUILD, (*fmdata, "build", "--subjects", "raw", "--workers", "2"), "dataset"),
        Step(VIRTUAL, (*fmdata, *synth, "--virtual"), "dataset"),
        Step(f"{EPOCH} (virtual)", ("-c", READ), "nothing"),
        Step(REAL, (*fmdata, *synth, "--workers", "2"), "dataset"),
        Step(VERIFY, (*fmdata, "verify", "dataset"), "nothing"),
        Step(REPORT, (*fmdata, "report"), "dataset/report.html"),
        Step(PUSH, (*fmdata, "push", "copy", "dataset"), "copy"),
        Step(EPOCH, ("-c", READ), "nothing"),
    ]


def main() -> None:
    """Measure, print the tables, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="for 30 GB of recordings, dataset and copy")
    parser.add_argument("--subjects", type=int, default=SUBJECTS)
    parser.add_argument(
        "--price", action="append", type=Price.parse, help="NAME=CORE_HOUR,GB_MONTH"
    )
    parser.add_argument("--out", type=Path, help=f"page to write (59 subjects: {PAGE.name})")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(options.folder).free / MEGA
    wanted = FREE_MB * options.subjects / SUBJECTS
    if free < wanted and not (options.folder / "copy").exists():
        parser.error(f"{free:,.0f} MB are free in {options.folder}, {wanted:,.0f} MB are needed")
    costs = run_steps(options.folder, steps(options.subjects))
    dataset = Dataset(options.folder / "dataset")
    sentences = [_counts(dataset), *_plan(costs, dataset, options.price or PRICES)]
    table = _table(costs)
    print(text(table), *sentences, sep="\n\n")
    out = options.out or (PAGE if options.subjects == SUBJECTS else None)
    if out:
        write_page(out, "\n\n".join([markdown(table), *sentences]), MARKS)


def _table(costs: dict[str, Cost]) -> Table:
    rows = [
        [name, f"{cost.cpu_s:,.0f} s", f"{cost.wall_s:,.0f} s", f"{cost.peak_mb:,.0f} MB",
         f"{cost.written_mb:,.0f} MB"]
        for name, cost in costs.items()
    ]  # fmt: skip
    return [["", "processor", "wall", "largest process", "left behind"], *rows]


def _counts(dataset: Dataset) -> str:
    card = dataset.card
    frames = [sum(clip.n_frames for clip in half) for half in (dataset.actions, dataset.compounds)]
    return (
        f"{card.recordings:,} recordings of {len(dataset.actions.subjects)} subjects: "
        f"{len(dataset.actions):,} clips with {frames[0]:,} frames, {card.dropped:,} dropped; "
        f"{len(dataset.compounds):,} compounds with {frames[1]:,} frames."
    )


def _plan(costs: dict[str, Cost], dataset: Dataset, prices: list[Price]) -> list[str]:
    """Return the plan for a million recordings, as sentences and a table of prices."""
    times = MILLION / dataset.card.recordings
    hours = {name: times * cost.cpu_s / HOUR for name, cost in costs.items()}
    actions = times * costs[BUILD].written_mb / TERA
    virtual = times * costs[VIRTUAL].written_mb / TERA
    real = actions + times * (costs[REAL].written_mb + costs[VIRTUAL].written_mb) / TERA
    plan: Table = [
        ["a million recordings", "core hours", f"hours with {WORKERS} cores", "terabytes"],
        *(
            [name, f"{hours[name]:,.0f}", f"{hours[name] / WORKERS:,.1f}", f"{size:,.1f}"]
            for name, size in ((BUILD, actions), (VIRTUAL, actions + virtual), (REAL, real),
                               (VERIFY, real), (PUSH, real))
        ),
    ]  # fmt: skip
    planned = hours[BUILD] + hours[VIRTUAL]
    written = hours[BUILD] + hours[REAL] + hours[VERIFY] + hours[PUSH]
    costing: Table = [
        ["list price", "build and plan", "a month", "build, write, verify, push", "a month"],
        *(
            [price.source, f"${planned * price.core_hour:,.0f}",
             f"${(actions + virtual) * 1000 * price.gb_month:,.0f}",
             f"${written * price.core_hour:,.0f}", f"${real * 1000 * price.gb_month:,.0f}"]
            for price in prices
        ),
    ]  # fmt: skip
    return [markdown(plan), markdown(costing)]


if __name__ == "__main__":
    main()
