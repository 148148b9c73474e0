"""Leave-one-person-out check: no constant of spotting was fitted to one person's motions.

``python -m bench.people`` takes the marked motions of real people. For each person it tunes the
deciding thresholds of `bench.thresholds` on the motions of all others, and spots the motions of the
person left out. If the shipped constants had been fitted to a person, they would find that person's
motions better than constants that were tuned without them. The table goes to docs/fidelity.md.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path

import numpy as np

from bench.fidelity.__main__ import PAGE, REAL
from bench.fidelity.real import Marked, read_marks
from bench.fidelity.spotting import Case, score
from bench.page import Marks, Table, markdown, text, write_page
from bench.thresholds import THRESHOLDS, Filmed, Threshold, film_one, scaled
from fmdata.catalog.types import Recording
from fmdata.pipeline.landmarks.backends import open_landmarker
from fmdata.pipeline.settings import BuildSettings

MARKS = Marks("people", "bench-people")
FACTORS = (0.5, 0.7, 1.0, 1.4, 2.0)  # of a threshold
SWEEPS = 2  # over all thresholds
FPS = 30.0  # of the real recordings
MISSED = 20.0  # frames that a missed motion counts as an error of

Factors = tuple[float, ...]  # one for each threshold
Spotter = Callable[[Factors], Sequence[Case]]  # all motions, spotted with scaled thresholds


def spotter(motions: Sequence[Callable[[], Case]], thresholds: Sequence[Threshold]) -> Spotter:
    """Return a function that spots all motions with scaled thresholds, once for each scaling."""

    @cache
    def spotted(factors: Factors) -> tuple[Case, ...]:
        with ExitStack() as stack:
            for threshold, factor in zip(thresholds, factors, strict=True):
                stack.enter_context(scaled(threshold, factor))
            return tuple(case() for case in motions)

    return spotted


def cost(cases: Sequence[Case]) -> float:
    """Return the sum of the errors of onset and offset in frames, mean over the motions."""
    return float(np.mean([_cost(case.error("onset"), case.error("offset")) for case in cases]))


def _cost(onset: float | None, offset: float | None) -> float:
    return MISSED if onset is None or offset is None else abs(onset) + abs(offset)


def tuned(spotted: Spotter, n_thresholds: int, chosen: Sequence[int]) -> Factors:
    """Tune all thresholds on the `chosen` motions, one after the other.

    Of equally good factors the middle one is taken, so that a shipped constant has no advantage.
    """
    factors = [1.0] * n_thresholds
    for _ in range(SWEEPS):
        for k in range(n_thresholds):
            tried = []
            for factor in FACTORS:
                factors[k] = factor
                cases = spotted(tuple(factors))
                tried.append(cost([cases[i] for i in chosen]))
            best = [f for f, c in zip(FACTORS, tried, strict=True) if c <= min(tried) + 1e-9]
            factors[k] = best[(len(best) - 1) // 2]
    return tuple(factors)


def table(people: Sequence[str], spotted: Spotter, thresholds: Sequence[Threshold]) -> Table:
    """Return a row for each person, and one for all, with shipped and with tuned constants.

    `people` names the person of each motion.
    """
    shipped = spotted((1.0,) * len(thresholds))
    left_out: list[Case] = []
    before: list[Case] = []
    lines = [["person left out", "motions", *_head("shipped"), *_head("tuned"), "tuned constants"]]
    for person in sorted(set(people)):
        theirs = [i for i, name in enumerate(people) if name == person]
        factors = tuned(
            spotted, len(thresholds), [i for i in range(len(people)) if i not in theirs]
        )
        after = spotted(factors)
        moved = [f"{t.name} × {f:g}" for t, f in zip(thresholds, factors, strict=True) if f != 1]
        old, new = [shipped[i] for i in theirs], [after[i] for i in theirs]
        before, left_out = before + old, left_out + new
        names = ", ".join(moved) or "none"
        lines.append([person, str(len(theirs)), *_cells(old), *_cells(new), names])
    lines.append(["all", str(len(people)), *_cells(before), *_cells(left_out), ""])
    return lines


def _head(constants: str) -> list[str]:
    return [f"{constants}: {measure}" for measure in ("onset", "offset", "missed")]


def _cells(cases: Sequence[Case]) -> list[str]:
    s = score(cases)
    missed = round(s.missed * s.n)
    return [f"{s.onset.mean_absolute:.2f}", f"{s.offset.mean_absolute:.2f}", str(missed)]


def film(marks: Sequence[Marked], folder: Path) -> list[Callable[[], Case]]:
    """Detect the landmarks of marked motions in `folder`; return functions that spot them."""
    landmarker = open_landmarker(BuildSettings().landmarks)
    spotters: list[Callable[[], Case]] = []
    for mark in marks:
        name, start, stop = (mark.row[column] for column in ("path", "start", "stop"))
        recording = Recording(
            folder / name, name, mark.row["subject"], mark.row["action"], mark.row["take"],
            start_s=float(start), stop_s=float(stop),
        )  # fmt: skip
        filmed = film_one(recording, mark.truth(FPS, 1), landmarker)
        spotters.append(partial(_spot, mark, filmed))
    return spotters


def _spot(mark: Marked, filmed: Filmed) -> Case:
    return mark.case(filmed.case().motion, filmed.fps, filmed.track.n_frames)


def main(arguments: Sequence[str]) -> None:
    """Measure, print, and write the page."""
    parser = argparse.ArgumentParser(prog="bench.people", description=__doc__)
    parser.add_argument("--real", type=Path, default=REAL, help="folder of real recordings")
    parser.add_argument("--out", type=Path, default=PAGE, help="page to write")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    folder = options.real / "motions"
    marks = read_marks(folder / "recordings.csv")
    spotted = spotter(film(marks, folder), THRESHOLDS)
    lines = table([mark.row["subject"] for mark in marks], spotted, THRESHOLDS)
    print(text(lines))
    write_page(options.out, markdown(lines), MARKS)
    print(f"\n{time.monotonic() - began:.0f} s; written: {options.out}")


if __name__ == "__main__":
    main(sys.argv[1:])
