"""Marks are matched by key and digest, and name their clips so that no two have one key."""

from dataclasses import replace
from pathlib import Path

import pytest

from fmdata.catalog.errors import UsageError
from fmdata.catalog.types import Recording
from fmdata.pipeline.work.digest import Identity
from fmdata.pipeline.work.job import Job
from fmdata.pipeline.work.review.override import Override, Overrides
from fmdata.pipeline.work.review.review import Review

SHA256, OTHER = "ab" * 32, "cd" * 32


def recording(action: str, take: str, **more: object) -> Recording:
    source = f"s01/{action}/{take}.mp4"
    return Recording(Path("raw") / source, source, "s01", action, take, **more)


def review(*overrides: Override, recordings: list[Recording] | None = None) -> Review:
    some = recordings or [recording("smile", "01"), recording("smile", "02"),
                          recording("Wink Left", "01")]  # fmt: skip
    return Review.of(Overrides(Path("overrides.csv"), overrides), some)


def test_an_unknown_key_is_an_error_with_the_nearest_one() -> None:
    with pytest.raises(UsageError) as caught:
        review(Override(2, "s01-smlie-01", reject=True), Override(3, "x", reject=True))
    assert caught.value.got.splitlines()[1:] == [
        "  line 2: no recording has the key s01-smlie-01: did you mean s01-smile-01?",
        "  line 3: no recording has the key x",
    ]


@pytest.mark.parametrize("name", ["wink_left", "WINK  LEFT", "Wink Left"])
def test_an_action_has_the_spelling_of_the_recordings(name: str) -> None:
    """So `wink_left`, as keys have it, is no second action beside `Wink Left`."""
    marks = review(Override(2, "s01-smile-02", action=name)).marks
    assert (marks["s01-smile-02"].action, marks["s01-smile-02"].take) == ("Wink Left", "02")


def test_two_marks_give_a_new_action_one_spelling() -> None:
    rows = Override(2, "s01-smile-01", action="Grin"), Override(3, "s01-smile-02", action="grin")
    assert {mark.action for mark in review(*rows).marks.values()} == {"Grin"}


def test_a_clip_whose_new_key_is_taken_gets_a_take_of_its_own() -> None:
    """Both of two clips that would share a key, so neither depends on the order of the rows."""
    marks = review(Override(2, "s01-smile-01", action="wink left")).marks
    assert marks["s01-smile-01"].take == "01_smile"
    two = [recording("smile", "01"), recording("frown", "01")]
    rows = [Override(2, "s01-smile-01", action="grin"), Override(3, "s01-frown-01", action="grin")]
    for some in (rows, rows[::-1]):
        marks = review(*some, recordings=two).marks
        assert {key: mark.take for key, mark in marks.items()} == {
            "s01-smile-01": "01_smile", "s01-frown-01": "01_frown",
        }  # fmt: skip


def test_a_clip_that_gets_the_key_of_another_all_the_same_is_an_error() -> None:
    three = [recording("smile", "01"), recording("wink", "01"), recording("wink", "01_smile")]
    with pytest.raises(UsageError, match="line 2: s01-smile-01 would be s01-wink-01_smile"):
        review(Override(2, "s01-smile-01", action="wink"), recordings=three)


def test_a_mark_of_another_recording_is_reported_and_not_applied() -> None:
    one = review(Override(2, "s01-smile-01", SHA256, reject=True))
    for sha256, applies in ((SHA256, True), (OTHER, False)):
        job = Job(recording("smile", "01"), Identity(sha256, "digest"))
        assert (one.of_job(job) is not None) == applies
        assert list(one.rejected([job])) == ["digest"] * applies
        lines = one.lines([job], [])
        assert lines[0] == (
            f"review: {int(applies)} marks applied, 0 of them boundaries, 0 of them actions, "
            f"{int(applies)} of them rejected"
        )
        assert ("another recording" in lines[-1]) != applies
        assert ("s01-smile-01 (line 2)" in lines[-1]) != applies


def test_a_rejected_recording_is_dropped_with_the_note() -> None:
    """Without the names of any subject, where pseudonyms hide them."""
    job = Job(recording("smile", "01", hidden=("Ann Lee",)), Identity(SHA256, "digest"))
    bob = replace(recording("smile", "01", hidden=("Bob",)), subject="s02")
    row = Override(2, "s01-smile-01", reject=True, note="not ann lee but bob")
    dropped = review(row, recordings=[job.recording, bob]).rejected([job])["digest"]
    assert (dropped.stage, dropped.reason) == ("review", "rejected")
    assert (dropped.detail, dropped.source_sha256) == ("not … but …", SHA256)


def test_an_action_holds_no_name_that_pseudonyms_hide() -> None:
    one = recording("smile", "01", hidden=("Ann Lee", "smile", "01"))
    row = Override(2, "s01-smile-01", action="smile left", note="a smile, take 01")
    mark = review(row, recordings=[one]).marks["s01-smile-01"]
    assert (mark.action, mark.override.note) == ("smile left", "a smile, take 01")
    with pytest.raises(UsageError, match="a name that pseudonyms hide"):
        review(Override(2, "s01-smile-01", action="ann lee's grin"), recordings=[one])
