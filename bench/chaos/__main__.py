"""What must be survived, tried out: ``python -m bench.chaos [kills|videos|changes|disk|all]``.

Each experiment is seeded, prints its table, and writes it to the page unless it was made smaller
with ``--n``. Ends with 1 when anything was not as promised.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.chaos import changes, disk, kills, videos
from bench.chaos.command import Found
from bench.page import Marks, markdown, text, write_page

PAGE = Path(__file__).parents[2] / "docs" / "chaos.md"
EXPERIMENTS = {
    "kills": (kills.measure, kills.DEFAULT_N),
    "videos": (videos.measure, videos.DEFAULT_N),
    "changes": (changes.measure, changes.DEFAULT_N),
    "disk": (disk.measure, disk.DEFAULT_N),
}


def main(arguments: Sequence[str]) -> int:
    """Run the experiments asked for; return the exit code."""
    options = _options().parse_args(arguments)
    names = [*EXPERIMENTS] if options.experiment == "all" else [options.experiment]
    out = options.out or (None if options.n else PAGE)
    faulty = False
    for name in names:
        measure, default = EXPERIMENTS[name]
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            found = measure(Path(folder), options.n or default, options.seed)
        print(f"\n{name}: {found.sentence}\n\n{text(found.table)}\n")
        for fault in found.faults:
            print(f"FAULT {fault}")
        print(f"{time.monotonic() - began:.0f} s", flush=True)
        if out:
            write_page(out, _figures(found), Marks(name, "chaos"))
        faulty = faulty or bool(found.faults)
    return int(faulty)


def _figures(found: Found) -> str:
    faults = [f"- {fault}" for fault in found.faults] or ["No fault."]
    return "\n\n".join([found.sentence, markdown(found.table), "\n".join(faults)])


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench.chaos", description=__doc__)
    parser.add_argument("experiment", nargs="?", default="all", choices=[*EXPERIMENTS, "all"])
    parser.add_argument("--n", type=int, help="how many")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help=f"page to write (without --n: {PAGE.name})")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
