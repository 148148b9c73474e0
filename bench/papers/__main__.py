"""The comparisons of five papers, trained on simulated subjects, and their page.

``python -m bench.papers`` makes the data, trains every row with three seeds in parallel processes,
and writes docs/papers.md. ``--quick`` runs everything at a small size and only prints. With
``--folder`` data and results are stored there, and an interrupted run resumes.
"""

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from bench.page import write_page
from bench.papers import data, encoder, report
from bench.papers.job import SEEDS, Result, Table, Training, run
from fmdata.train.run import train

PAGE = Path(__file__).parents[2] / "docs" / "papers.md"
PAPERS = ("encoder", "subclips", "smate", "rrl", "pcl")
QUICK = 0.1  # share of the steps


def main(arguments: Sequence[str]) -> None:
    """Make the data, train, print, and write the page."""
    parser = _options()
    options = parser.parse_args(arguments)
    papers = options.papers.split(",") if options.papers else [*PAPERS]
    if unknown := set(papers) - set(PAPERS):
        parser.error(f"no paper {min(unknown)!r}; there are: {', '.join(PAPERS)}")
    size, scale = (data.QUICK, QUICK) if options.quick else (data.FULL, 1.0)
    seeds = SEEDS[:1] if options.quick else SEEDS
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.folder or Path(temporary)) / ("quick" if options.quick else "full")
        datasets = data.make(folder, size, options.workers)
        made = time.monotonic() - began
        print(f"data: {made:.0f} s", flush=True)
        runs = _extractors(datasets, folder, scale) if {"encoder", "subclips"} & set(papers) else {}
        modules = [import_module(f"bench.papers.{paper}") for paper in papers]
        truths = {name: data.truth_of(dataset) for name, dataset in datasets.items()}
        files = {"extractor": runs, "truth": truths}
        tables = [_prepared(t, seeds, files) for module in modules for t in module.tables(scale)]
        results = _trained(tables, datasets, folder, options.workers)
    figures = report.page(tables, results, size)
    print(f"{figures}\n\ndata {made:.0f} s, all of it {time.monotonic() - began:.0f} s")
    if not options.quick and not options.papers:
        write_page(PAGE, figures, report.FIGURES)
        print(f"written: {PAGE}")


def _extractors(datasets: Mapping[str, Path], folder: Path, scale: float) -> dict[str, Path]:
    """Train the extractors that several comparisons share; return the folders of their runs."""
    made = {}
    for name, (dataset, settings) in encoder.extractors(scale).items():
        made[name] = folder / f"extractor-{name}"
        numbers = train("landmarks", datasets[dataset], made[name], settings).evaluation.numbers
        print(name, {number: round(value, 4) for number, value in numbers.items()}, flush=True)
    return made


def _prepared(
    table: Table, seeds: tuple[int, ...], files: Mapping[str, Mapping[str, Path]]
) -> Table:
    """Set the seeds of a table, and the files that its settings name."""
    rows = []
    for row in table.rows:
        settings = row.settings
        for setting, paths in files.items():
            if name := getattr(settings, setting, ""):
                settings = settings.replaced([f"{setting}={paths[name]}"])
        rows.append(replace(row, settings=settings))
    return replace(table, rows=rows, seeds=seeds)


def _trained(
    tables: Sequence[Table], datasets: Mapping[str, Path], folder: Path, workers: int
) -> report.Results:
    """Train all rows, equal ones once; return the results by table, row and seed."""
    jobs: dict[str, Training] = {}
    names: dict[tuple[str, str, int], str] = {}
    for table in tables:
        for row in table.rows:
            for seed in table.seeds:
                settings = replace(row.settings, seed=seed)
                job = Training(table.recipe, datasets[table.dataset], settings)
                names[table.title, row.name, seed] = job.name()
                jobs[job.name()] = job
    results: dict[str, Result] = {}
    began = time.monotonic()
    # New processes, since threads of native libraries do not survive a fork.
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        waiting = {pool.submit(run, job, folder): name for name, job in jobs.items()}
        for done in as_completed(waiting):
            name = waiting[done]
            results[name] = done.result()
            line = f"{len(results)}/{len(jobs)}  {name}  {results[name].seconds:.0f} s"
            print(f"{time.monotonic() - began:5.0f} s  {line}", flush=True)
    return {which: results[name] for which, name in names.items()}


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench.papers", description=__doc__)
    parser.add_argument("--papers", help=f"some of: {', '.join(PAPERS)}; prints only")
    parser.add_argument(
        "--quick", action="store_true", help="small size, five minutes; prints only"
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--folder", type=Path, help="folder for data and results")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
