"""A table runs from extractors to held-out numbers on real datasets, and resumes."""

import json
from dataclasses import replace

import pytest

from bench.papers.designs import Comparison, compared
from bench.papers.job import Claim, Row, Table
from bench.papers.report import page
from bench.papers.runner import Plan, TableResults, Workshop
from fmdata.catalog import Dataset
from fmdata.train.networks.sequence import SequenceShape
from fmdata.train.recipes.encoder import EncoderSettings
from fmdata.train.recipes.landmarks import ExtractorSettings, LandmarkSettings
from tests.helpers.drawn_faces import write_dataset

pytestmark = [pytest.mark.slow, pytest.mark.long]

SHAPE = ExtractorSettings(size=32, width=0.125, frames=4, epochs=1, steps=2, batch=16)
TINY = EncoderSettings(
    extractor="SFE-L",
    landmarks=SHAPE,
    sequence=SequenceShape(embedding=8, layers=1, heads=2, feedforward=16),
    epochs=2,
    steps=4,
)
NUMBERS = ("average_precision",)


def comparisons(scale: float) -> list[Comparison]:
    settings = replace(TINY, steps=max(1, round(TINY.steps * scale)))
    rows = [
        Row("contrastive", settings, {NUMBERS[0]: 0.9}),
        Row("n-pair", replace(settings, loss="n_pair"), {NUMBERS[0]: 0.8}),
    ]
    claims = [Claim("contrastive is better", "contrastive", "n-pair", NUMBERS[0])]
    return [compared(Table("2022, T", "About.", "encoder", "personal", NUMBERS, rows, claims))]


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    folder = tmp_path_factory.mktemp("bench")
    folds = {"a": 1, "b": 4, "c": 7}
    dataset = write_dataset(folder / "personal", folds)
    extractors = {"SFE-L": ("personal", LandmarkSettings(**SHAPE.to_json()))}
    plan = Plan(folds=3, measured=2, trials=2, tuning=0.5, doubling=1)
    return Workshop(folder, {"personal": dataset}, extractors, plan, workers=1)


@pytest.fixture(scope="module")
def results(workshop: Workshop) -> TableResults:
    return workshop.run(comparisons, "2022-t")


def test_every_row_and_anchor_is_measured_on_every_fold(
    results: TableResults, workshop: Workshop
) -> None:
    names = {
        "contrastive", "n-pair", "random sequence encoder", "whitened landmarks",
        "whitened landmarks at known peaks",
    }  # fmt: skip
    assert set(results.finals) == {(name, fold, 0) for name in names for fold in (0, 1)}
    assert set(results.choices) == {(row, f) for row in ("contrastive", "n-pair") for f in (0, 1)}
    assert all(len(choice.means) == 2 for choice in results.choices.values())
    assert set(results.halves) == {("contrastive", 0, 0), ("n-pair", 0, 0)}
    held_out = [s for f in (0, 1) for s in results.finals["n-pair", f, 0].by_subject]
    assert len(held_out) == len(set(held_out)) == 2
    for found in results.finals.values():
        assert all("eer" in numbers for numbers in found.by_subject.values())
        assert found.verification is not None
    curve = results.finals["contrastive", 0, 0].curve
    assert [point["epoch"] for point in curve] == [0, 1]
    last, (subject,) = curve[-1], results.finals["contrastive", 0, 0].by_subject
    numbers = results.finals["contrastive", 0, 0].by_subject[subject]
    assert last["held_out"][NUMBERS[0]] == pytest.approx(numbers[NUMBERS[0]])
    assert last["loss"] > 0


def test_landmarks_drawn_by_motion_are_separated_by_the_oracle(results: TableResults) -> None:
    """Drawn faces move exactly by their motion, so that displacements at the peak are enough."""
    oracle = results.finals["whitened landmarks at known peaks", 0, 0].pooled
    assert oracle[NUMBERS[0]] > 0.95


def test_the_page_shows_the_table(results: TableResults) -> None:
    text = page({"encoder": comparisons(1.0)}, {"2022-t": results})
    assert "2 held-out subjects in 2 folds" in text
    assert "2 trial(s) of each row" in text
    assert "| whitened landmarks (hand-made) |" in text
    assert "EER, same person, other motion" in text


def test_a_table_that_is_done_is_only_read(
    results: TableResults, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another training would need the recipe, of which the stored numbers know nothing."""
    stored = sorted((workshop.folder / "results").iterdir())
    final = next(path for path in stored if path.name.startswith("final-"))
    facts = json.loads(final.read_text())
    final.write_text(json.dumps(facts | {"seconds": 12345.0}))
    again = workshop.run(comparisons, "2022-t")
    assert 12345.0 in {found.seconds for found in again.finals.values()}
    assert sorted((workshop.folder / "results").iterdir()) == stored


def test_an_extractor_is_trained_without_the_held_out_subjects(
    results: TableResults, workshop: Workshop
) -> None:
    from fmdata.train.model_file import trained_on

    runs = sorted((workshop.folder / "extractors").iterdir())
    assert len(runs) == 2
    everybody = {*Dataset(workshop.datasets["personal"]).actions.subjects}
    for run in runs:
        assert len(trained_on(run).subjects) == 1 < len(everybody)
