"""Time and memory of commands on datasets of very many clips, whose rows are imitated.

``make bench-scale`` runs it and writes docs/scale.md. A subject has ten clips of one action, a clip
12 frames of a few bytes each, a recording a few bytes. Each command runs in a process of its own,
several times, alternately on the smaller and the larger dataset. Counted is the processor time from
the command's first line, without the imports of Python.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bench.page import Marks, Table, markdown, text, write_page
from fmdata.catalog import Dataset
from fmdata.catalog.privacy.forget import forget
from fmdata.catalog.progress import Silent
from fmdata.catalog.storage.files import CACHE_VARIABLE
from fmdata.catalog.verify.dataset import verify
from fmdata.pipeline.build import build
from fmdata.pipeline.engine.run import digest_all
from fmdata.pipeline.reading.discover import discover
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.synth.compounds import synth_compounds
from fmdata.synth.settings import CompoundSettings
from tests.helpers.datasets import SIZE
from tests.helpers.imitated import TAKES, imitate_whole

PAGE = Path(__file__).parents[2] / "docs" / "scale.md"
MARKS = Marks("scale", "bench-scale")
FEW = 3_000  # recordings, for which nothing new is to cost seconds
LINEAR, TOLERANCE = 2.0, 0.15
MILLION = 1_000_000
SETTINGS = replace(BuildSettings(), size=SIZE)


@dataclass(frozen=True)
class Cost:
    """Cost of one command: processor and wall time in seconds, and peak memory in MB."""

    cpu_s: float
    wall_s: float
    peak_mb: float


class _PlannedError(Exception):
    """The plan is finished."""


class _UntilPlanned(Silent):
    """Ends a synthesis where its first shard would be made."""

    def start(self, job: str, total: int, unit: str, done: int = 0) -> None:
        if job == "synth-compound":
            raise _PlannedError


def _open(dataset: Path, _: Path) -> None:
    clips = Dataset(dataset).actions
    middle = clips[len(clips) // 2]
    assert clips[middle.key].key == middle.key


def _pass(dataset: Path, _: Path) -> None:
    n_frames = sum(len(clip.intensity) for clip in Dataset(dataset).actions)
    assert n_frames > 0


def _verify(dataset: Path, _: Path) -> None:
    assert not verify(dataset)


def _plan(dataset: Path, _: Path) -> None:
    try:
        synth_compounds(dataset, CompoundSettings(k=5), _UntilPlanned())
    except _PlannedError:
        return
    raise AssertionError("the synthesis ended without a plan")


def _forget(dataset: Path, _: Path) -> None:
    assert forget(dataset, Dataset(dataset).actions[0].subject).clips == TAKES


def _nothing_new(dataset: Path, raw: Path) -> None:
    built = build(raw, dataset, SETTINGS, RunSettings(workers=1))
    assert built.reused == len(Dataset(dataset).actions)


def _list(_: Path, raw: Path) -> None:
    n_bytes = sum(path.stat().st_size for path in raw.rglob("*.mp4"))
    assert n_bytes > 0


COMMANDS: dict[str, Callable[[Path, Path], None]] = {
    "list the recordings, read sizes and times": _list,
    "a build of nothing new": _nothing_new,
    "open, find a clip by key": _open,
    "one pass over all clips and their curves": _pass,
    "verify": _verify,
    "plan a synthesis (k = 5)": _plan,
    "forget a subject": _forget,
}
NOTHING_NEW = "a build of nothing new"
LISTING = "list the recordings, read sizes and times"


def main() -> None:
    """Measure, print the tables, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=100_000, help="of the larger dataset")
    parser.add_argument("--repeats", type=int, default=3, help="the least time counts")
    parser.add_argument("--out", type=Path, help=f"page to write (100,000 clips: {PAGE.name})")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        _measure_here(*options.one)
        return
    with tempfile.TemporaryDirectory() as temporary:
        os.environ[CACHE_VARIABLE] = str(Path(temporary) / "cache")
        sizes = [FEW, options.clips // 2, options.clips]
        few, half, whole = (_prepare(Path(temporary) / str(n), n) for n in sizes)
        small = _measured([few], [LISTING, NOTHING_NEW], options.repeats)
        costs = _measured([half, whole], [*COMMANDS], options.repeats)
    table, sentences = _table(costs, options.clips), _sentences(small, costs, options.clips)
    print(text(table), *sentences, sep="\n")
    out = options.out or (PAGE if options.clips == parser.get_default("clips") else None)
    if out:
        write_page(out, "\n\n".join([markdown(table), *sentences]), MARKS)


def _prepare(folder: Path, n_clips: int) -> Path:
    """Write recordings of a few bytes, and the dataset that a build of them would leave."""
    raw = folder / "raw"
    for number in range(n_clips // TAKES):
        actions = raw / f"s{number:06d}" / "smile"
        actions.mkdir(parents=True)
        for take in range(TAKES):
            (actions / f"{take:02d}.mp4").write_text(f"{number} {take}")
    jobs = digest_all(discover(raw).recordings, SETTINGS)
    identities = {job.recording.source: job.identity for job in jobs if job.identity}
    imitate_whole(folder / "dataset", n_clips // TAKES, identities)
    _run(folder, NOTHING_NEW)  # the files are known from here on
    print(f"{n_clips} clips are imitated", file=sys.stderr, flush=True)
    return folder


def _measured(folders: list[Path], names: list[str], repeats: int) -> dict[str, list[Cost]]:
    """Return the least cost of each command in each folder; the folders take turns."""
    costs = {}
    for name in names:
        runs = [[_run(folder, name) for folder in folders] for _ in range(repeats)]
        costs[name] = [
            min(of_one, key=lambda cost: cost.cpu_s) for of_one in zip(*runs, strict=True)
        ]
        print(f"{name}: {costs[name]}", file=sys.stderr, flush=True)
    return costs


def _run(folder: Path, name: str) -> Cost:
    command = [sys.executable, "-m", "bench.scale.imitated", "--one", name, "dataset", "raw"]
    root = Path(__file__).parents[2]
    path = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        command,
        check=True,
        stdout=subprocess.PIPE,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path},
    )
    return Cost(**json.loads(done.stdout.splitlines()[-1]))


def _measure_here(name: str, dataset: str, raw: str) -> None:
    """Run a command in this process, and print its cost as JSON."""
    began, cpu = time.monotonic(), time.process_time()
    COMMANDS[name](Path(dataset), Path(raw))
    cost = Cost(
        time.process_time() - cpu,
        time.monotonic() - began,
        _peak_mb(),
    )
    print(json.dumps(cost.__dict__))


def _peak_mb() -> float:
    """Return the highest resident memory of this process; `ru_maxrss` would count its parent's."""
    found = re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())
    assert found, "no VmHWM: this system has no /proc"
    return int(found[1]) / 1000


