"""Targets of the rows, and the checks whether the measured values meet them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.fidelity.measure import Result
from bench.fidelity.plain import METHODS, OURS
from bench.fidelity.rows import BESIDE, DEFAULT, ELSE, STILL
from bench.fidelity.spotting import Case, Score, score


@dataclass(frozen=True)
class Check:
    """One target and its measured value.

    Attributes
    ----------
    what : str
        Rows and measure.
    wanted : str
        Target, formatted.
    got : str
        Measured value, formatted.
    met : bool
        True if the value meets the target.
    """

    what: str
    wanted: str
    got: str
    met: bool


def checks(results: Sequence[Result]) -> list[Check]:
    """Return the checks of all targets whose rows were measured."""
    by_name = {result.row.name: result for result in results}
    cases = {name: result.cases for name, result in by_name.items()}
    return [
        *_default_checks(cases),
        *_difficult_checks(cases),
        *_else_checks(cases),
        *_heads_checks(cases),
        *_still_checks(cases),
        *_alignment_checks(by_name),
    ]


def _default_checks(cases: Mapping[str, list[Case]]) -> list[Check]:
    names = [name for name in DEFAULT if name in cases]
    if not names:
        return []
    s, of = score([case for name in names for case in cases[name]]), ", ".join(names)
    return [
        at_most(f"{of}: onset, mean error in frames", s.onset.mean_absolute, 1.0),
        at_most(f"{of}: offset, mean error in frames", s.offset.mean_absolute, 1.5),
        at_least(f"{of}: apex inside the plateau", s.plateau, 0.95),
        at_least(f"{of}: IoU ≥ 0.5", s.iou_50, 1.0),
        at_least(f"{of}: IoU ≥ 0.8", s.iou_80, 0.97),
        at_least(f"{of}: style right", s.style, 0.98),
    ]


def _difficult_checks(cases: Mapping[str, list[Case]]) -> list[Check]:
    found: list[Check] = []
    if "head strong" in cases:
        s = score(cases["head strong"])
        found += [
            at_most("head strong: onset, mean error in frames", s.onset.mean_absolute, 1.5),
            at_most("head strong: offset, mean error in frames", s.offset.mean_absolute, 2.0),
            at_least("head strong: mean IoU", s.iou, 0.94, share=False),
        ]
    if "quarter" in cases:
        s = score(cases["quarter"])
        found += [
            at_least("quarter: mean IoU", s.iou, 0.85, share=False),
            at_most("quarter: missed", s.missed, 0.05, share=True),
        ]
    if "flash" in cases:
        s = score(cases["flash"])
        found += [
            at_least("flash: found", 1 - s.missed, 0.95),
            at_least("flash: found and flagged", s.flash, 0.95),
        ]
    for name in ("winks", "brows"):
        if name in cases:
            found.append(at_least(f"{name}: IoU ≥ 0.5", score(cases[name]).iou_50, 0.95))
    return found


def _else_checks(cases: Mapping[str, list[Case]]) -> list[Check]:
    found = []
    for name in ELSE:
        if name in cases:
            s = score(cases[name])
            found += [
                at_most(f"{name}: onset, mean error in frames", s.onset.mean_absolute, 1.5),
                at_most(f"{name}: offset, mean error in frames", s.offset.mean_absolute, 2.0),
                at_most(f"{name}: missed", s.missed, 0.05, share=True),
            ]
    return found


def _heads_checks(cases: Mapping[str, list[Case]]) -> list[Check]:
    found = []
    for name in BESIDE:
        if name in cases:
            s = score(cases[name])
            found += [
                at_most(f"{name}: onset, mean error in frames", s.onset.mean_absolute, 1.5),
                at_most(f"{name}: offset, mean error in frames", s.offset.mean_absolute, 1.5),
                at_least(f"{name}: IoU ≥ 0.5", s.iou_50, 0.98),
            ]
    return found


def _still_checks(cases: Mapping[str, list[Case]]) -> list[Check]:
    still = [case for name in STILL for case in cases.get(name, [])]
    if not still:
        return []
    return [at_most("still faces: called a motion", score(still).false_alarms, 0.02, share=True)]


def _alignment_checks(by_name: Mapping[str, Result]) -> list[Check]:
    found = []
    for name in ("default", "head strong"):
        if name in by_name:
            rms = pooled([wobble.found for wobble in by_name[name].wobbles])
            found.append(at_most(f"{name}: stable points in the crop, RMS in pixels", rms, 0.5))
    shares = [share for result in by_name.values() for share in result.inside.values()]
    if shares:
        found.append(at_least("landmarks inside the crop, jaw dropped", min(shares), 1.0))
    return found


def checks_of_sentence(sentence: Case) -> list[Check]:
    """Return the checks of the spoken sentence."""
    truth, motion = sentence.truth, sentence.motion
    found = []
    for event, within in (("onset", 3), ("offset", 4)):
        frame, true = getattr(motion, event, None), getattr(truth, event)
        met = frame is not None and abs(frame - true) <= within
        found.append(Check(f"{truth.path}: {event}", f"{true} ± {within}", str(frame), met))
    return found


def checks_of_marked(cases: Mapping[str, list[Case]]) -> list[Check]:
    """Return the checks of the marked motions; `cases` by the method's name."""
    scores = {name: score(some) for name, some in cases.items()}
    ours = scores[OURS]
    worst = max(ours.onset.worst, ours.offset.worst)
    found = [
        at_most("marked motions: missed", ours.missed, 0.0, share=True),
        at_most("marked motions: onset, mean error in frames", ours.onset.mean_absolute, 0.5),
        at_most("marked motions: offset, mean error in frames", ours.offset.mean_absolute, 1.5),
        at_most("marked motions: largest error in frames", worst, 4.0),
    ]
    for name in METHODS:
        behind = [
            what for what, value in columns(scores[name]).items() if value < columns(ours)[what]
        ]
        what = f"marked motions: not behind the method `{name}`"
        found.append(Check(what, "in every column", ", ".join(behind) or "in none", not behind))
    return found


def columns(s: Score) -> dict[str, float]:
    """Return the columns of the table of real motions; less is better in each."""
    return {
        "onset": s.onset.mean_absolute,
        "onset beyond 2": 1 - s.near_onset,
        "onset, worst": s.onset.worst,
        "offset": s.offset.mean_absolute,
        "offset, worst": s.offset.worst,
        "missed": s.missed,
        "style wrong": 1 - s.style,
    }


def at_most(what: str, got: float, wanted: float, *, share: bool = False) -> Check:
    """Check a measure that should be small; NaN fails."""
    return Check(what, f"≤ {shown(wanted, share)}", shown(got, share), got <= wanted)


def at_least(what: str, got: float, wanted: float, *, share: bool = True) -> Check:
    """Check a measure that should be large; NaN fails."""
    target = "all" if share and wanted == 1 else f"≥ {shown(wanted, share)}"
    return Check(what, target, shown(got, share), got >= wanted)


def shown(value: float, share: bool) -> str:
    """Format a share in percent, or a number; only an exact 1 is shown as 100 %."""
    if np.isnan(value):
        return "–"
    if not share:
        return f"{value:.3g}"
    return "99.9 %" if 0.999 < value < 1 else f"{round(100 * value, 1):g} %"


def pooled(values: Sequence[float]) -> float:
    """Pool the RMS values of clips into one RMS; NaN is ignored."""
    return float(np.sqrt(np.nanmean(np.square(values))))
