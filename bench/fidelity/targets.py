"""What is asked of the rows, and whether it was reached: computed, never written by hand."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.fidelity.measure import Result
from bench.fidelity.rows import DEFAULT, STILL
from bench.fidelity.spotting import Case, score


@dataclass(frozen=True)
class Check:
    """One figure asked for.

    Attributes
    ----------
    what : str
        Of which rows, and which measure.
    wanted : str
        For the reader.
    got : str
        Likewise.
    met : bool
        Whether it is.
    """

    what: str
    wanted: str
    got: str
    met: bool


def checks(results: Sequence[Result]) -> list[Check]:
    """Every figure asked for of simulated rows that were measured."""
    by_name = {result.row.name: result for result in results}

    def cases(*names: str) -> list[Case]:
        return [c for name in names if name in by_name for c in by_name[name].cases]

    found: list[Check] = []
    if full := cases(*DEFAULT):
        s, of = score(full), ", ".join(name for name in DEFAULT if name in by_name)
        found += [
            at_most(f"{of}: onset, mean error in frames", s.onset.mean_absolute, 1.0),
            at_most(f"{of}: offset, mean error in frames", s.offset.mean_absolute, 1.5),
            at_least(f"{of}: apex inside the plateau", s.plateau, 0.95),
            at_least(f"{of}: IoU ≥ 0.5", s.iou_half, 1.0),
            at_least(f"{of}: IoU ≥ 0.8", s.iou_most, 0.97),
            at_least(f"{of}: style right", s.style, 0.98),
        ]
    if strong := cases("head strong"):
        s = score(strong)
        found += [
            at_most("head strong: onset, mean error in frames", s.onset.mean_absolute, 1.5),
            at_most("head strong: offset, mean error in frames", s.offset.mean_absolute, 2.0),
            at_least("head strong: mean IoU", s.iou, 0.94, share=False),
        ]
    if quarter := cases("quarter"):
        s = score(quarter)
        found += [
            at_least("quarter: mean IoU", s.iou, 0.85, share=False),
            at_most("quarter: missed", s.missed, 0.05, share=True),
        ]
    if flash := cases("flash"):
        s = score(flash)
        found += [
            at_least("flash: found", 1 - s.missed, 0.95),
            at_least("flash: found and flagged", s.flash, 0.95),
        ]
    for name in ("winks", "brows"):
        if one := cases(name):
            found.append(at_least(f"{name}: IoU ≥ 0.5", score(one).iou_half, 0.95))
    if still := cases(*STILL):
        alarms = score(still).false_alarms
        found.append(at_most("still faces: called a motion", alarms, 0.02, share=True))
    for name in ("default", "head strong"):
        if name in by_name:
            rms = pooled([wobble.found for wobble in by_name[name].wobbles])
            found.append(at_most(f"{name}: stable points in the crop, RMS in pixels", rms, 0.5))
    shares = [share for result in results for share in result.inside.values()]
    if shares:
        found.append(at_least("landmarks inside the crop, jaw dropped", min(shares), 1.0))
    return found


def checks_of_real(sentence: Case, actions: Sequence[Case]) -> list[Check]:
    """Every figure asked for of real recordings."""
    truth, motion = sentence.truth, sentence.motion
    found = []
    for event, within in (("onset", 3), ("offset", 4)):
        frame, true = getattr(motion, event, None), getattr(truth, event)
        met = frame is not None and abs(frame - true) <= within
        found.append(Check(f"{truth.path}: {event}", f"{true} ± {within}", str(frame), met))
    for event in ("onset", "offset"):
        errors = [getattr(c.motion, event, np.nan) - getattr(c.truth, event) for c in actions]
        size, bias = float(np.mean(np.abs(errors))), float(np.mean(errors))
        found.append(at_most(f"posed actions: {event}, mean error in frames", size, 2.0))
        near = abs(bias) <= 1.5
        found.append(Check(f"posed actions: {event}, bias", "within ± 1.5", f"{bias:+.2f}", near))
    return found


def at_most(what: str, got: float, wanted: float, *, share: bool = False) -> Check:
    """Check a measure that should be small; NaN is not."""
    return Check(what, f"≤ {shown(wanted, share)}", shown(got, share), got <= wanted)


def at_least(what: str, got: float, wanted: float, *, share: bool = True) -> Check:
    """Check a measure that should be large; NaN is not."""
    asked = "all" if share and wanted == 1 else f"≥ {shown(wanted, share)}"
    return Check(what, asked, shown(got, share), got >= wanted)


def shown(value: float, share: bool) -> str:
    """Return a share in percent, or a number; 100 % is all of them, without rounding."""
    if np.isnan(value):
        return "–"
    if not share:
        return f"{value:.3g}"
    return "99.9 %" if 0.999 < value < 1 else f"{round(100 * value, 1):g} %"


def pooled(values: Sequence[float]) -> float:
    """RMS of what are RMS values of clips; NaN ones left out."""
    return float(np.sqrt(np.nanmean(np.square(values))))
