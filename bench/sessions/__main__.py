"""Spotting of simulated sessions: motions found, false ones, and memory, by length.

``python -m bench.sessions`` simulates a session of ten minutes with 40 motions of four actions, and
blinks, talk, turns of the head and glances between them, and one of two minutes; spots each by
``fmdata spot`` in a process, whose peak of memory is read; and scores the tables as ``fmdata
score`` does. The table goes to docs/sessions.md.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import fmdata.drawing
import fmdata.synth.simulator
from bench.kept import kept
from bench.page import Marks, Table, markdown, text, write_page
from fmdata.pipeline.reading.intervals.score import Score, score_tables
from fmdata.synth.simulator.settings import SimulateSettings
from fmdata.synth.simulator.simulate import TRUTH, simulate

PAGE = Path(__file__).parents[2] / "docs" / "sessions.md"
MARKS = Marks("sessions", "bench-sessions")
TAKES_A_MINUTE = 1  # of each of four actions
ROWS = ((2, "mild"), (10, "mild"))  # minutes, motion of the head
HEAD = (
    "minutes", "head", "motions", "found", "right", "precision", "recall", "F1", "IoU",
    "onset", "apex", "offset", "peak MB",
)  # fmt: skip
SPOT = """
import sys
from pathlib import Path
from fmdata.cli import app
app(sys.argv[1:], standalone_mode=False)
print("peak", Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""


@dataclass(frozen=True)
class Measured:
    """One session: its score, and the peak of memory."""

    score: Score
    peak_mb: float


def measure(raw: Path, settings: SimulateSettings) -> Measured:
    """Spot the sessions in a folder, made where they are missing, and score them."""
    if not (raw / TRUTH).exists():
        simulate(raw, settings)
    table = raw.with_suffix(".csv")
    for old in (table, table.with_suffix(".html")):
        old.unlink(missing_ok=True)
    command = ["spot", str(raw), "--out", str(table), "--workers", "0", "--no-sheets"]
    run = subprocess.run(
        [sys.executable, "-c", SPOT, *command], capture_output=True, text=True, check=True
    )
    peak = re.search(r"^peak (\d+)$", run.stdout, re.MULTILINE)
    assert peak
    return Measured(score_tables(table, raw / TRUTH), int(peak[1]) / 1000)


def cells(minutes: int, head: str, one: Measured) -> list[str]:
    """Return the cells of a row."""
    counts, errors = one.score.everything, one.score.to_json()["errors"]
    return [
        str(minutes), head, str(counts.true), str(counts.found), str(counts.matched),
        f"{counts.precision:.3f}", f"{counts.recall:.3f}", f"{counts.f1:.3f}",
        f"{one.score.iou or 0:.3f}",
        *(f"{errors[name]['mean']:.1f}" for name in ("onset", "apex", "offset")),
        f"{one.peak_mb:.0f}",
    ]  # fmt: skip


def main(arguments: Sequence[str]) -> None:
    """Measure, print, and write the page."""
    parser = argparse.ArgumentParser(prog="bench.sessions", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rows", type=int, default=len(ROWS), help="rows to measure")
    parser.add_argument("--kept", type=Path, default=Path("build/sessions"), help="for recordings")
    parser.add_argument("--out", type=Path, default=PAGE, help="page to write")
    options = parser.parse_args(arguments)
    lines: Table = [list(HEAD)]
    for minutes, head in ROWS[: options.rows]:
        settings = SimulateSettings(
            subjects=1, actions=4, takes=TAKES_A_MINUTE * minutes, seed=options.seed, head=head,
            session_s=60.0 * minutes,
        )  # fmt: skip
        packages = [fmdata.synth.simulator, fmdata.drawing]
        raw = kept(options.kept, f"{minutes}-{head}", settings.to_json(), packages)
        lines.append(cells(minutes, head, measure(raw, settings)))
        print(text([lines[0], lines[-1]]), flush=True)
    sentence = (
        f"`python -m bench.sessions --seed {options.seed}`: at 25 frames/s; right: with an "
        "IoU of at least 0.5; errors: mean of their size, in frames."
    )
    write_page(options.out, f"{sentence}\n\n{markdown(lines)}", MARKS)
    print(f"written: {options.out}")


if __name__ == "__main__":
    main(sys.argv[1:])
