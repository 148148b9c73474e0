"""`verify` finds wrong content in files that match their digests."""

import io
import json
import re
import tarfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fmdata.catalog.verify.dataset import verify
from tests.helpers.datasets import change_frames, change_row, frames_of, make_up, seal

PARQUET, TAR = "actions/shard-00000.parquet", "actions/shard-00000.tar"


@pytest.fixture
def dataset(of_one_fold: list[str], tmp_path: Path) -> Path:
    """Two subjects in one shard, a third in another fold, and a dropped recording."""
    return make_up(tmp_path / "dataset", [*of_one_fold[:2], "s01"], dropped=["s01"], k=1)


def write_tar(path: Path, members: list[tuple[str, bytes]]) -> None:
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def members(path: Path) -> list[tuple[str, bytes]]:
    with tarfile.open(path) as tar:
        return [(m.name, tar.extractfile(m).read()) for m in tar]


def without_a_row(path: Path) -> None:
    table = pq.read_table(path / PARQUET)
    pq.write_table(table.slice(1), path / PARQUET)


def with_two_rows_swapped(path: Path) -> None:
    table = pq.read_table(path / PARQUET)
    pq.write_table(pa.concat_tables([table.slice(1, 1), table.slice(0, 1), table.slice(2)]),
                   path / PARQUET)  # fmt: skip


def with_a_row_twice(path: Path) -> None:
    table = pq.read_table(path / PARQUET)
    pq.write_table(pa.concat_tables([table.slice(0, 1), table]), path / PARQUET)


def without_a_column(path: Path) -> None:
    pq.write_table(pq.read_table(path / PARQUET).drop_columns(["pose_range"]), path / PARQUET)


def without_keys(path: Path) -> None:
    pq.write_table(pq.read_table(path / PARQUET).drop_columns(["key"]), path / PARQUET)


def without_a_member(path: Path) -> None:
    write_tar(path / TAR, members(path / TAR)[:-1])


def with_an_extra_member(path: Path) -> None:
    write_tar(path / TAR, [*members(path / TAR), ("notes.txt", b"mine")])


def with_two_members_swapped(path: Path) -> None:
    """Exchange the AVIs of two samples; all names stay."""
    found = members(path / TAR)
    found[0], found[3] = (found[0][0], found[3][1]), (found[3][0], found[0][1])
    write_tar(path / TAR, found)


def with_bytes_after_the_tar(path: Path) -> None:
    with (path / TAR).open("ab") as file:
        file.write(b"face")


def with_zeros_after_the_tar(path: Path) -> None:
    with (path / TAR).open("ab") as file:
        file.write(bytes(20_480))


def with_other_json(path: Path) -> None:
    found = members(path / TAR)
    document = json.loads(found[2][1])
    text = json.dumps(document | {"take": "07"}, ensure_ascii=False).encode()
    assert len(text) == len(found[2][1])
    found[2] = (found[2][0], text)
    write_tar(path / TAR, found)


def with_maps_of_another_shape(path: Path) -> None:
    found = members(path / TAR)
    found[1] = (found[1][0], found[1][1].replace(b"(12, 64, 64)", b"(12, 64, 32)"))
    write_tar(path / TAR, found)


def with_an_invalid_tar(path: Path) -> None:
    (path / TAR).write_bytes(b"no tar" * 1000)


def with_an_invalid_parquet(path: Path) -> None:
    (path / PARQUET).write_bytes(b"no table" * 1000)


def with_two_shards_swapped(path: Path) -> None:
    for kind in ("tar", "parquet", "frames.parquet"):
        one, other = (path / f"actions/shard-0000{i}.{kind}" for i in (0, 1))
        data = one.read_bytes()
        one.write_bytes(other.read_bytes())
        other.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (without_a_row, "the card says"),
        (with_two_rows_swapped, "not in order"),
        (with_a_row_twice, "samples with the key"),
        (without_a_column, "other columns"),
        (without_keys, "other columns"),
        (without_a_member, "is not where the Parquet file says"),
        (with_an_extra_member, "bytes after its last member"),
        (with_two_members_swapped, "is not where|at other positions"),
        (with_bytes_after_the_tar, "bytes after its last member"),
        (with_zeros_after_the_tar, "bytes after its last member"),
        (with_other_json, "its JSON differs"),
        (with_maps_of_another_shape, r"another type or shape than uint8 \[12, 64, 64\]"),
        (with_an_invalid_tar, "is not where the Parquet file says"),
        (with_an_invalid_parquet, "cannot be read"),
        (with_two_shards_swapped, "other subjects than the card says"),
    ],
)
def test_a_damaged_shard_is_found(
    dataset: Path, damage: Callable[[Path], None], problem: str
) -> None:
    assert verify(dataset) == []
    damage(dataset)
    seal(dataset)
    findings = verify(dataset)
    assert any(re.search(problem, f.problem) for f in findings), findings
    assert all("shard-0000" in f.todo or "the files of" in f.todo for f in findings)


