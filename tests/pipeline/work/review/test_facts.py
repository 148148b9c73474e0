"""The row of a reviewed clip has the given motion, and turns back into the row that was found."""

import pytest

from fmdata.catalog.storage.shards import Sample
from fmdata.pipeline.work.review.facts import found_facts, reviewed_facts
from fmdata.pipeline.work.review.override import Override
from tests.helpers.datasets import N_FRAMES, make_up_sample


def reviewed(sample: Sample, *times: int | None, action: str = "smile", note: str = "") -> Sample:
    onset, apex, offset = times or (None, None, None)
    override = Override(2, sample.key, "", onset, apex, offset, note=note)
    facts = reviewed_facts(sample, override, action, "01")
    return Sample(facts, sample.frames, sample.avi, sample.lbp)


def row_of(sample: Sample) -> dict:
    (row,) = sample.facts.to_pylist()
    return row


def test_a_given_motion_replaces_the_spotted_one_and_both_are_in_the_row() -> None:
    """The made-up face is at rest in frames 0 to 2 and 9 to 11, and moves by 0.1 in between."""
    row = row_of(reviewed(make_up_sample("s", "smile", "01"), 4, 5, 8, note="late"))
    assert (row["onset"], row["apex"], row["offset"], row["style"]) == (4, 5, 8, "return")
    assert (row["motion_from"], row["review"]) == ("given", "late")
    assert (row["spotted_onset"], row["spotted_apex"], row["spotted_offset"]) == (3, 6, 9)
    assert row["amplitude"] == pytest.approx(0.1)
    assert (row["lead"], row["trail"], row["style_margin"]) == (0, 0, 1.0)
    assert row["flash"] is False


def test_a_given_motion_up_to_the_last_frame_is_held() -> None:
    row = row_of(reviewed(make_up_sample("s", "smile", "01"), 3, 6, N_FRAMES))
    assert (row["style"], row["trail"], row["lead"]) == ("hold", 0, 3)


def test_a_missing_apex_is_the_spotted_one_inside_and_else_the_largest_frame() -> None:
    sample = make_up_sample("s", "smile", "01")
    assert row_of(reviewed(sample, 2, None, 9))["apex"] == 6
    assert row_of(reviewed(sample, 6, None, 10))["apex"] == 7


def test_an_other_action_changes_the_key_and_keeps_the_recorded_name() -> None:
    row = row_of(reviewed(make_up_sample("s", "smile", "01"), action="wink left"))
    assert (row["key"], row["action"], row["recorded_action"]) == (
        "s-wink_left-01", "wink left", "smile",
    )  # fmt: skip
    assert (row["motion_from"], row["onset"]) == ("spotted", 3)


def test_without_the_review_the_row_is_as_it_was() -> None:
    for take in ("01", "02"):
        sample = make_up_sample("s", "smile", take)
        changed = reviewed(sample, 4, 5, 8, action="wink", note="both")
        assert not changed.facts.equals(sample.facts)
        assert found_facts(changed).equals(sample.facts)
        assert found_facts(sample).equals(sample.facts)
        again = reviewed(changed, 4, 5, 8, action="wink", note="both")
        assert again.facts.equals(changed.facts)


def test_a_motion_is_given_where_none_was_found() -> None:
    sample = make_up_sample("s", "smile", "01")
    row = row_of(sample)
    none = [name for name in row if name.startswith("spotted_")] + ["onset", "apex", "offset",
            "style", "amplitude", "snr", "lead", "trail", "style_margin", "flash"]  # fmt: skip
    still = Sample(
        sample.facts.from_pylist([row | dict.fromkeys(none) | {"motions": []}],
                                 sample.facts.schema),
        sample.frames, sample.avi, sample.lbp,
    )  # fmt: skip
    changed = reviewed(still, 4, None, 8)
    assert (row_of(changed)["onset"], row_of(changed)["spotted_onset"]) == (4, None)
    assert found_facts(changed).equals(still.facts)
