"""The picture of a table: rows between their anchors, and the curves of their trainings."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from bench.papers.protocol.claims import values_of
from bench.papers.protocol.differences import estimate
from bench.papers.protocol.training import FinalResult
from bench.papers.runner import TableResults

GROUPS = {"train": ":", "inner": "--", "held_out": "-"}


def draw_table(results: TableResults, path: Path) -> None:
    """Draw the first number of every row with its interval, and the rows' curves over epochs."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
    _rows(left, results)
    _curves(right, results)
    figure.suptitle(results.comparison.table.title, fontsize=10)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)


def _rows(ax: Axes, results: TableResults) -> None:
    table = results.comparison
    names = [row.name for row in table.every_row]
    for place, name in enumerate(names):
        values = values_of(_finals(results, name), table.numbers[0])
        if values:
            found = estimate(list(values.values()))
            reach = np.nan_to_num([[found.mean - found.low], [found.high - found.mean]])
            colour = "grey" if name in table.anchor_of else "C0"
            ax.errorbar(found.mean, place, xerr=reach, fmt="o", color=colour, capsize=3)
    ax.set_yticks(range(len(names)), names, fontsize=8)
    ax.invert_yaxis()
    ax.set_xlabel(f"{table.numbers[0].replace('_', ' ')}, 95 % intervals over subjects")
    ax.grid(alpha=0.3, axis="x")


def _curves(ax: Axes, results: TableResults) -> None:
    number = results.comparison.numbers[0]
    for i, row in enumerate(results.comparison.rows):
        for group, style in GROUPS.items():
            epochs, means = _mean_curve(_finals(results, row.name), group, number)
            label = row.name if group == "held_out" else None
            ax.plot(epochs, means, style, color=f"C{i % 10}", label=label, linewidth=1)
    ax.set(xlabel="epoch of the last phase", ylabel=number.replace("_", " "))
    ax.set_title("training subjects dotted, inner dashed, held-out solid", fontsize=9)
    ax.grid(alpha=0.3)
    ax.legend(fontsize=7)


def _mean_curve(
    finals: Sequence[FinalResult], group: str, number: str
) -> tuple[list[int], list[float]]:
    """Return the epochs of all folds' snapshots, and the mean of a group's number at each."""
    values: dict[int, list[float]] = {}
    for result in finals:
        for point in result.curve:
            if number in point[group]:
                values.setdefault(point["epoch"] + 1, []).append(point[group][number])
    return sorted(values), [float(np.mean(values[epoch])) for epoch in sorted(values)]


def _finals(results: TableResults, row: str) -> list[FinalResult]:
    return [result for (name, _, _), result in results.finals.items() if name == row]
