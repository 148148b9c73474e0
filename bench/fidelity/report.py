"""Tables of the fidelity benchmark, for the terminal and for its page."""

from collections.abc import Mapping, Sequence

import numpy as np

from bench.fidelity.measure import Result
from bench.fidelity.plain import METHODS, OURS
from bench.fidelity.rows import BESIDE
from bench.fidelity.spotting import Case, Error, score
from bench.fidelity.targets import Check, columns, pooled, shown
from bench.page import Marks, Table, markdown

FIGURES = Marks("figures", "bench-fidelity")
SPOTTING = [
    "row", "n", "onset", "apex", "offset", "IoU", "≥ 0.5", "≥ 0.8", "style", "plateau", "± 1",
    "flash", "missed", "false",
]  # fmt: skip
ALIGNMENT = [
    "row", "found, neutral", "found, all", "true, neutral", "true, all", "worst", "best possible",
    "inside 64", "112", "224",
]  # fmt: skip

# Measures of the table of methods, and of each the formatted value.
_MEASURES = ("onset", "offset", "missed", "false")


def methods_table(results: Sequence[Result]) -> Table:
    """Return the table of our method and the plain ones, a row for each set of recordings."""
    names = (OURS, *METHODS)
    head = [f"{measure}: {name}" for measure in _MEASURES for name in names]
    return [["row", *head], *map(_methods_cells, results)]


def _methods_cells(result: Result) -> list[str]:
    scores = [score(cases) for cases in (result.cases, *result.plain.values())]
    by_measure = (
        [_mean(s.onset) for s in scores],
        [_mean(s.offset) for s in scores],
        [shown(s.missed, True) for s in scores],
        [shown(s.false_alarms, True) for s in scores],
    )
    return [result.row.name, *(cell for cells in by_measure for cell in cells)]


def _mean(error: Error) -> str:
    return "–" if np.isnan(error.mean_absolute) else f"{error.mean_absolute:.2f}"


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


def heads_table(results: Sequence[Result]) -> Table:
    """Return the table of the rows of heads, each below the row of portraits of its kind."""
    by_name = {result.row.name: result for result in results}
    rows = [
        spotting_cells(name, by_name[name].cases)
        for heads, portraits in BESIDE.items()
        if heads in by_name
        for name in (portraits, heads)
        if name in by_name
    ]
    return [SPOTTING, *rows]


def alignment_table(results: Sequence[Result]) -> Table:
    """Return the table of alignment."""
    return [ALIGNMENT, *map(alignment_cells, results)]


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


def marked_tables(cases: Mapping[str, Sequence[Case]]) -> tuple[Table, Table]:
    """Return the measures of each method on the marked motions, and each motion as it was found.

    Parameters
    ----------
    cases : mapping of str to sequence of Case
        By the method's name; ours and the plain ones, of the same motions in the same order.
    """
    scores = {name: columns(score(some)) for name, some in cases.items()}
    shares = ("onset beyond 2", "missed", "style wrong")
    measures: Table = [["method", *next(iter(scores.values()))]]
    for name, values in scores.items():
        cells = (shown(v, True) if w in shares else f"{v:.2f}" for w, v in values.items())
        measures.append([name, *cells])
    found: Table = [["motion", "marked", *cases]]
    for motion in zip(*cases.values(), strict=True):
        found.append([motion[0].truth.path, _marks(motion[0]), *map(_found, motion)])
    return measures, found


def sentence_table(sentence: Case) -> Table:
    """Return the table of the spoken sentence."""
    return [["sentence", "true", OURS], [sentence.truth.path, _marks(sentence), _found(sentence)]]


def _marks(case: Case) -> str:
    onset, offset = case.true_span("onset"), case.true_span("offset")
    assert onset is not None
    assert offset is not None
    first = f"{onset[0]:g}" if onset[0] == onset[1] else f"{onset[0]:g}–{onset[1]:g}"
    return f"{first} to {'the end' if case.truth.style == 'hold' else f'{offset[0]:g}'}"


def _found(case: Case) -> str:
    motion = case.motion
    if motion is None:
        return "none"
    return f"{motion.onset} to {'the end' if motion.style == 'hold' else motion.offset}"


def page(
    command: str,
    results: Sequence[Result],
    real: Sequence[tuple[str, Table]],
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
    real : sequence of (str, Table)
        Tables of the real recordings, each with its title.
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
        "## Methods",
        markdown(methods_table(results)),
    ]
    more = [
        ("Heads beside portraits", heads_table(results)),
        ("Alignment", alignment_table(results)),
    ]
    parts += [f"## {title}\n\n{markdown(table)}" for title, table in (*more, *real)]
    parts.append(f"![Intensity curves with true and found motions]({picture})")
    return "\n\n".join(parts)


def _error(error: Error) -> str:
    if np.isnan(error.median):
        return "–"
    return f"{error.median:+g} / {error.mean_absolute:.2f} ({error.mean_absolute_ms:.0f} ms)"
