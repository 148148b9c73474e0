"""Labels on the page: in words at each take, and a choice that hides the others."""

import json
import re
from pathlib import Path

import pytest

from fmdata.catalog import Dataset
from fmdata.report.labels import MAX_VALUES, choices
from fmdata.report.page import write_report
from fmdata.report.review import changes, given_of, marks_of
from fmdata.report.settings import ReportSettings
from tests.helpers.browser import needs_browser, opened_browser
from tests.helpers.datasets import add_label, change_row, make_up, seal

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return two subjects with four clips each: smiles are happy, and ann alone has an id."""
    path = make_up(tmp_path_factory.mktemp("labels") / "dataset", ["ann", "bob"], k=0)
    add_label(path, "emotion", "text", lambda r: "happy" if r["action"] == "smile" else HOSTILE)
    add_label(path, "id", "integer", lambda r: int(r["take"]) if r["subject"] == "ann" else None)
    return path


def test_a_choice_has_the_clips_of_each_value(labelled: Path) -> None:
    dataset = Dataset(labelled)
    numbers = {key: number for number, key in enumerate(dataset.actions.keys)}
    emotion, number = choices(dataset, numbers)
    keys = dataset.actions.keys
    assert [keys[i] for i in dict(emotion.values)["happy"]] == [k for k in keys if "smile" in k]
    assert {name: [keys[i] for i in found] for name, found in number.values} == {
        "1": ["ann-smile-01", "ann-wink-01"], "2": ["ann-smile-02", "ann-wink-02"],
    }  # fmt: skip


def test_a_label_of_very_many_values_is_no_choice(tmp_path: Path) -> None:
    subjects = [f"s{i}" for i in range(MAX_VALUES // 4 + 1)]
    path = make_up(tmp_path / "dataset", subjects, k=0)
    add_label(path, "frame", "text", lambda row: row["key"])
    dataset = Dataset(path)
    assert choices(dataset, dict.fromkeys(dataset.actions.keys, 0)) == []


def test_values_are_escaped(labelled: Path, tmp_path: Path) -> None:
    page = write_report(labelled, ReportSettings(faces=False), tmp_path / "p.html").path.read_text()
    assert "<img src=x" not in page
    assert "emotion: &lt;img src=x" in page
    assert "emotion: happy (4)" in page


def test_boundaries_of_a_table_are_what_a_review_begins_from(tmp_path: Path) -> None:
    """A clip of a table is no mark; one that a review moved is, if only its apex."""
    path = make_up(tmp_path / "dataset", ["ann"], k=0)
    given = {"given_times": "onset 4, offset 8", "given_onset": 4, "given_offset": 8}
    file = path / "actions/shard-00000.parquet"
    change_row(file, 0, **given, motion_from="given", onset=4, apex=6, offset=8)
    change_row(file, 1, **given, motion_from="given", onset=2, apex=6, offset=8, review="early")
    change_row(file, 2, **given, motion_from="given", onset=4, apex=6, offset=8, review="later")
    change_row(file, 3, **given, motion_from="given", onset=4, apex=4, offset=8, review="looked at")
    seal(path)
    dataset = Dataset(path)
    one, *others = dataset.actions
    assert changes(one.row) == "boundaries given by a table (spotted: 3, 6, 9)"
    assert given_of(one.row, one.intensity) == [4, 4, 8]  # all its frames move equally
    marks = marks_of(dataset)["rows"]
    assert [row["key"] for row in marks] == [other.key for other in others]
    assert [(row["onset"], row["apex"], row["offset"]) for row in marks] == [
        ("2", "6", "8"), ("4", "6", "8"), ("", "", ""),
    ]  # fmt: skip
    page = write_report(path, ReportSettings(faces=False), tmp_path / "p.html").path.read_text()
    found = re.findall(r'class="data">(.*?)</script>', page)
    (clips,) = [one["clips"] for one in json.loads(found[0])["actions"] if one["name"] == "smile"]
    assert [clip["given"] for clip in clips] == [[4, 4, 8], [4, 4, 8]]


@needs_browser
@pytest.mark.slow
def test_a_label_that_is_chosen_hides_the_other_takes(labelled: Path, tmp_path: Path) -> None:
    page = write_report(labelled, ReportSettings(), tmp_path / "page.html").path
    shown = (
        "return [...document.querySelectorAll('.take')]"
        ".filter((one) => one.offsetParent).map((one) => one.id)"
    )
    choose = (
        "const one = document.getElementById('label');"
        "one.value = [...one.options].find((o) => o.textContent.startsWith(arguments[0])).value;"
        "one.dispatchEvent(new Event('change'))"
    )
    with opened_browser(tmp_path / "profile") as browser:
        browser.open(page)
        browser.run("for (const one of document.querySelectorAll('.subject')) one.open = true")
        browser.settle()
        assert len(browser.run(shown)) == 8
        browser.run(choose, "emotion: happy")
        assert len(browser.run(shown)) == 4
        browser.run(choose, "id: 1")
        assert len(browser.run(shown)) == 2
        assert browser.run("return document.getElementById('labelled').textContent") == (
            "2 takes shown"
        )
        # A link to a hidden take shows all.
        browser.run("location.hash = 'clip-7'")
        browser.settle()
        assert len(browser.run(shown)) == 8
        assert browser.run("return document.querySelector('.labels').textContent").startswith("emo")
