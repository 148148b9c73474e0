"""Runs the experiments: ``python -m bench.chaos [kills|videos|changes|disk|all]``.

Each experiment is seeded and prints its table. Without ``--n`` it also writes the table to the
page. The exit code is 1 if a promise was broken.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.chaos import changes, disk, kills, videos
from bench.chaos.command import Report
from bench.page import Marks, markdown, text, write_page

PAGE = Path(__file__).parents[2] / "docs" / "chaos.md"
EXPERIMENTS = {
    "kills": (kills.measure, kills.DEFAULT_N),
    "videos": (videos.measure, videos.DEFAULT_N),
    "changes": (changes.measure, changes.DEFAULT_N),
    "disk": (disk.measure, disk.DEFAULT_N),
}


def main(arguments: Sequence[str]) -> int:
    """Run the chosen experiments; return the exit code."""
    options = _options().parse_args(arguments)
    names = [*EXPERIMENTS] if options.experiment == "all" else [options.experiment]
    out = options.out or (None if options.n else PAGE)
    failed = False
    for name in names:
        measure, default = EXPERIMENTS[name]
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            report = measure(Path(folder), options.n or default, options.seed)
        print(f"\n{name}: {report.sentence}\n\n{text(report.table)}\n")
        for failure in report.failures:
            print(f"FAILURE {failure}")
        print(f"{time.monotonic() - began:.0f} s", flush=True)
        if out:
            write_page(out, _figures(report), Marks(name, "chaos"))
        failed = failed or bool(report.failures)
    return int(failed)


def _figures(report: Report) -> str:
    failures = [f"- {failure}" for failure in report.failures] or ["No failure."]
    return "\n\n".join([report.sentence, markdown(report.table), "\n".join(failures)])


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench.chaos", description=__doc__)
    parser.add_argument("experiment", nargs="?", default="all", choices=[*EXPERIMENTS, "all"])
    parser.add_argument("--n", type=int, help="number of kills, videos, changes or fills")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help=f"page to write (without --n: {PAGE.name})")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
