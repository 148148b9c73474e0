"""The page: each table between its anchors, with intervals, and a verdict on each claim."""

from collections.abc import Mapping, Sequence

import numpy as np

from bench.page import Marks, markdown
from bench.papers.designs import Comparison, Lacking
from bench.papers.job import Claim
from bench.papers.protocol.claims import Verdict, doubled, judge, values_of
from bench.papers.protocol.differences import estimate, paired
from bench.papers.protocol.training import FinalResult
from bench.papers.runner import TableResults

FIGURES = Marks("comparisons", "bench-papers")
NONE = "–"


def page(papers: Mapping[str, Sequence[Comparison]], results: Mapping[str, TableResults]) -> str:
    """Return all tables that have results as Markdown.

    Parameters
    ----------
    papers : mapping
        All tables of each paper, measured or not: Holm's correction counts their claims.
    results : mapping
        Results by the name of the table.
    """
    parts = []
    for tables in papers.values():
        measured = [table for table in tables if table.name in results]
        verdicts = paper_verdicts(tables, results)
        for table in measured:
            parts.append(_table_text(results[table.name], verdicts.get(table.name, [])))
    return "\n\n".join(parts)


def paper_verdicts(
    tables: Sequence[Comparison], results: Mapping[str, TableResults]
) -> dict[str, list[tuple[Claim, Verdict]]]:
    """Judge the measured claims of a paper together; return them by the name of their table."""
    claims = [(table, claim) for table in tables if table.name in results for claim in table.claims]
    differences = []
    known = []
    for table, claim in claims:
        more, less = (
            _values(results[table.name], name, claim.number) for name in (claim.more, claim.less)
        )
        if more.keys() & less.keys():
            differences.append(paired(more, less))
            known.append((table, claim))
    n_claims = sum(len(table.claims) for table in tables)
    found: dict[str, list[tuple[Claim, Verdict]]] = {}
    for (table, claim), verdict in zip(known, judge(differences, n_claims), strict=True):
        found.setdefault(table.name, []).append((claim, verdict))
    return found


def _table_text(results: TableResults, verdicts: Sequence[tuple[Claim, Verdict]]) -> str:
    table = results.comparison
    parts = [
        f"### {table.table.title}",
        table.table.about,
        _design(results),
        markdown(_cells(results)),
    ]
    lacking = [
        f"No {name} anchor: {one.reason}."
        for name, one in table.anchors.named.items()
        if isinstance(one, Lacking)
    ]
    parts += ["\n".join(lacking)] if lacking else []
    if impostors := _impostors(results):
        parts += ["Error rates of all held-out subjects of a fold together, means over the folds; "
                  "thresholds are those of the inner subjects.", markdown(impostors)]  # fmt: skip
    if verdicts:
        parts.append("\n".join(_line(table, claim, verdict) for claim, verdict in verdicts))
    return "\n\n".join(parts)


def _design(results: TableResults) -> str:
    folds = sorted({fold for _, fold, _ in results.finals})
    subjects = {s for result in results.finals.values() for s in result.by_subject}
    seconds = sum(r.seconds for r in {id(r): r for r in results.finals.values()}.values())
    table = results.comparison
    n_trials = max((len(c.means) for c in results.choices.values()), default=0) or 1
    return (
        f"{len(subjects)} held-out subjects in {len(folds)} folds, {len(table.seeds)} seed(s); "
        f"{n_trials} trial(s) of each row, chosen by the inner subjects of each fold. Means over "
        f"held-out subjects with 95 % intervals by the bootstrap over subjects. Final trainings: "
        f"{seconds / 60:.0f} minutes of one core."
    )


def _cells(results: TableResults) -> list[list[str]]:
    table = results.comparison
    head = ["", *(number.replace("_", " ") for number in table.numbers), "when doubled"]
    rows = [head, ["chance", _chance(results), *[NONE] * len(table.numbers)]]
    anchors = table.anchor_of
    for row in table.every_row:
        name = f"{row.name} ({anchors[row.name]})" if row.name in anchors else row.name
        cells = [_cell(_values(results, row.name, number)) for number in table.numbers]
        rows.append([name, *cells, _doubled(results, row.name)])
    return rows


def _cell(values: Mapping[str, float]) -> str:
    if not values:
        return NONE
    found = estimate(list(values.values()))
    if np.isnan(found.low):
        return f"{found.mean:.3f}"
    return f"{found.mean:.3f} [{found.low:.3f}, {found.high:.3f}]"


def _chance(results: TableResults) -> str:
    chance = results.comparison.anchors.chance
    if not isinstance(chance, str):
        return f"{chance:.3f}"
    values = [
        value
        for row in results.comparison.every_row
        for value in _values(results, row.name, chance).values()
    ]
    return f"{np.mean(values):.3f}" if values else NONE


def _doubled(results: TableResults, row: str) -> str:
    number = results.comparison.numbers[0]
    half = values_of(_of(results.halves, row), number)
    some = doubled(_values(results, row, number), half)
    if some is None or np.isnan(some.reach):
        return NONE
    counts = "" if some.counts else ": **does not count**"
    return f"{some.moved.mean:+.3f}{counts}"


def _line(table: Comparison, claim: Claim, verdict: Verdict) -> str:
    figures = {row.name: row.paper.get(claim.number) for row in table.every_row}
    more, less = figures[claim.more], figures[claim.less]
    paper = "" if more is None or less is None else f"; the paper: {more - less:+.3f}"
    return f"- {claim.sentence}: **{verdict.word}** ({verdict}{paper})"


def _impostors(results: TableResults) -> list[list[str]]:
    """Return EER by kind of impostor and FRR by enrolment of each row that verifies."""
    columns: dict[str, None] = {}
    found: dict[str, dict[str, list[float]]] = {}
    for row in results.comparison.every_row:
        for result in _of(results.finals, row.name):
            for name, value in _rates(result):
                columns[name] = None
                found.setdefault(row.name, {}).setdefault(name, []).append(value)
    if not columns:
        return []
    rows = [["", *columns]]
    for row_name, numbers in found.items():
        cells = [f"{np.mean(numbers[c]):.3f}" if c in numbers else NONE for c in columns]
        rows.append([row_name, *cells])
    return rows


def _rates(result: FinalResult) -> list[tuple[str, float]]:
    facts = result.verification
    if not facts:
        return []
    rates = [(f"EER, {name}", group["eer"][0]) for name, group in facts["groups"].items()]
    rates += [
        (f"FRR at FAR 1 %, {row['enrolled']} enrolled", row["frr"][0])
        for row in facts["operated"]
        if (row["by"], row["wanted_far"]) == ("mean", 0.01)
    ]
    rates += [
        (f"FRR, {row['condition']} {row['level']}", row["frr"][0])
        for row in facts["conditions"]
        if row["condition"] == "day"
    ]
    return [(name, value) for name, value in rates if value is not None]


def _values(results: TableResults, row: str, number: str) -> dict[str, float]:
    return values_of(_of(results.finals, row), number)


def _of(found: Mapping[tuple[str, int, int], FinalResult], row: str) -> list[FinalResult]:
    return [result for (name, _, _), result in found.items() if name == row]
