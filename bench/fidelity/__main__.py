"""Builds simulated recordings under a grid of conditions and compares them with the ground truth.

``python -m bench.fidelity`` measures all rows and writes the page. ``--rows default,real`` takes
some rows, of which one is the real recordings, and only prints. With ``--folder`` recordings and
datasets are kept for later runs.
"""

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from bench.fidelity import real, report
from bench.fidelity.measure import Result, measure
from bench.fidelity.picture import draw
from bench.fidelity.rows import CONDITIONS, row
from bench.fidelity.targets import Check, checks, checks_of_marked, checks_of_sentence
from bench.page import Table, text, write_page

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "fidelity.md"
REAL = ROOT.parent / "shared" / "data" / "real"
REAL_ROW = "real"  # stands for the real recordings where rows are chosen


def main(arguments: Sequence[str]) -> None:
    """Measure, print, and write the page."""
    parser = _options()
    options = parser.parse_args(arguments)
    every = [*CONDITIONS, REAL_ROW]
    names = [name.strip() for name in options.rows.split(",")] if options.rows else every
    if unknown := set(names) - set(every):
        parser.error(f"no row {min(unknown)!r}; there are: {', '.join(every)}")
    out = options.out or (None if options.rows else PAGE)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        results = _simulated([name for name in names if name != REAL_ROW], folder, options)
        found = checks(results)
        tables: list[tuple[str, Table]] = []
        if REAL_ROW in names and options.real.is_dir():
            more, tables = _real(options.real, folder / "real")
            found += more
    for table in (report.methods_table(results), report.alignment_table(results)):
        if results:
            print("\n" + text(table))
    for title, table in tables:
        print(f"\n{title}\n{text(table)}")
    print("\n" + text([["", "target", "measured", ""], *map(report.check_cells, found)]))
    print(f"\n{time.monotonic() - began:.0f} s")
    if out:
        _write(out, options, results, tables, found)


def _real(data: Path, folder: Path) -> tuple[list[Check], list[tuple[str, Table]]]:
    """Measure the real recordings: their checks, and their tables with titles."""
    sentence, motions = real.spoken(data, folder), real.marked(data, folder)
    measures, each = report.marked_tables(motions)
    tables = [
        ("Real motions", measures),
        ("Each real motion", each),
        ("A spoken sentence", report.sentence_table(sentence)),
    ]
    return checks_of_sentence(sentence) + checks_of_marked(motions), tables


def _write(
    out: Path,
    options: argparse.Namespace,
    results: list[Result],
    tables: list[tuple[str, Table]],
    found: list[Check],
) -> None:
    picture = out.with_suffix(".png")
    draw(results, picture)
    command = f"python -m bench.fidelity --per-row {options.per_row} --seed {options.seed}"
    if options.rows:
        command += f" --rows {options.rows!r}"
    figures = report.page(command, results, tables, found, picture.name)
    write_page(out, figures, report.FIGURES)
    print(f"written: {out}, {picture}")


def _simulated(names: Sequence[str], folder: Path, options: argparse.Namespace) -> list[Result]:
    """Measure the rows in parallel, and print them in order."""
    if not names:
        return []
    rows = [row(name, options.per_row, options.seed) for name in names]
    at_once = min(options.workers, len(rows))
    each = partial(measure, folder=folder, workers=options.workers // at_once)
    results = []
    print(text([_wide(report.SPOTTING)]), flush=True)
    # Spawned, because the threads of the landmark network do not survive a fork.
    with ProcessPoolExecutor(at_once, multiprocessing.get_context("spawn")) as pool:
        for result in pool.map(each, rows):
            results.append(result)
            cells = report.spotting_cells(result.row.name, result.cases)
            print(text([_wide(cells)]), flush=True)
    return results


def _wide(cells: Sequence[str]) -> list[str]:
    """Pad the cells of a row to the widths of the table's columns."""
    widths = [24, 3, 20, 20, 20, 5, *[6] * (len(cells) - 6)]
    return [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench.fidelity", description=__doc__)
    parser.add_argument("--rows", help=f"some of: {', '.join([*CONDITIONS, REAL_ROW])}")
    parser.add_argument(
        "--per-row", type=int, default=40, help="minimum number of recordings in a row"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--folder", type=Path, help="folder that keeps recordings and datasets")
    parser.add_argument("--out", type=Path, help=f"page to write (all rows: {PAGE.name})")
    parser.add_argument("--real", type=Path, default=REAL, help="folder of real recordings")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
