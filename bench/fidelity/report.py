"""Tables of the fidelity benchmark, for the terminal and for its page."""

from collections.abc import Sequence

import numpy as np

from bench.fidelity.measure import Result
from bench.fidelity.spotting import Case, Error, iou, score
from bench.fidelity.targets import Check, pooled, shown
from bench.page import Marks, markdown

FIGURES = Marks("figures", "bench-fidelity")
SPOTTING = [
    "row", "n", "onset", "apex", "offset", "IoU", "≥ 0.5", "≥ 0.8", "style", "plateau", "± 1",
    "flash", "missed", "false",
]  # fmt: skip
ALIGNMENT = [
    "row", "found, neutral", "found, all", "true, neutral", "true, all", "worst", "best possible",
    "inside 64", "112", "224",
]  # fmt: skip


def spotting_cells(name: str, cases: Sequence[Case]) -> list[str]:
    """Return one row of the spotting table."""
    s = score(cases)
    shares = (s.style, s.plateau, s.near_plateau, s.flash, s.missed, s.false_alarms)
    return [
        name,
        str(s.n),
        *(_error(e) for e in (s.onset, s.apex, s.offset)),
        "–" if np.isnan(s.iou) else f"{s.iou:.3f}",
        *(shown(share, True) for share in (s.iou_50, s.iou_80, *shares)),
    ]


def alignment_cells(result: Result) -> list[str]:
    """Return one row of the alignment table, over all clips; `worst` is the worst clip's."""
    wobbles = result.wobbles
    names = ("found_neutral", "found", "true_neutral", "true")
    figures = [pooled([getattr(wobble, name) for wobble in wobbles]) for name in names]
    figures += [max(wobble.true for wobble in wobbles), pooled([w.best for w in wobbles])]
    shares = [shown(share, True) for share in result.inside.values()] or ["–"] * 3
    return [result.row.name, *(f"{figure:.2f}" for figure in figures), *shares]


def check_cells(check: Check) -> list[str]:
    """Return one row of the table of targets."""
    return [check.what, check.wanted, check.got, "met" if check.met else "**not met**"]


def real_cells(case: Case) -> list[str]:
    """Return one row of the table of real recordings."""
    truth, motion = case.truth, case.motion
    found = "none" if motion is None else f"{motion.onset} to {motion.offset}"
    return [truth.path, f"{truth.onset} to {truth.offset}", found, f"{iou(case):.2f}"]


def page(
    command: str,
    results: Sequence[Result],
    real: Sequence[Case],
    found: Sequence[Check],
    picture: str,
) -> str:
    """Return the text between the page's two marks.

    Parameters
    ----------
    command : str
        Command that reproduces the figures.
    results : sequence of Result
        Results of the simulated rows.
    real : sequence of Case
        Cases of the real recordings.
    found : sequence of Check
        Checks of all targets.
    picture : str
        Address of the picture, relative to the page.
    """
    dropped = sum(result.dropped for result in results)
    n = sum(len(result.cases) for result in results)
    parts = [
        f"`{command}`: {n} simulated recordings, {dropped} of them dropped.",
        "## Targets",
        markdown([["", "target", "measured", ""], *map(check_cells, found)]),
        "## Spotting",
        markdown([SPOTTING, *(spotting_cells(r.row.name, r.cases) for r in results)]),
        "## Alignment",
        markdown([ALIGNMENT, *map(alignment_cells, results)]),
    ]
    if real:
        table = [["", "true", "found", "IoU"], *map(real_cells, real)]
        parts += ["## Real recordings", markdown(table)]
    parts.append(f"![Intensity curves with true and found motions]({picture})")
    return "\n\n".join(parts)


def _error(error: Error) -> str:
    if np.isnan(error.median):
        return "–"
    return f"{error.median:+g} / {error.mean_absolute:.2f} ({error.mean_absolute_ms:.0f} ms)"
