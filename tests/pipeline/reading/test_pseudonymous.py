"""Pseudonymous recordings reveal no name, from any layout."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from fmdata.catalog.errors import RecordingError, UsageError
from fmdata.catalog.given.labels import Label, Value
from fmdata.catalog.given.truth import Given, Labelled
from fmdata.catalog.privacy.pseudonyms import Pseudonyms
from fmdata.catalog.types import Recording
from fmdata.pipeline.reading.listing.found import Found, Refused
from fmdata.pipeline.reading.pseudonymous import pseudonymous
from fmdata.pipeline.work.job import key_of
from fmdata.pipeline.work.outcome import drop

KEYED = Pseudonyms(b"k" * 16)
ANN, BOB = KEYED.subject("ann"), KEYED.subject("bob")


def recording(path: str, subject: str, take: str, **span: float) -> Recording:
    """Return a recording as in a table, its path independent of its names."""
    return Recording(Path(path), path, subject, "smile", take, **span)


def renamed_of(recordings: list[Recording]) -> list[Recording]:
    return pseudonymous(Found(recordings), KEYED).recordings


def test_the_source_is_made_of_the_new_names() -> None:
    """Two spans of one file with two people, an absolute path, a folder with a name as suffix."""
    renamed = renamed_of(
        [
            recording("/home/ann/bob and ann.MP4", "ann", "01", start_s=0.0, stop_s=2.0),
            recording("/home/ann/bob and ann.MP4", "bob", "01", start_s=2.0, stop_s=4.0),
            recording("pictures.ann", "ann", "02"),
        ]
    )
    assert {(r.subject, r.source) for r in renamed} == {
        (ANN, f"{ANN}/smile/01.mp4"),
        (BOB, f"{BOB}/smile/01.mp4"),
        (ANN, f"{ANN}/smile/02"),
    }
    assert renamed == sorted(renamed, key=lambda r: (r.subject, r.action, r.take))
    assert [r.path.name for r in renamed if r.start_s == 2.0] == [
        "bob and ann.MP4"
    ]  # the file is still found


@pytest.mark.parametrize(
    ("subject", "takes"),
    [
        ("204817", ["204817_smile_01", "204817_smile_02"]),
        ("Ann Lee", ["ann_lee_01", "ann_lee2", "AnnLee2", "Ann Lee"]),
        ("Jos\u00e9", ["Jose\u0301 1", "jose_1"]),
    ],
)
def test_no_spelling_of_a_name_remains_and_keys_stay_distinct(
    subject: str, takes: list[str]
) -> None:
    hers = [recording(f"{subject}/smile/{take}.mp4", subject, take) for take in takes]
    renamed = renamed_of(hers)
    names = re.compile("204817|ann|lee|jos", re.IGNORECASE)
    for r in renamed:
        assert not names.search(" ".join((*r.names, key_of(r))))
        assert r.action == "smile"
    assert len({key_of(r) for r in renamed}) == len(takes)
    assert renamed_of(hers[::-1]) == renamed


@pytest.mark.parametrize(
    ("detail", "written"),
    [
        ("/home/ann/x.mp4 cannot be read", "… cannot be read"),
        ("x.mp4: no such file", "…: no such file"),
        ("Ann_0002.png is followed by Ann_0004.png", "…_0002.png is followed by …_0004.png"),
        ("after 17 frames of planning", "after 17 frames of planning"),
    ],
)
def test_a_detail_reveals_no_name(detail: str, written: str) -> None:
    (hers,) = renamed_of([recording("/home/ann/x.mp4", "ann", "17")])
    dropped = drop(hers, RecordingError("decode", "unreadable", detail))
    assert dropped.detail == written
    assert (dropped.subject, dropped.source) == (ANN, f"{ANN}/smile/17.mp4")


def test_a_refused_file_reveals_no_name_in_any_of_its_columns() -> None:
    """One lies in the folder of a subject, of the other nobody knows the subject."""
    known = Recording(Path("raw/ann/x.mp4"), "ann/x.mp4", "ann", "", "x")
    unknown = Recording(Path("raw/ann smile.mp4"), "ann smile.mp4", "", "", "ann smile")
    refused = [
        Refused(r, "same_name", "another recording has its key", "ann/01.mp4")
        for r in (known, unknown)
    ]
    found = pseudonymous(Found([], refused), KEYED)
    assert {one.recording.subject for one in found.refused} == {"", ANN}
    for one in found.refused:
        row = drop(one.recording, one.error)
        assert "ann" not in " ".join((*row.names, row.detail)).replace("another", "")
    assert len({one.recording.source for one in found.refused}) == 2


def test_a_pseudonym_is_that_of_the_composed_name() -> None:
    assert KEYED.subject("Zoe\u0301") == KEYED.subject("Zo\u00e9")


def labelled(name: str, take: str, **values: Value | None) -> Recording:
    """Return a recording of a table with labels."""
    kinds = {int: "integer", str: "text", float: "real", bool: "boolean", type(None): "text"}
    labels = tuple(
        Labelled(Label(key, kinds[type(value)]), value) for key, value in sorted(values.items())
    )
    one = recording(f"{name}_{take}.mp4", name, take)
    return replace(one, given=Given(2, None, labels))


def test_names_in_labels_are_hidden_and_other_labels_stay() -> None:
    """Names of the subject, of another subject, and of the file; an action's name is no secret."""
    recordings = [
        labelled(
            "ann lee", "1", age=30, note="Ann-Lee with bob", file="ann lee_1.mp4", emotion="smile"
        ),
        labelled("bob", "1", age=40, note="alone", file="bob_1.mp4", emotion="smile"),
    ]  # fmt: skip
    found = pseudonymous(Found(recordings), KEYED)
    values = [{one.label.name: one.value for one in r.given.labels} for r in found.recordings]
    assert sorted(values, key=lambda row: row["age"]) == [
        {"age": 30, "emotion": "smile", "file": "…", "note": "… with …"},
        {"age": 40, "emotion": "smile", "file": "…", "note": "alone"},
    ]


def test_a_label_that_is_the_subject_in_every_row_is_refused() -> None:
    recordings = [labelled(name, "1", id=int(name)) for name in ("12", "7")]
    with pytest.raises(UsageError, match="a column id that holds the names of the subjects"):
        pseudonymous(Found(recordings), KEYED)
    # An age that happens to be the number of one subject is none.
    recordings = [labelled("12", "1", age=12), labelled("7", "1", age=30)]
    assert len(pseudonymous(Found(recordings), KEYED).recordings) == 2
