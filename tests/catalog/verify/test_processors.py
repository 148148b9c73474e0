"""Clips of one dataset that were made on processors with different features are a note."""

from pathlib import Path

from fmdata.catalog import Dataset
from fmdata.catalog.verify.finding import Finding
from fmdata.catalog.verify.processors import check_processors
from tests.helpers.datasets import change_row, make_up, seal


def notes(path: Path, *processors: str) -> list[Finding]:
    """Return the findings about a dataset whose four clips were made on these processors."""
    make_up(path, ["s01"])
    for index, processor in enumerate(processors):
        change_row(path / "actions/shard-00000.parquet", index, processor=processor)
    seal(path)
    return list(check_processors(Dataset(path).halves))


def test_clips_of_one_processor_have_no_note(tmp_path: Path) -> None:
    """One on which OpenCV knows no feature is one, too."""
    assert notes(tmp_path / "a", *["SSE AVX2"] * 4) == []
    assert notes(tmp_path / "b", *[""] * 4) == []


def test_the_note_counts_the_clips_of_each_and_names_what_not_all_of_them_have(
    tmp_path: Path,
) -> None:
    (note,) = notes(tmp_path / "a", "SSE AVX2", "SSE AVX2 AVX512F", "SSE", "SSE")
    assert note.is_note
    assert note.where == str(tmp_path / "a/fmdata.json")
    assert note.problem == (
        "clips made on 3 kinds of processors: 2 with none of the features of the others; "
        "1 with AVX2; 1 with AVX2 AVX512F"
    )


def test_machines_without_a_feature_in_common_are_listed_whole(tmp_path: Path) -> None:
    (note,) = notes(tmp_path / "a", "NEON", "NEON", "NEON", "SSE AVX2")
    assert note.problem == "clips made on 2 kinds of processors: 3 with NEON; 1 with SSE AVX2"
