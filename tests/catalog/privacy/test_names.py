"""The name of a forgotten subject is searched for in every column, and in texts and names."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fmdata.catalog.privacy.forget import forget
from fmdata.catalog.privacy.names import Name
from fmdata.catalog.storage.place import mark_work
from fmdata.catalog.storage.work import Unit
from tests.helpers.datasets import change_row, make_up, seal


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ann", "with_ann"),
        ("ann", "ANN-02"),
        ("ann", "ann02"),
        ("Ann Lee", "raw/ann_lee/smile/01.mp4"),
        ("Ann Lee", "AnnLee2"),
        ("Zoé", "Zo__d92562-smile-01"),  # in a key
        ("Zoé", "zoe/01.mp4"),
        ("p0123456789abcdef", "p0123456789abcdef-smile-01"),
    ],
)
def test_a_name_is_found_in_any_spelling(name: str, text: str) -> None:
    assert Name(name).is_in(text)


@pytest.mark.parametrize(("name", "text"), [("ann", "annual"), ("ann", "joann"), ("01", "01.mp4")])
def test_a_part_of_a_word_and_a_number_are_no_name(name: str, text: str) -> None:
    assert not Name(name).is_in(text)


def test_a_name_in_the_rows_of_others_is_reported(tmp_path: Path) -> None:
    """In the take, action, source and key of a clip, of a dropped recording, and in a list."""
    path = make_up(tmp_path / "dataset", ["s01", "s02"], dropped=["s02"], k=1)
    shards = [p for p in path.glob("actions/*.parquet") if not p.name.endswith(".frames.parquet")]
    (shard,) = [p for p in shards if "s02" in pq.read_table(p)["subject"].to_pylist()]
    changed = {"take": "with_s01", "action": "s01_wave", "source": "s01/x.mp4", "key": "s02-s01-1"}
    change_row(shard, 0, **changed)
    change_row(path / "dropped.parquet", 0, detail="as S01 does")
    compounds = path / "compounds" / shard.name
    row = pq.read_table(compounds).to_pylist()[0]
    segments = [row["segments"][0] | {"source": "s02-s01-1"}, *row["segments"][1:]]
    change_row(compounds, 0, segments=segments)
    seal(path)
    left = forget(path, "s01").left
    columns = {
        (Path(f.where).name, f.problem.partition("column ")[2].partition(",")[0]) for f in left
    }
    assert columns >= {
        *(("shard-00000.parquet", column) for column in changed),
        ("shard-00000.parquet", "segments"),
        ("dropped.parquet", "detail"),
    }
    assert any("the first 'with_s01'" in f.problem for f in left)
    assert all("rename that action or take" in f.todo for f in left)


def test_a_name_in_the_unfinished_work_of_others_is_reported(tmp_path: Path) -> None:
    path = make_up(tmp_path / "dataset", ["s01", "s02"], k=0)
    mark_work(path)
    unit = Unit(path / ".work" / ("b" * 64))
    unit.path.mkdir()
    table = pa.table({"subject": ["s02"], "take": ["s01 and s02"]})
    with pa.OSFile(str(unit.row), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    (finding,) = forget(path, "s01").left
    assert finding.where == str(unit.row)
    assert "column take" in finding.problem


def test_a_table_of_another_program_is_searched_too(tmp_path: Path) -> None:
    """Also one that cannot be read is reported."""
    path = make_up(tmp_path / "dataset", ["s01", "s02"], k=0)
    notes = pa.array(["fine", "s01 blinks"]).dictionary_encode()
    pq.write_table(pa.table({"note": notes, "n": [1, 2]}), path / "notes.parquet")
    (path / "broken.parquet").write_bytes(b"PAR1")
    left = {Path(f.where).name: f.problem for f in forget(path, "s01").left}
    assert "1 values of its column note, the first 's01 blinks'" in left["notes.parquet"]
    assert left["broken.parquet"].startswith("cannot be searched")
    assert len(left) == 2
