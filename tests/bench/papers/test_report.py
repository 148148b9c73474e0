"""The page shows rows between anchors, verdicts by paired differences, and what does not count."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from bench.papers import encoder
from bench.papers.data import FULL, _scripts
from bench.papers.designs import RATES, Anchors, Comparison, Lacking, Line, compared
from bench.papers.job import Claim, Row, Table
from bench.papers.protocol.claims import AGREES, CONTRADICTS, UNDECIDED, doubled, judge
from bench.papers.protocol.differences import estimate
from bench.papers.protocol.handmade import ClassifiedLandmarks
from bench.papers.protocol.methods import RecipeMethod
from bench.papers.protocol.training import FinalResult
from bench.papers.report import page, paper_verdicts
from bench.papers.runner import TableResults, _extractor
from fmdata.train.recipes.encoder import EncoderSettings
from fmdata.train.recipes.smate import SmateSettings

N = 24
NAMES = [f"s{i:02d}" for i in range(N)]
METHOD = RecipeMethod("smate", SmateSettings())
LINES = (
    Line("good", METHOD, ((),), {"accuracy": 0.9}),
    Line("bad", METHOD, ((),), {"accuracy": 0.8}),
)
ANCHORS = Anchors(0.25, Line("random", METHOD), Lacking("there is none"), "good")


def comparison(title: str = "P, Table 1", n_claims: int = 1) -> Comparison:
    claims = [Claim(f"claim {i}", "good", "bad", "accuracy") for i in range(n_claims)]
    table = Table(title, "About.", "smate", "expressions", ("accuracy",), [], claims)
    return Comparison(table, LINES, ANCHORS, ("accuracy",))


def finals(values: Mapping[str, Sequence[float]]) -> dict[tuple[str, int, int], FinalResult]:
    """Return results of rows: values of the subjects, spread over two folds."""
    return {
        (row, fold, 0): FinalResult(
            fold, {s: {"accuracy": v} for s, v in list(zip(NAMES, some, strict=True))[fold::2]}, {}
        )
        for row, some in values.items()
        for fold in range(2)
    }


def results(difference: float, spread: float = 0.1, seed: int = 0) -> TableResults:
    """Return results in which `good` is above `bad` by a difference that varies over subjects."""
    generator = np.random.default_rng(seed)
    bad = generator.uniform(0.2, 0.8, N)
    good = bad + difference + generator.normal(0, spread, N)
    rows = {"good": good, "bad": bad, "random": np.full(N, 0.25)}
    return TableResults(comparison(), {}, finals(rows))


@pytest.mark.parametrize(
    ("difference", "word"), [(0.2, AGREES), (-0.2, CONTRADICTS), (0.0, UNDECIDED)]
)
def test_a_claim_is_judged_by_paired_differences(difference: float, word: str) -> None:
    text = page({"p": [comparison()]}, {"p-table-1": results(difference)})
    line = next(line for line in text.splitlines() if line.startswith("- claim 0"))
    assert f"**{word}**" in line
    assert ("could be seen" in line) == (word == UNDECIDED)
    assert "the paper: +0.100" in line
    assert f"{N} subjects" in line


def test_a_row_stands_between_its_anchors_with_an_interval() -> None:
    found = results(0.2)
    lines = page({"p": [comparison()]}, {"p-table-1": found}).splitlines()
    assert any(line.startswith("| chance | 0.250 |") for line in lines)
    assert any(line.startswith("| random (untrained) | 0.250 [0.250, 0.250]") for line in lines)
    assert any(line.startswith("| good (ceiling) | 0.") for line in lines)
    assert "No hand-made anchor: there is none." in lines
    bad = [v["accuracy"] for r in found.finals.values() for v in r.by_subject.values()][N : 2 * N]
    expected = estimate(bad)
    row = next(line for line in lines if line.startswith("| bad |"))
    assert f"{expected.mean:.3f} [" in row


def test_verdicts_are_corrected_over_all_claims_of_a_paper() -> None:
    """A difference that one claim alone would decide stays undecided among twelve."""
    found = results(0.03)
    alone = comparison()
    many = [alone, comparison("P, Table 2", 11)]
    here = {"p-table-1": found}
    ((_, single),) = paper_verdicts([alone], here)["p-table-1"]
    ((_, among),) = paper_verdicts(many, here)["p-table-1"]
    assert single.word == AGREES
    assert among.word == UNDECIDED
    assert among.p == pytest.approx(12 * single.p)
    assert among.detectable > single.detectable
    # When the other claims turn out strong, this one is tested at a higher level.
    strong = replace(results(0.3), comparison=many[1])
    every = paper_verdicts(many, here | {"p-table-2": strong})
    ((_, last),) = every["p-table-1"]
    assert last.word == AGREES
    assert last.p == pytest.approx(single.p)


def test_a_row_counts_when_doubling_its_steps_moves_it_by_less_than_its_interval() -> None:
    full = dict(zip(NAMES, np.linspace(0.4, 0.6, N), strict=True))
    reach = estimate(list(full.values())).reach
    for moved, counts in ((reach / 2, True), (2 * reach, False), (-2 * reach, False)):
        found = doubled(full, {name: value - moved for name, value in full.items()})
        assert found is not None
        assert found.moved.mean == pytest.approx(moved)
        assert found.counts is counts
    assert doubled(full, {}) is None
    late = results(0.2)
    half = {"good": np.zeros(N), "bad": np.zeros(N)}
    text = page({"p": [comparison()]}, {"p-table-1": replace(late, halves=finals(half))})
    assert "**does not count**" in next(x for x in text.splitlines() if x.startswith("| bad |"))


def test_no_claim_is_no_verdict() -> None:
    assert judge([]) == []
    assert paper_verdicts([comparison()], {}) == {}


def test_every_row_of_a_table_has_as_many_trials() -> None:
    rows = [
        Row("slow", EncoderSettings(rate=1e-4)),
        Row("fast", EncoderSettings(rate=1e-2)),
    ]
    table = Table("2022, Table 1", "", "encoder", "personal", ("average_precision",), rows)
    found = compared(table)
    assert [row.trials for row in found.rows] == [
        (("rate=3e-05",), ("rate=0.0001",), ("rate=0.0003",)),
        (("rate=0.003",), ("rate=0.01",), ("rate=0.03",)),
    ]
    assert len(RATES) == 3
    assert table.name == "2022-table-1"
    with pytest.raises(ValueError, match="different numbers of trials"):
        Comparison(table, (*found.rows, Line("lazy", METHOD)), found.anchors, ("accuracy",))


def test_a_claim_or_an_anchor_about_no_row_is_refused() -> None:
    table = comparison().table
    with pytest.raises(ValueError, match="there is no row 'bad'"):
        Comparison(table, LINES[:1], ANCHORS, ("accuracy",))
    with pytest.raises(ValueError, match="there is no row 'ideal'"):
        Comparison(table, LINES, replace(ANCHORS, ceiling="ideal"), ("accuracy",))
    with pytest.raises(ValueError, match="two rows of one name"):
        Comparison(table, (*LINES, Line("random", ClassifiedLandmarks())), ANCHORS, ("accuracy",))


def test_every_table_of_the_page_has_a_design_and_a_name_of_its_own() -> None:
    from bench.papers.__main__ import PAPERS, comparisons

    every = [one for paper in PAPERS for one in comparisons(paper, 1.0)]
    assert len({one.name for one in every}) == len(every)
    for one in every:
        lacking = {name for name, of in one.anchors.named.items() if isinstance(of, Lacking)}
        assert lacking == ({"hand-made"} if one.table.recipe in ("rrl", "pcl") else set()), one.name
        half = next(h for p in PAPERS for h in comparisons(p, 0.5) if h.name == one.name)
        assert [row.name for row in half.rows] == [row.name for row in one.rows]


def test_no_extractor_has_seen_held_out_people_in_another_dataset() -> None:
    """An extractor is of the table's own dataset, or of a dataset of other people."""
    from bench.papers.__main__ import PAPERS, comparisons

    people = {name: script.seed for name, script in _scripts(FULL).items()}
    extractors = encoder.extractors(1.0)
    seen = set()
    for one in (one for paper in PAPERS for one in comparisons(paper, 1.0)):
        for name in {_extractor(row.method) for row in one.every_row} - {""}:
            of, dataset = extractors[name][0], one.table.dataset
            assert of == dataset or people[of] != people[dataset], one.name
            seen.add(name)
    assert seen == {*extractors}
