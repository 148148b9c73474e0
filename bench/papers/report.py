"""The page: each table beside the paper's figures, and a verdict on each claim."""

from collections.abc import Sequence
from math import sqrt
from typing import TypeAlias

from bench.page import Marks, markdown
from bench.papers.data import Size
from bench.papers.job import Claim, Result, Row, Table, mean_and_spread

FIGURES = Marks("comparisons", "bench-papers")
Results: TypeAlias = dict[tuple[str, str, int], Result]
"""By the table's title, the row's name, and the seed."""


def page(tables: Sequence[Table], results: Results, size: Size) -> str:
    """Return all tables and verdicts as Markdown."""
    trained = {id(result): result.seconds for result in results.values()}
    parts = [
        f"{size.subjects} subjects with {size.motions} motions of their own and {size.takes} takes "
        f"of each, and as many with words of their own too; {size.people} heads in three "
        f"dimensions with seven shared actions and {size.shared_takes} takes of each, and "
        f"{size.turned} others that turn by up to 40 degrees; amplitude, tempo, light and head "
        "motion vary, one motion in eight is a flash, both styles. Subject-disjoint. Numbers are "
        "means over "
        f"{len(tables[0].seeds)} seeds ± their standard deviation.",
        f"{len(trained)} trainings, {sum(trained.values()) / 60:.0f} minutes of one core.",
    ]
    for table in tables:
        parts += [f"### {table.title}", table.about, markdown(_cells(table, results))]
        if table.claims:
            parts.append(
                "\n".join(f"- {_verdict(claim, table, results)}" for claim in table.claims)
            )
    return "\n\n".join(parts)


def _cells(table: Table, results: Results) -> list[list[str]]:
    reported = {name for row in table.rows for name in row.paper}
    head = [""]
    for number in table.numbers:
        head += [number.replace("_", " "), *(["paper"] if number in reported else [])]
    rows = [head]
    for row in table.rows:
        cells = [row.name]
        for number in table.numbers:
            cells.append(_cell(table, row, results, number))
            if number in reported:
                cells.append(f"{row.paper[number]:g}" if number in row.paper else "")
        rows.append(cells)
    return rows


def _cell(table: Table, row: Row, results: Results, number: str) -> str:
    values = _values(table, row, results, number)
    if number.startswith("epochs_to"):  # a count that may never be reached has no mean
        return ", ".join("never" if value < 0 else f"{value:g}" for value in values)
    mean, spread = mean_and_spread(values)
    return f"{mean:.3f} ± {spread:.3f}"


def _values(table: Table, row: Row, results: Results, number: str) -> list[float]:
    return [results[table.title, row.name, seed].numbers[number] for seed in table.seeds]


def _figures(table: Table, row: Row, results: Results, number: str) -> tuple[float, float]:
    return mean_and_spread(_values(table, row, results, number))


def _verdict(claim: Claim, table: Table, results: Results) -> str:
    """Return the verdict on a claim: the difference of two rows against its standard error."""
    rows = {row.name: row for row in table.rows}
    more, a = _figures(table, rows[claim.more], results, claim.number)
    less, b = _figures(table, rows[claim.less], results, claim.number)
    difference = more - less
    error = sqrt((a**2 + b**2) / len(table.seeds))
    if abs(difference) <= 2 * error or difference == 0:
        verdict = "undecided: within the spread of the seeds"
    else:
        verdict = "agrees" if difference > 0 else "does not agree"
    return f"{claim.sentence}: **{verdict}** ({difference:+.3f} ± {error:.3f})"
