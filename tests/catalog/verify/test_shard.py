"""Files that have the digests their card names, and are wrong all the same: verify says so."""

import io
import json
import re
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fmdata.catalog.storage.card import Card, FileFacts, Part
from fmdata.catalog.verify.dataset import verify

PARQUET, TAR = "actions/shard-00000.parquet", "actions/shard-00000.tar"


@pytest.fixture
def dataset(made_up: Callable, of_one_fold: list[str], tmp_path: Path) -> Path:
    """Two subjects in one shard, a third in another fold, and a dropped recording."""
    return made_up(tmp_path / "dataset", [*of_one_fold[:2], "s01"], dropped=("s01",), k=1)


def seal(path: Path, **changed: object) -> None:
    """Write the card anew with the digests of the files as they are now."""

    def sealed(part: Part, folder: Path) -> Part:
        return replace(
            part,
            shards=[
                replace(
                    shard,
                    tar=FileFacts.of(folder / f"{shard.name}.tar"),
                    parquet=FileFacts.of(folder / f"{shard.name}.parquet"),
                )
                for shard in part.shards
            ],
        )

    card = Card.read(path)
    actions = sealed(card.actions, path / "actions")
    replace(
        card,
        dropped_file=FileFacts.of(path / "dropped.parquet"),
        actions=actions,
        compounds=replace(sealed(card.compounds, path / "compounds"), made_from=actions.digest),
        **changed,
    ).write(path)


def change_row(path: Path, which: int, **values: object) -> None:
    table = pq.read_table(path)
    rows = table.to_pylist()
    rows[which] |= values
    pq.write_table(pa.Table.from_pylist(rows, table.schema), path)


def write_tar(path: Path, members: list[tuple[str, bytes]]) -> None:
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def members(path: Path) -> list[tuple[str, bytes]]:
    with tarfile.open(path) as tar:
        return [(m.name, tar.extractfile(m).read()) for m in tar]


def a_row_less(path: Path) -> None:
    table = pq.read_table(path / PARQUET)
    pq.write_table(table.slice(1), path / PARQUET)


def two_rows_swapped(path: Path) -> None:
    table = pq.read_table(path / PARQUET)
    pq.write_table(pa.concat_tables([table.slice(1, 1), table.slice(0, 1), table.slice(2)]),
                   path / PARQUET)  # fmt: skip


def a_row_twice(path: Path) -> None:
    table = pq.read_table(path / PARQUET)
    pq.write_table(pa.concat_tables([table.slice(0, 1), table]), path / PARQUET)


def a_column_less(path: Path) -> None:
    pq.write_table(pq.read_table(path / PARQUET).drop_columns(["pose"]), path / PARQUET)


def no_keys(path: Path) -> None:
    pq.write_table(pq.read_table(path / PARQUET).drop_columns(["key"]), path / PARQUET)


def a_member_less(path: Path) -> None:
    write_tar(path / TAR, members(path / TAR)[:-1])


def a_member_more(path: Path) -> None:
    write_tar(path / TAR, [*members(path / TAR), ("notes.txt", b"mine")])


def two_members_swapped(path: Path) -> None:
    """The AVIs of two samples exchanged: every name is there, each pixel in the wrong sample."""
    found = members(path / TAR)
    found[0], found[3] = (found[0][0], found[3][1]), (found[3][0], found[0][1])
    write_tar(path / TAR, found)


def bytes_behind_the_tar(path: Path) -> None:
    with (path / TAR).open("ab") as file:
        file.write(b"face")


def zeros_behind_the_tar(path: Path) -> None:
    with (path / TAR).open("ab") as file:
        file.write(bytes(20_480))


def other_json(path: Path) -> None:
    found = members(path / TAR)
    document = json.loads(found[2][1])
    text = json.dumps(document | {"take": "07"}, ensure_ascii=False).encode()
    assert len(text) == len(found[2][1])
    found[2] = (found[2][0], text)
    write_tar(path / TAR, found)


def maps_of_another_shape(path: Path) -> None:
    found = members(path / TAR)
    found[1] = (found[1][0], found[1][1].replace(b"(12, 64, 64)", b"(12, 64, 32)"))
    write_tar(path / TAR, found)


def no_tar_at_all(path: Path) -> None:
    (path / TAR).write_bytes(b"no tar" * 1000)


