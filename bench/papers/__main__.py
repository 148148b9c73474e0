"""The comparisons of five papers, trained on simulated subjects, and their page.

``python -m bench.papers --folder F`` makes the data, runs every table and writes docs/papers.md;
``--table NAME`` runs some tables alone. Data and results are kept in the folder: the data are made
once, an interrupted table resumes, and a table that is done is only read. ``--quick`` runs
everything at a small size and only prints.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from filelock import FileLock

from bench.page import write_page
from bench.papers import data, encoder, report
from bench.papers.designs import Comparison, compared
from bench.papers.picture import draw_table
from bench.papers.runner import FULL, QUICK, TableResults, Workshop

PAGE = Path(__file__).parents[2] / "docs" / "papers.md"
PAPERS = ("encoder", "subclips", "smate", "rrl", "pcl")


def main(arguments: Sequence[str]) -> None:
    """Make the data, train, print, and write the page."""
    parser = _options()
    options = parser.parse_args(arguments)
    papers = {paper: comparisons(paper, 1.0) for paper in PAPERS}
    names = [table.name for tables in papers.values() for table in tables]
    if options.list:
        print("\n".join(names))
        return
    if unknown := {*options.table} - {*names}:
        parser.error(f"no table {min(unknown)!r}; there are: {', '.join(names)}")
    chosen = options.table or names
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.folder or Path(temporary)) / ("quick" if options.quick else "full")
        workshop = _workshop(folder, options)
        results = {}
        for paper, tables in papers.items():
            for table in (table for table in tables if table.name in chosen):
                results[table.name] = _table(workshop, paper, table.name)
    figures = report.page(papers, results)
    print(f"{figures}\n\nall of it {time.monotonic() - began:.0f} s")
    if not options.quick and len(chosen) == len(names):
        write_page(PAGE, figures, report.FIGURES)
        print(f"written: {PAGE}")


def comparisons(paper: str, scale: float) -> list[Comparison]:
    """Return the tables of a paper, with `scale` times the steps of the page."""
    tables = import_module(f"bench.papers.{paper}").tables(scale)
    return [compared(table) for table in tables]


def _workshop(folder: Path, options: argparse.Namespace) -> Workshop:
    """Make the data, which no other table makes at the same time."""
    began = time.monotonic()
    size, plan = (data.QUICK, QUICK) if options.quick else (data.FULL, FULL)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "data.lock"):
        datasets = data.make(folder, size, options.workers)
    print(f"data: {time.monotonic() - began:.0f} s", flush=True)
    files = {"truth": {name: data.truth_of(dataset) for name, dataset in datasets.items()}}
    extractors = encoder.extractors(plan.scale)
    return Workshop(folder, datasets, extractors, plan, options.workers, files)


def _table(workshop: Workshop, paper: str, name: str) -> TableResults:
    """Run one table, and draw its picture."""
    began = time.monotonic()
    results = workshop.run(lambda scale: comparisons(paper, scale), name)
    draw_table(results, workshop.folder / f"{name}.png")
    print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    return results


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench.papers", description=__doc__)
    parser.add_argument(
        "--table", action="append", default=[], help="a table to run, by its name; prints only"
    )
    parser.add_argument("--list", action="store_true", help="print the names of the tables")
    parser.add_argument("--quick", action="store_true", help="small size, ten minutes; prints only")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--folder", type=Path, help="folder for data and results")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