def _table(costs: dict[str, list[Cost]], n_clips: int) -> Table:
    """Return the table of all commands; a million clips by the line through both datasets."""
    head = ["", f"{n_clips // 2:,} clips", f"{n_clips:,} clips", "ratio", "peak memory",
            "a million clips", "memory"]  # fmt: skip
    rows = []
    for name, (half, whole) in costs.items():
        more = 2 * (MILLION - n_clips) / n_clips  # steps from the smaller to the larger dataset
        seconds = whole.cpu_s + more * (whole.cpu_s - half.cpu_s)
        memory = whole.peak_mb + more * max(0.0, whole.peak_mb - half.peak_mb)
        rows.append([
            name, f"{half.cpu_s:.2f} s", f"{whole.cpu_s:.2f} s", f"{whole.cpu_s / half.cpu_s:.2f}",
            f"{whole.peak_mb:.0f} MB", f"{seconds:,.0f} s", f"{memory:,.0f} MB",
        ])  # fmt: skip
    return [head, *rows]


def _sentences(
    small: dict[str, list[Cost]], costs: dict[str, list[Cost]], n_clips: int
) -> list[str]:
    """Return which promises were kept."""
    over = small[NOTHING_NEW][0].wall_s - small[LISTING][0].wall_s
    ratios = {name: whole.cpu_s / half.cpu_s for name, (half, whole) in costs.items()}
    steep = [name for name, ratio in ratios.items() if ratio > LINEAR + TOLERANCE]
    peak = max(cost.peak_mb for both in costs.values() for cost in both)
    return [
        f"{FEW:,} recordings with nothing new: {over:.1f} s more than listing them.",
        f"Twice the clips take at most {max(ratios.values()):.2f} times the time"
        + (f"; more than {LINEAR + TOLERANCE}: {', '.join(steep)}." if steep else "."),
        f"The largest process held {peak:.0f} MB with {n_clips:,} clips.",
    ]


if __name__ == "__main__":
    main()
