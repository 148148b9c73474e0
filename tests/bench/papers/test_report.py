"""The page shows means and spreads, and verdicts that respect the spread of the seeds."""

from collections.abc import Sequence

import pytest

from bench.papers.data import FULL, QUICK
from bench.papers.job import Claim, Result, Row, Table
from bench.papers.report import page
from fmdata.train.recipes.base import RecipeSettings

SEEDS = 0, 1, 2


def page_of(good: Sequence[float], bad: Sequence[float], number: str = "accuracy") -> str:
    rows = [Row("good", RecipeSettings(), {number: 0.9}), Row("bad", RecipeSettings())]
    claims = [Claim("good is better", "good", "bad", number)]
    table = Table("T", "About.", "smate", "expressions", (number,), rows, claims)
    results = {
        ("T", name, seed): Result({number: values[seed]}, [], 60.0)
        for name, values in (("good", good), ("bad", bad))
        for seed in SEEDS
    }
    return page([table], results, FULL)


@pytest.mark.parametrize(
    ("good", "bad", "verdict"),
    [
        ((0.7, 0.71, 0.72), (0.5, 0.51, 0.52), "agrees"),
        ((0.5, 0.51, 0.52), (0.7, 0.71, 0.72), "does not agree"),
        ((0.5, 0.9, 0.7), (0.6, 0.8, 0.65), "undecided"),
        ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "undecided"),
    ],
)
def test_a_claim_is_judged_by_the_spread_of_the_seeds(
    good: Sequence[float], bad: Sequence[float], verdict: str
) -> None:
    line = next(line for line in page_of(good, bad).splitlines() if line.startswith("- good"))
    assert f"**{verdict}" in line


def test_a_row_shows_mean_spread_and_the_figure_of_the_paper() -> None:
    lines = page_of((0.7, 0.71, 0.72), (0.5, 0.5, 0.5)).splitlines()
    assert "| good | 0.710 ± 0.010 | 0.9 |" in lines
    assert "| bad | 0.500 ± 0.000 |  |" in lines
    assert "6 trainings, 6 minutes of one core." in lines


def test_a_mark_that_was_never_reached_has_no_mean() -> None:
    lines = page_of((5, -1, 7), (-1, -1, -1), "epochs_to_0.8").splitlines()
    assert any(line.startswith("| good | 5, never, 7 |") for line in lines)
    assert any(line.startswith("| bad | never, never, never |") for line in lines)


def test_every_size_has_a_positive_pair_of_compounds() -> None:
    assert min(FULL.copies, QUICK.copies) >= 2
