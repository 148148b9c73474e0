"""Compounds that break a promise are found by their rows, although every digest is right."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from fmdata.catalog.storage.card import Card
from fmdata.catalog.verify.dataset import verify
from fmdata.synth.compounds import synth_compounds
from fmdata.synth.settings import CompoundSettings
from tests.helpers.datasets import change_frames, change_row, frames_of, make_up, seal

ACTIONS, COMPOUNDS = "actions/shard-00000.parquet", "compounds/shard-00000.parquet"
ACTION_FRAMES = "actions/shard-00000.frames.parquet"
COMPOUND_FRAMES = "compounds/shard-00000.frames.parquet"


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_up(tmp_path_factory.mktemp("compounds") / "dataset", ["s01"], k=4)


@pytest.fixture
def copy(made_up: Path, tmp_path: Path) -> Path:
    shutil.copytree(made_up, tmp_path / "dataset")
    return tmp_path / "dataset"


def rows_of(path: Path) -> list[dict[str, Any]]:
    return pq.read_table(path).to_pylist()


def problems(path: Path) -> list[str]:
    seal(path)
    return [finding.problem for finding in verify(path)]


def positions(rows: list[dict[str, Any]], role: int) -> int:
    """Return the position of the first row of two actions whose segment of a role has frames."""
    return next(
        i for i, row in enumerate(rows)
        if row["first"] != row["second"]
        and row["segments"][role]["start"] < row["segments"][role]["stop"]
    )  # fmt: skip


def change_action(path: Path, key: str, **values: object) -> None:
    index = next(i for i, row in enumerate(rows_of(path / ACTIONS)) if row["key"] == key)
    change_row(path / ACTIONS, index, **values)


@pytest.mark.parametrize("smooth", [False, True])
def test_compounds_as_they_are_made_have_no_finding(copy: Path, smooth: bool) -> None:
    synth_compounds(copy, CompoundSettings(k=4, shard_mb=1, smooth=smooth))
    assert verify(copy, deep=True) == []


def test_rest_that_is_counted_wrong_is_found(copy: Path) -> None:
    change_action(copy, "s01-smile-01", trail=2)
    assert any("lead 3 and trail 2, wanted 3 and 3" in problem for problem in problems(copy))


@pytest.mark.parametrize("column", ["intensity", "detected"])
@pytest.mark.parametrize("role", [0, 3])
def test_a_lead_or_tail_frame_in_motion_or_without_a_face_is_found(
    copy: Path, role: int, column: str
) -> None:
    rows = rows_of(copy / COMPOUNDS)
    row = rows[positions(rows, role)]
    segment = row["segments"][role]
    source = next(r for r in rows_of(copy / ACTIONS) if r["key"] == segment["source"])
    values = frames_of(copy / ACTION_FRAMES, source["key"], column)
    values[segment["start"]] = 0.1 if column == "intensity" else False
    change_frames(copy / ACTION_FRAMES, source["key"], column, values)
    held_tail = role == 3 and source["style"] == "hold"
    name = ("lead", "first", "second", "tail")[role]
    wanted = f"{row['key']}: its {name} has frames that are not at rest, or show no face"
    assert (wanted in problems(copy)) == (not held_tail or column == "detected")


def test_a_frame_shown_twice_is_found(copy: Path) -> None:
    """A tail that begins before its motion's end; the sizes of all frames still agree."""
    rows = rows_of(copy / COMPOUNDS)
    index = positions(rows, 3)
    row = rows[index]
    tail = row["segments"][3]
    length = tail["stop"] - tail["start"]
    tail["start"], tail["stop"] = tail["start"] - 1, tail["stop"] - 1
    sizes = frames_of(copy / ACTION_FRAMES, tail["source"], "jpeg_size")
    shown = frames_of(copy / COMPOUND_FRAMES, row["key"], "jpeg_size")
    shown[-length:] = sizes[tail["start"] : tail["stop"]]
    change_frames(copy / COMPOUND_FRAMES, row["key"], "jpeg_size", shown)
    change_row(copy / COMPOUNDS, index, segments=row["segments"])
    found = problems(copy)
    assert any("is shown 2 times" in p or "is not where" in p or "positions" in p for p in found)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"first_take": "s01-wink-09"}, "the take s01-wink-09, wanted"),
        ({"second_take": "s01-smile-09"}, "the take s01-smile-09, wanted"),
        ({"seams": [1.0]}, "seams, wanted the largest of"),
    ],
)
def test_a_row_that_differs_from_its_segments_is_found(
    copy: Path, values: dict[str, Any], problem: str
) -> None:
    change_row(copy / COMPOUNDS, 0, **values)
    assert any(problem in found for found in problems(copy)), problems(copy)


def test_times_that_differ_from_the_sources_are_found(copy: Path) -> None:
    key = rows_of(copy / COMPOUNDS)[0]["key"]
    times = frames_of(copy / COMPOUND_FRAMES, key, "timestamp")
    change_frames(copy / COMPOUND_FRAMES, key, "timestamp", [2 * time for time in times])
    assert any("other timestamps" in problem for problem in problems(copy))


def test_moved_edges_are_found_where_the_settings_forbid_them(copy: Path) -> None:
    """The same rows under settings without smooth: some edge is not that of its motion."""
    synth_compounds(copy, CompoundSettings(k=4, shard_mb=1, smooth=True))
    card = Card.read(copy)
    assert card.compounds is not None
    settings = card.compounds.settings | {"smooth": False}
    card.with_compounds(replace(card.compounds, settings=settings)).write(copy)
    assert any("is not the motion of" in finding.problem for finding in verify(copy))