@pytest.mark.parametrize(
    ("part", "values", "problem"),
    [
        ("actions", {"fold": 4}, "folds [3, 4], wanted 3 alone"),
        ("actions", {"subject": "s99"}, "other subjects than the card says"),
        ("actions", {"processor": "AVX2"}, "other processors than the card says"),
        ("actions", {"take": "09"}, "wanted s"),
        ("actions", {"size": 65}, "65 pixels wide, wanted 64"),
        ("actions", {"n_frames": 11}, "it has not one row per frame"),
        ("actions", {"fps": None}, "1 rows without fps"),
        ("actions", {"offset": 13}, "offset 13"),
        ("actions", {"apex": 2}, "apex 2"),
        ("actions", {"style": None}, "style None"),
        ("actions", {"style": "hold"}, "style hold"),
        ("actions", {"spotted_apex": 5}, "(3, 5, 9) were spotted"),
        ("actions", {"spotted_onset": 2}, "spotted onset, apex and offset (2, 6, 9), and motions"),
        ("actions", {"motion_from": "guess"}, "a motion from 'guess'"),
        ("actions", {"motion_from": "given", "review": "", "onset": None}, "onset None"),
        (
            "actions",
            {"motion_from": "given", "review": "", "onset": 5},
            "lead 3 and trail 3, wanted",
        ),
        ("actions", {"motion_from": "given"}, "is given, and (None, None, None) in the table"),
        ("actions", {"given_onset": 3}, "given onset, apex and offset (3, None, None)"),
        (
            "actions",
            {
                "motion_from": "given",
                "given_times": "onset 4, offset 9",
                "given_onset": 4,
                "given_offset": 9,
            },
            "(4, None, 9) are given",
        ),
        ("actions", {"recorded_take": "09"}, "other names than its recording, without a review"),
        ("compounds", {"label": 7}, "the label 7, wanted"),
        ("compounds", {"fps": 30.0}, "30.0 frames per second"),
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
def test_a_row_that_breaks_the_format_is_found(
    dataset: Path, part: str, values: dict, problem: str
) -> None:
    change_row(dataset / part / "shard-00000.parquet", 0, **values)
    seal(dataset)
    assert any(problem in f.problem for f in verify(dataset)), verify(dataset)


@pytest.mark.parametrize(
    ("part", "column", "change", "problem"),
    [
        ("actions", "key", lambda key: f"{key}x", "rows of frames with another key"),
        ("actions", "index", lambda index: index ^ 1, "rows of frames that are not in order"),
        ("actions", "jpeg_offset", lambda offset: offset + 1, "at other positions"),
        ("actions", "jpeg_size", lambda size: size - 1, "at other positions"),
        ("actions", "intensity", lambda _: None, "12 rows without intensity"),
        ("actions", "landmarks", lambda points: points[3:], "1431 numbers in the landmarks"),
        ("compounds", "source", lambda _: "nobody", "rows of frames that name others"),
        ("compounds", "source_index", lambda index: index + 1, "rows of frames that name others"),
    ],
)
def test_a_frame_that_breaks_the_format_is_found(
    dataset: Path, part: str, column: str, change: Callable, problem: str
) -> None:
    """In the rows of the frames of the first clip."""
    file = dataset / part / "shard-00000.frames.parquet"
    key = pq.read_table(file, columns=["key"])["key"][0].as_py()
    change_frames(file, key, column, [change(value) for value in frames_of(file, key, column)])
    seal(dataset)
    assert any(problem in f.problem for f in verify(dataset)), verify(dataset)


def test_rows_of_frames_that_are_missing_or_elsewhere_are_found(dataset: Path) -> None:
    file = dataset / "actions/shard-00000.frames.parquet"
    table = pq.read_table(file)
    pq.write_table(table.slice(0, table.num_rows - 1), file)
    seal(dataset)
    assert any("not one row per frame" in f.problem for f in verify(dataset)), verify(dataset)
    pq.write_table(table, file)
    change_row(dataset / PARQUET, 1, frames_row=0)
    seal(dataset)
    assert any("its frames at row 0, wanted 12" in f.problem for f in verify(dataset))


def test_a_missing_row_of_a_dropped_recording_is_found(dataset: Path) -> None:
    table = pq.read_table(dataset / "dropped.parquet")
    pq.write_table(table.slice(0, 0), dataset / "dropped.parquet")
    seal(dataset)
    assert verify(dataset)[0].problem == "0 recordings, and the card says 1"
    seal(dataset, dropped=0)
    assert verify(dataset)[0].problem == "13 recordings, but 12 clips and 0 dropped"


def test_the_advice_of_a_finding_repairs_the_dataset(dataset: Path) -> None:
    """After a wrong label in the compounds: delete their files, and synthesise again."""
    from fmdata.synth.compounds import synth_compounds
    from fmdata.synth.settings import CompoundSettings

    change_row(dataset / "compounds/shard-00000.parquet", 0, label=7)
    seal(dataset)
    (todo,) = {f.todo for f in verify(dataset) if "label" in f.problem}
    assert todo == "delete the files of compounds, then run `fmdata synth-compound` again"
    for file in (dataset / "compounds").iterdir():
        file.unlink()
    synth_compounds(dataset, CompoundSettings(k=1, shard_mb=1))
    assert verify(dataset) == []
