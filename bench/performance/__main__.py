"""All goals of speed, measured and written into docs/performance.md; about ten minutes.

``make bench`` runs it. ``--real FOLDER`` adds a build of the recordings of a folder;
``--only reading`` measures one group and prints it alone.
"""

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib import metadata
from pathlib import Path

import cv2

from bench.page import Marks, markdown, text, write_page
from bench.performance import building, embedding, planning, reading, starting, synthesis
from bench.performance.sides import HEAD, Goal
from fmdata.catalog.storage.made_by.tools import tool_versions
from fmdata.pipeline.build import build
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.synth.simulator.simulate import SimulateSettings, simulate

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
MARKS = Marks("performance", "bench")
ROUNDS = 3
DATA = SimulateSettings(subjects=2, actions=3, takes=4)
OTHERS = ("mediapipe", "scikit-image", "webdataset")


def main() -> None:
    """Measure, print the table, and write the page."""
    options = _options()
    cv2.setNumThreads(1)
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        raw, dataset = folder / "raw", folder / "dataset"
        simulate(raw, DATA)
        build(raw, dataset, BuildSettings(), RunSettings(workers=1))
        groups: dict[str, Callable[[], Iterable[Goal]]] = {
            "building": partial(building.goals, raw, options.real, folder, options.rounds),
            "synthesis": partial(synthesis.goals, dataset, folder, options.rounds),
            "planning": partial(planning.goals, folder),
            "reading": partial(reading.goals, dataset, folder, options.rounds),
            "starting": partial(starting.goals, options.rounds),
            "embedding": partial(embedding.goals, raw, dataset, folder, options.rounds),
        }
        chosen = {options.only: groups[options.only]} if options.only else groups
        goals = list(_measured(chosen))
    table = [HEAD, *(goal.cells() for goal in goals)]
    print(text(table))
    if not options.only:
        write_page(PAGE, "\n\n".join([_machine(load, options), markdown(table)]), MARKS)


def _measured(groups: dict[str, Callable[[], Iterable[Goal]]]) -> Iterator[Goal]:
    for name, group in groups.items():
        for goal in group():
            print(f"{name}: {'  '.join(goal.cells())}", file=sys.stderr, flush=True)
            yield goal


def _machine(load: float, options: argparse.Namespace) -> str:
    """Return machine, versions, data and command in words."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    cpu = next(line.split(": ")[1] for line in lines if line.startswith("model name"))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = tool_versions("litert") | {name: metadata.version(name) for name in OTHERS}
    listed = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    real = f" REAL={options.real.name}" if options.real else ""
    # The load is a mean over the last minute, so what has just ended counts too.
    is_busy = load > (os.cpu_count() or 1) / 2
    busy = "; others were at work: wall times say little" if is_busy else ""
    return (
        f"`make bench{real}`, rounds: {options.rounds}, on {os.cpu_count()} cores of {cpu} with "
        f"{memory:.0f} GiB; the load was {load:.1f} at the beginning{busy}. "
        f"Python {platform.python_version()}, {listed}. Data: "
        f"{DATA.n_recordings} simulated recordings of 320 × 320 pixels."
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.performance", description=__doc__)
    parser.add_argument("--real", type=Path, help="folder of real recordings")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    groups = ["building", "synthesis", "planning", "reading", "starting", "embedding"]
    parser.add_argument("--only", choices=groups)
    return parser.parse_args()


if __name__ == "__main__":
    main()
