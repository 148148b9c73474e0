"""Builds simulated recordings under a grid of conditions and compares them with the ground truth.

``python -m bench.fidelity`` measures all rows and writes the page. ``--rows default,winks`` takes
some rows and only prints. With ``--folder`` recordings and datasets are kept for later runs.
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
from bench.fidelity.spotting import Case
from bench.fidelity.targets import checks, checks_of_real
from bench.page import text, write_page

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "fidelity.md"
REAL = ROOT.parent / "shared" / "data" / "real"


def main(arguments: Sequence[str]) -> None:
    """Measure, print, and write the page."""
    parser = _options()
    options = parser.parse_args(arguments)
    names = [name.strip() for name in options.rows.split(",")] if options.rows else [*CONDITIONS]
    if unknown := set(names) - set(CONDITIONS):
        parser.error(f"no row {min(unknown)!r}; there are: {', '.join(CONDITIONS)}")
    out = options.out or (None if options.rows else PAGE)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        results = _simulated(names, folder, options)
        found = checks(results)
        real_cases: list[Case] = []
        if options.real.is_dir():
            sentence = real.spoken(options.real, folder / "real")
            actions = real.posed(options.real, folder / "real")
            found += checks_of_real(sentence, actions)
            real_cases = [sentence, *actions]
    print("\n" + text([report.ALIGNMENT, *map(report.alignment_cells, results)]))
    if real_cases:
        table = [["real recording", "true", "found", "IoU"], *map(report.real_cells, real_cases)]
        print("\n" + text(table))
    print("\n" + text([["", "target", "measured", ""], *map(report.check_cells, found)]))
    print(f"\n{time.monotonic() - began:.0f} s")
    if out:
        picture = out.with_suffix(".png")
        draw(results, picture)
        command = f"python -m bench.fidelity --per-row {options.per_row} --seed {options.seed}"
        if options.rows:
            command += f" --rows {options.rows!r}"
        figures = report.page(command, results, real_cases, found, picture.name)
        write_page(out, figures, report.FIGURES)
        print(f"written: {out}, {picture}")


def _simulated(names: Sequence[str], folder: Path, options: argparse.Namespace) -> list[Result]:
    """Measure the rows in parallel, and print them in order."""
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
    parser.add_argument("--rows", help=f"some of: {', '.join(CONDITIONS)}")
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
