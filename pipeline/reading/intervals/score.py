"""Comparison of found intervals with true ones, as the Micro-Expression Grand Challenge counts.

A found interval is right where its frames and those of a true interval have an IoU (intersection
over union) of at least 0.5; each interval is matched once. Of all such matchings one with the most
pairs counts, and of these one with the largest sum of IoU. True positives are added up over all
recordings, then P = TP / found, R = TP / true, F1 = 2 P R / (P + R): He et al., "Spotting macro-
and micro-expression intervals in long video sequences", FG 2020, which describes MEGC 2020.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from fmdata.catalog.errors import UsageError
from fmdata.catalog.given.overlap import FOUND_IOU
from fmdata.catalog.printable import printable
from fmdata.pipeline.reading.intervals.interval import MACRO, MICRO, Interval, read_intervals

Pair = tuple[Interval, Interval]
_SHOWN = 3


@dataclass(frozen=True)
class Counts:
    """Numbers of found, true and matched intervals."""

    found: int
    true: int
    matched: int

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.found + other.found, self.true + other.true, self.matched + other.matched
        )

    @property
    def precision(self) -> float:
        """Matched over found intervals; 0 where none is found."""
        return self.matched / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        """Matched over true intervals; 0 where there is none."""
        return self.matched / self.true if self.true else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.found + self.true
        return 2 * self.matched / total if total else 0.0

    def to_json(self) -> dict[str, float]:
        """Return the numbers and the measures."""
        measures = {"precision": self.precision, "recall": self.recall, "f1": self.f1}
        return {**asdict(self), **measures}


@dataclass(frozen=True)
class Score:
    """Comparison of two tables; ``str()`` of it is a report.

    Attributes
    ----------
    recordings : int
        Recordings of either table.
    everything : Counts
        Of all intervals, of whatever type.
    types : dict of str to Counts
        Of the micro- and the macro-expressions apart, each matched with its own type only; empty
        where a type is unknown.
    pairs : list of (Interval, Interval)
        The matched intervals: found, true.
    notes : list of str
        Further remarks.
    """

    recordings: int
    everything: Counts
    types: dict[str, Counts]
    pairs: list[Pair]
    notes: list[str]

    @property
    def iou(self) -> float | None:
        """Mean IoU of the matched intervals; None without any."""
        return fmean(found.iou(true) for found, true in self.pairs) if self.pairs else None

    def errors(self) -> dict[str, list[int]]:
        """Return found minus true frames of onset, apex and offset, as far as both are known."""
        return {
            "onset": [found.onset - true.onset for found, true in self.pairs],
            "apex": [f.apex - t.apex for f, t in self.pairs if None not in (f.apex, t.apex)],  # type: ignore[operator]
            "offset": [found.offset - true.offset for found, true in self.pairs],
        }

    def to_json(self) -> dict[str, Any]:
        """Return everything that the report shows."""
        whole = {"megc": sum(self.types.values(), Counts(0, 0, 0))} if self.types else {}
        return {
            "recordings": self.recordings,
            "min_iou": FOUND_IOU,
            "all": self.everything.to_json(),
            **{name: counts.to_json() for name, counts in (self.types | whole).items()},
            "mean_iou": self.iou,
            "errors": {
                name: {"mean": fmean(map(abs, e)), "median": median(map(abs, e)), "bias": fmean(e)}
                for name, e in self.errors().items()
                if e
            },
            "notes": self.notes,
        }

    def __str__(self) -> str:
        counts = {"all": self.everything}
        if self.types:
            counts |= {"macro": self.types[MACRO], "micro": self.types[MICRO]}
            counts["macro + micro"] = self.types[MACRO] + self.types[MICRO]
        lines = ["               found   true  matched  precision  recall     F1"]
        lines += [
            f"{name:<13} {c.found:6} {c.true:6} {c.matched:8}"
            f"  {c.precision:9.3f} {c.recall:7.3f} {c.f1:6.3f}"
            for name, c in counts.items()
        ]
        for name, errors in self.errors().items():
            if errors:
                size = [abs(e) for e in errors]
                lines.append(
                    f"{name:<7} mean error {fmean(size):.2f}, median {median(size):.1f}, "
                    f"bias {fmean(errors):+.2f} frames"
                )
        if self.iou is not None:
            lines.append(f"mean IoU of the matched {self.iou:.3f}")
        return "\n".join([*lines, *self.notes])


def score_tables(found: Path, truth: Path) -> Score:
    """Compare the table `found` with the table `truth`.

    Raises
    ------
    UsageError
        When a table is invalid, the truth has no interval, or the two share no recording.
    """
    ours, theirs = read_intervals(found, "FOUND"), read_intervals(truth, "TRUTH")
    rates = {**ours.rates, **{name: rate for name, rate in theirs.rates.items() if rate}}
    have, want = ours.typed(rates), theirs.typed(rates)
    seen, named = set(ours.rates), set(theirs.rates)
    if not want:
        raise _unusable("a truth without a motion", "rows with onset and offset", truth)
    if have and not seen & named:
        got = f"no recording in both: {_some(seen)} in {found.name}, {_some(named)} in {truth.name}"
        raise _unusable(got, "the same names of recordings, extensions of videos aside", found)
    score = compare(have, want)
    notes = []
    if extra := {one.name for one in have} - named:
        notes.append(f"not in the truth, so all wrong: the motions of {_some(extra)}")
    if missing := named - seen:
        notes.append(f"without a row in {printable(found.name)}: {_some(missing)}")
    return Score(len(seen | named), score.everything, score.types, score.pairs, notes)


def compare(found: Sequence[Interval], true: Sequence[Interval]) -> Score:
    """Compare intervals of any number of recordings."""
    pairs = matched(found, true)
    everything = Counts(len(found), len(true), len(pairs))
    types = {}
    if all(one.type for one in (*found, *true)):
        for kind in (MICRO, MACRO):
            some, others = ([o for o in side if o.type == kind] for side in (found, true))
            types[kind] = Counts(len(some), len(others), len(matched(some, others)))
    recordings = len({one.name for one in (*found, *true)})
    return Score(recordings, everything, types, pairs, [])


def matched(found: Iterable[Interval], true: Iterable[Interval]) -> list[Pair]:
    """Match found with true intervals, recording by recording and one by one."""
    sides: dict[str, tuple[list[Interval], list[Interval]]] = defaultdict(lambda: ([], []))
    for side, intervals in enumerate((found, true)):
        for one in intervals:
            sides[one.name][side].append(one)
    return [pair for name in sorted(sides) for pair in _matched(*sides[name])]


def _matched(found: list[Interval], true: list[Interval]) -> list[Pair]:
    if not found or not true:
        return []
    found, true = (sorted(side, key=lambda o: (o.onset, o.offset)) for side in (found, true))
    ious = np.array([[f.iou(t) for t in true] for f in found])
    # A pair more is worth more than any sum of IoU.
    worth = np.where(ious >= FOUND_IOU, ious + min(ious.shape) + 1, 0.0)
    rows, columns = linear_sum_assignment(worth, maximize=True)
    return [
        (found[i], true[j]) for i, j in zip(rows, columns, strict=True) if ious[i, j] >= FOUND_IOU
    ]


def _some(names: set[str]) -> str:
    first = [printable(name) for name in sorted(names)[:_SHOWN]]
    more = [f"{len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
    return ", ".join(first + more) or "none"


def _unusable(got: str, wanted: str, table: Path) -> UsageError:
    return UsageError(got, wanted=wanted, where=str(table), todo="correct the table")
