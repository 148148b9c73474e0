"""Shards have fixed bytes and correct positions, never mix folds, and do not split subjects."""

import io
import json
import tarfile
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from fmdata.catalog.storage.avi import write_avi
from fmdata.catalog.storage.division import Planned, plan_shards
from fmdata.catalog.storage.schema import (
    COMPOUND_COLUMNS,
    COMPOUND_FACTS,
    COMPOUND_FRAME_FACTS,
    frame_rows,
    one_row,
)
from fmdata.catalog.storage.shards import Sample, write_shard


def sample(key: str, n_frames: int, *, lbp: bool = True) -> Sample:
    """Return an invented compound of grey frames, each lighter than the last."""
    avi, npy = io.BytesIO(), io.BytesIO()
    frames = [np.full((16, 16, 3), 10 * i, np.uint8) for i in range(n_frames)]
    write_avi(avi, [cv2.imencode(".jpg", f)[1].tobytes() for f in frames], fps=25, size=16)
    np.save(npy, np.zeros((n_frames, 16, 16), np.uint8))
    facts = one_row(
        COMPOUND_FACTS,
        {
            "key": key, "subject": "s01", "first": "a", "second": "b", "copy": 0, "label": 1,
            "fold": 3, "fps": 25.0, "n_frames": n_frames, "seam": 1.25, "seams": [1.25],
            "first_take": "x", "second_take": "x",
            "segments": [{"source": "x", "start": 0, "stop": n_frames, "role": "first"}],
        },
    )  # fmt: skip
    of_frames = {
        "timestamp": np.arange(n_frames, dtype=np.float32) / 25,
        "source": ["x"] * n_frames,
        "source_index": np.arange(n_frames, dtype=np.int32),
    }
    frames = frame_rows(COMPOUND_FRAME_FACTS, of_frames)
    return Sample(facts, [frames], avi.getvalue(), npy.getvalue() if lbp else None)


def test_rows_have_the_position_of_every_member_and_frame(tmp_path: Path) -> None:
    write_shard(tmp_path, "s", [sample(f"k{i:02d}", 3 + i) for i in range(11)], COMPOUND_COLUMNS)
    data = (tmp_path / "s.tar").read_bytes()
    rows = pq.read_table(tmp_path / "s.parquet").to_pylist()
    frames = pq.read_table(tmp_path / "s.frames.parquet").to_pylist()
    assert len(frames) == sum(row["n_frames"] for row in rows)
    with tarfile.open(tmp_path / "s.tar") as tar:
        members = {m.name: tar.extractfile(m).read() for m in tar}
    order = [f"{row['key']}{end}" for row in rows for end in (".avi", ".lbp.npy", ".json")]
    assert list(members) == order
    for row in rows:
        for kind, end in (("avi", ".avi"), ("lbp", ".lbp.npy"), ("json", ".json")):
            begin = row[f"{kind}_offset"]
            assert data[begin : begin + row[f"{kind}_size"]] == members[row["key"] + end]
        for i, frame in enumerate(frames[row["frames_row"] :][: row["n_frames"]]):
            assert (frame["key"], frame["index"]) == (row["key"], i)
            begin, size = frame["jpeg_offset"], frame["jpeg_size"]
            pixels = cv2.imdecode(np.frombuffer(data[begin : begin + size], np.uint8), 1)
            assert abs(int(pixels.mean()) - 10 * i) <= 1
        document = json.loads(members[row["key"] + ".json"])
        assert document == {name: row[name] for name in document}
        assert set(document) == set(COMPOUND_FACTS.names) - {"segments", "seams"}


def test_positions_of_missing_lbp_maps_are_null(tmp_path: Path) -> None:
    write_shard(tmp_path, "s", [sample("k", 3, lbp=False)], COMPOUND_COLUMNS)
    row = pq.read_table(tmp_path / "s.parquet").to_pylist()[0]
    assert row["lbp_offset"] is None
    with tarfile.open(tmp_path / "s.tar") as tar:
        assert tar.getnames() == ["k.avi", "k.json"]


def test_the_tar_has_golden_bytes(tmp_path: Path) -> None:
    """Headers hold no time, owner or host. Invented JPEGs need no encoder."""
    made = sample("s01-a-b-c0", 2)
    avi = _avi_of([b"\xff\xd8one\xff\xd9", b"\xff\xd8second\xff\xd9"])
    write_shard(tmp_path, "s", [Sample(made.facts, made.frames, avi, b"npy")], COMPOUND_COLUMNS)
    with tarfile.open(tmp_path / "s.tar") as tar:
        for member in tar:
            facts = (member.mtime, member.uid, member.gid, member.uname, member.gname, member.mode)
            assert facts == (0, 0, 0, "", "", 0o644)
    digest = sha256((tmp_path / "s.tar").read_bytes()).hexdigest()
    assert digest == "76c5e37858bd62eb35aa6005472d82c8b9a1b21806ccd2433c83746bbfc5d03f"


def _avi_of(jpegs: list[bytes]) -> bytes:
    file = io.BytesIO()
    write_avi(file, jpegs, fps=25, size=16)
    return file.getvalue()


def test_a_shard_never_mixes_folds() -> None:
    shards = plan_shards([Planned(i % 3, f"s{i}", f"s{i}-a", 10) for i in range(9)], limit=10**6)
    assert [{s.fold for s in shard} for shard in shards] == [{0}, {1}, {2}]


def test_a_subject_is_divided_only_if_it_is_larger_than_a_shard() -> None:
    small = [Planned(0, s, f"{s}-{i}", 30) for s in ("a", "b", "c") for i in range(2)]
    assert [[p.key for p in shard] for shard in plan_shards(small, limit=130)] == [
        ["a-0", "a-1", "b-0", "b-1"],
        ["c-0", "c-1"],
    ]
    large = [Planned(0, "a", "a-0", 30), *(Planned(0, "b", f"b-{i}", 60) for i in range(5))]
    assert [[p.key for p in shard] for shard in plan_shards(large, limit=130)] == [
        ["a-0"],
        ["b-0", "b-1"],
        ["b-2", "b-3"],
        ["b-4"],
    ]


def test_the_plan_does_not_depend_on_the_order_of_samples() -> None:
    samples = [Planned(i % 2, f"s{i % 5}{i % 2}", f"k{i}", 50) for i in range(30)]
    shuffled = [samples[i] for i in np.random.default_rng(1).permutation(30)]
    assert plan_shards(samples, 200) == plan_shards(shuffled, 200)


def test_a_row_with_a_missing_column_is_refused() -> None:
    with pytest.raises(ValueError, match="columns missing or unknown: copy"):
        one_row(COMPOUND_FACTS, {n: None for n in COMPOUND_FACTS.names if n != "copy"})
