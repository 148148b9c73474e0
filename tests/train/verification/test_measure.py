"""A verification of invented embeddings has the numbers that follow from how they were made."""

import json
from dataclasses import replace

import numpy as np
import pytest

from fmdata.catalog.errors import InternalError
from fmdata.train.figures import draw_evaluation
from fmdata.train.metrics import Evaluation
from fmdata.train.split import Split
from fmdata.train.verification.measure import Verification, operating_of, verified
from tests.helpers.motions import clips_of, compounds_of, embedded

KNOWN, UNSEEN = [f"k{i}" for i in range(10)], [f"u{i}" for i in range(8)]
MOTIONS = ["v", "w", "x", "y", "z"]
SPLIT = Split(KNOWN, UNSEEN)


def verification(takes: int = 8, spread: float = 0.75, **how: float) -> Verification:
    """Choose on ten subjects, and measure eight others."""
    known, unseen = clips_of(KNOWN, MOTIONS, takes), clips_of(UNSEEN, MOTIONS, takes)
    operating = operating_of(embedded(known, 1, spread=spread, **how), known, SPLIT)
    return verified(embedded(unseen, 2, spread=spread, **how), unseen, operating)


@pytest.fixture(scope="module")
def plain() -> Verification:
    return verification()


def test_the_far_of_unseen_subjects_is_near_the_wanted_one(plain: Verification) -> None:
    """Motions of all subjects are drawn alike, so thresholds carry over."""
    first = plain.operated[0]
    assert (first.enrolled, first.by, first.threshold.far) == (1, "mean", 0.01)
    assert first.far.low < 0.01 < first.far.high
    assert plain.numbers["far_at_1"] == first.far.value
    assert plain.numbers["frr_at_far_1"] == first.frr.value
    assert 0 < plain.numbers["eer"] < 0.5


def test_more_enrolled_clips_reject_fewer(plain: Verification) -> None:
    frr = {(r.enrolled, r.by): r.frr.value for r in plain.operated if r.threshold.far == 0.01}
    assert set(frr) == {(1, "mean"), *((n, by) for n in (2, 3, 5) for by in ("mean", "best"))}
    assert frr[1, "mean"] > frr[2, "mean"] > frr[3, "mean"] > frr[5, "mean"]
    assert frr[1, "mean"] > frr[5, "best"]


def test_an_encoder_of_identity_fails_on_the_same_person_alone() -> None:
    """Embeddings that say who it is: other people are rejected, other motions hardly."""
    found = verification(identity=3.0).groups
    assert found["same person, other motion"].rates.eer.value > 0.1
    assert found["other person, same motion"].rates.eer.value < 0.05
    assert found["other person, other motion"].rates.eer.value < 0.05
    assert "same person, order reversed" not in found


def test_compounds_have_groups_for_order_and_parts() -> None:
    names = [a + b for a in "abc" for b in "abc"]
    clips = compounds_of(names, 4)
    single = operating_of(
        embedded(clips_of(KNOWN, MOTIONS, 6), 1), clips_of(KNOWN, MOTIONS, 6), SPLIT
    )
    groups = verified(embedded(clips, 2), clips, single).groups
    # 3 reversed pairs of 16 comparisons; every two of the 36 pairs of names but "aa bb" share one.
    assert groups["same person, order reversed"].rates.n_impostors == 3 * 16
    sharing = sum(bool({*a} & {*b}) for i, a in enumerate(names) for b in names[:i]) - 3
    assert groups["same person, one part shared"].rates.n_impostors == sharing * 16
    assert groups["same person, other motion"].rates.n_impostors == 36 * 16


def test_conditions_separate_what_is_hard() -> None:
    """Takes of the second day are noise: comparisons across days fail, those within day 1 hold.

    Clips of twice the amplitude and tempo, or turned by 20 degrees, land in the levels by name.
    """
    known, unseen = clips_of(KNOWN, MOTIONS, 10), clips_of(UNSEEN, MOTIONS, 10)
    operating = operating_of(embedded(known, 1, spread=0.3), known, SPLIT)
    late = unseen.day == 1
    made, noise = embedded(unseen, 2, spread=0.3), embedded(unseen, 3, spread=3.0)
    made = made._replace(vectors=np.where(late[:, None], noise.vectors, made.vectors))
    facing = np.where(late[:, None], [20.0, 0.0], 0.0)
    clips = replace(unseen, amplitude=1.0 + late, seconds=1.0 + late, flash=late, facing=facing)
    rows = {(r.condition, r.level): r for r in verified(made, clips, operating).conditions}
    same, across = rows["day", "same"], rows["day", "another"]
    assert across.frr.value > 0.9
    assert same.frr.value < 0.6  # half of them are of the second day
    pairs = len(UNSEEN) * len(MOTIONS)
    assert across.n_genuine == pairs * 25
    assert same.n_genuine == pairs * 20
    for condition, level in (
        ("amplitude ratio", "above 1.6"),
        ("tempo ratio", "above 1.6"),
        ("head turn between the two", "above 15°"),
        ("flashes", "one of the two"),
    ):
        assert rows[condition, level].n_genuine == pairs * 25
        assert rows[condition, level].frr.value == across.frr.value
    assert rows["flashes", "both"].n_genuine == pairs * 10


def test_unknown_facts_have_no_condition() -> None:
    known, unseen = clips_of(KNOWN, MOTIONS, 6), clips_of(UNSEEN, MOTIONS, 6)
    operating = operating_of(embedded(known, 1), known, SPLIT)
    n = len(unseen)
    unknown = replace(
        unseen, day=np.full(n, -1), amplitude=np.full(n, np.nan), seconds=np.full(n, np.nan),
        facing=np.full((n, 2), np.nan),
    )  # fmt: skip
    conditions = {
        row.condition for row in verified(embedded(unseen, 2), unknown, operating).conditions
    }
    assert conditions == {"flashes"}


def test_the_subjects_that_chose_are_not_measured() -> None:
    known = clips_of(KNOWN, MOTIONS, 6)
    operating = operating_of(embedded(known, 1), known, SPLIT)
    with pytest.raises(InternalError, match="subjects that chose the threshold"):
        verified(embedded(known, 2), known, operating)


def test_results_are_text_json_and_figures(plain: Verification, tmp_path: object) -> None:
    assert "same person, other motion" in str(plain)
    assert "FRR" in str(plain)
    facts = json.loads(json.dumps(plain.to_json(), allow_nan=False))
    assert [row["enrolled"] for row in facts["operated"]][:3] == [1, 1, 2]
    paths = draw_evaluation(Evaluation({}, verification=plain), tmp_path)  # type: ignore[arg-type]
    names = {path.name for path in paths}
    assert names == {"roc.png", "det.png", "enrolment.png", "calibration.png"}


def test_without_thresholds_only_the_error_rates_are_there() -> None:
    from fmdata.train.verification.operating import Operating

    unseen = clips_of(UNSEEN, MOTIONS, 2)
    found = verified(embedded(unseen), unseen, Operating())
    assert set(found.numbers) == {"eer"}
    assert found.operated == []
