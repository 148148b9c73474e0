"""A build reports the names that it understood, and signs of a layout one level off."""

from itertools import product
from pathlib import Path

import pytest

from fmdata.catalog.types import Recording
from fmdata.pipeline.reading.listing.understood import understood


def lines(subjects: list[str], actions: list[str], takes: int = 2) -> list[str]:
    return understood(
        [
            Recording(Path("x"), "x", subject, action, str(take))
            for subject, action, take in product(subjects, actions, range(takes))
        ]
    )


def test_few_names_are_given_and_many_are_counted() -> None:
    assert lines(["bob", "ann"], ["wink", "smile"]) == [
        "2 subjects: ann, bob; 2 actions: smile, wink; 2 takes of each"
    ]
    [many] = lines([f"s{n:02}" for n in range(20)], ["smile"], takes=1)
    assert many.startswith("20 subjects: s00, s01, ")
    assert many.endswith("s07, …; 1 action: smile; 1 take of each")


def test_takes_are_given_from_the_fewest_to_the_most() -> None:
    takes = [("smile", 1), ("smile", 2), ("smile", 3), ("wink", 1)]
    [line] = understood([Recording(Path("x"), "x", "ann", a, str(t)) for a, t in takes])
    assert line.endswith("1 to 3 takes of each")


@pytest.mark.parametrize(
    ("subjects", "actions", "sign"),
    [
        (["Train", "Val"], ["Angry", "Happy"], "are the subjects parts of a data set?"),
        (["Angry", "Happy", "Sad"], ["ann", "bob"], "are the subjects actions?"),
        (["cohn-kanade-images"], ["S005", "S010", "S011"], "are the actions people?"),
        (["CASME2"], ["sub01", "sub02", "sub03"], "--subjects of the folder CASME2"),
    ],
)
def test_a_layout_one_level_off_is_seen(subjects: list[str], actions: list[str], sign: str) -> None:
    [_, second] = lines(subjects, actions)
    assert sign in second


def test_subjects_that_share_no_action_are_a_sign_too() -> None:
    found = [Recording(Path("x"), "x", f"s{n}", f"a{n}", "1") for n in range(3)]
    assert "no two subjects share an action" in understood(found)[1]


@pytest.mark.parametrize(
    ("subjects", "actions"),
    [(["s01", "s02"], ["smile", "wink"]), (["ann"], ["au1", "au2", "au12"]), (["ann"], ["smile"])],
)
def test_ordinary_names_give_no_sign(subjects: list[str], actions: list[str]) -> None:
    assert len(lines(subjects, actions)) == 1