def no_parquet_at_all(path: Path) -> None:
    (path / PARQUET).write_bytes(b"no table" * 1000)


def whole_shards_swapped(path: Path) -> None:
    for kind in ("tar", "parquet"):
        one, other = (path / f"actions/shard-0000{i}.{kind}" for i in (0, 1))
        data = one.read_bytes()
        one.write_bytes(other.read_bytes())
        other.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (a_row_less, "the card says"),
        (two_rows_swapped, "not in order"),
        (a_row_twice, "samples with the key"),
        (a_column_less, "other columns"),
        (no_keys, "other columns"),
        (a_member_less, "is not where the Parquet file says"),
        (a_member_more, "notes.txt is not where"),
        (two_members_swapped, "is not where|lie elsewhere"),
        (bytes_behind_the_tar, "bytes after its last member"),
        (zeros_behind_the_tar, "bytes after its last member"),
        (other_json, "its JSON differs"),
        (maps_of_another_shape, r"shape \(12, 64, 32\)"),
        (no_tar_at_all, "cannot be read"),
        (no_parquet_at_all, "cannot be read"),
        (whole_shards_swapped, "other subjects than the card says"),
    ],
)
def test_a_shard_that_contradicts_itself(
    dataset: Path, damage: Callable[[Path], None], what: str
) -> None:
    assert verify(dataset) == []
    damage(dataset)
    seal(dataset)
    findings = verify(dataset)
    assert any(re.search(what, f.what) for f in findings), findings
    assert all("shard-0000" in f.mend or "the files of" in f.mend for f in findings)


@pytest.mark.parametrize(
    ("part", "values", "what"),
    [
        ("actions", {"fold": 4}, "folds [3, 4], wanted 3 alone"),
        ("actions", {"subject": "s99"}, "other subjects than the card says"),
        ("actions", {"take": "09"}, "wanted s"),
        ("actions", {"size": 65}, "65 pixels wide, wanted 64"),
        ("actions", {"n_frames": 11}, "has not one entry a frame"),
        ("actions", {"fps": None}, "1 rows without fps"),
        ("actions", {"offset": 13}, "offset 13"),
        ("actions", {"apex": 2}, "apex 2"),
        ("actions", {"style": None}, "style None"),
        ("actions", {"style": "hold"}, "style hold"),
        ("compounds", {"label": 7}, "the label 7, wanted"),
        ("compounds", {"fps": 30.0}, "30.0 frames a second"),
        ("compounds", {"copy": 1}, "wanted s"),
        ("compounds", {"segments": None}, "1 rows without segments"),
        (
            "compounds",
            {"segments": [{"role": r} for r in ("lead", "first", "second", "tail")]},
            "a segment of None",
        ),
        ("compounds", {"segments": []}, "not lead, first, second, tail"),
    ],
)
def test_a_row_that_breaks_a_promise(dataset: Path, part: str, values: dict, what: str) -> None:
    change_row(dataset / part / "shard-00000.parquet", 0, **values)
    seal(dataset)
    assert any(what in f.what for f in verify(dataset)), verify(dataset)


def test_a_dropped_row_less(dataset: Path) -> None:
    table = pq.read_table(dataset / "dropped.parquet")
    pq.write_table(table.slice(0, 0), dataset / "dropped.parquet")
    seal(dataset)
    assert verify(dataset)[0].what == "0 recordings, and the card says 1"
    seal(dataset, dropped=0)
    assert verify(dataset)[0].what == "13 recordings, but 12 clips and 0 dropped"


def test_what_is_said_to_mend_it_mends_it(dataset: Path) -> None:
    """Compounds with a wrong label: their files deleted, and the synthesis run again."""
    from fmdata.synth.compounds import synth_compounds
    from fmdata.synth.settings import CompoundSettings

    change_row(dataset / "compounds/shard-00000.parquet", 0, label=7)
    seal(dataset)
    (finding,) = {f.mend for f in verify(dataset) if "label" in f.what}
    assert finding == "delete the files of compounds, then run `fmdata synth-compound` again"
    for file in (dataset / "compounds").iterdir():
        file.unlink()
    synth_compounds(dataset, CompoundSettings(k=1, shard_mb=1))
    assert verify(dataset) == []
