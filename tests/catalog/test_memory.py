"""Memory of packing, opening and reading: it grows neither with a clip's length nor their number.

Landmarks of twenty minutes at 30 frames a second are 206 MB, and Parquet needs six times the size
of what it writes at once. Packing may cost 60 MB more than for five seconds, and an open dataset
1 kB a clip.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fmdata.catalog.dataset import Dataset
from fmdata.catalog.storage.avi import write_avi
from fmdata.catalog.storage.npy import npy_writer
from fmdata.catalog.storage.schema import ACTION_COLUMNS, frame_rows
from fmdata.catalog.storage.shards import FILES, Sample, write_shard
from fmdata.catalog.storage.work import UNIT_FRAME_FACTS, Unit
from fmdata.catalog.verify.dataset import verify
from tests.helpers.datasets import make_up, make_up_sample
from tests.helpers.imitated import imitate, imitate_long, imitate_whole

pytestmark = pytest.mark.slow

FPS, SHORT, LONG = 30, 5 * 30, 20 * 60 * 30  # frames
CLIPS = 100_000
ROOT = Path(__file__).parents[2]
MB = 1_000_000


def unit_of(folder: Path, n_frames: int) -> Unit:
    """Fill a unit with a clip of so many frames; pixels are a few bytes, landmarks are noise."""
    unit, draw = Unit(folder), np.random.default_rng(0)
    made = make_up_sample("s01", "smile", "01")
    values = {
        field.name: draw.random((n_frames, getattr(field.type, "list_size", 1)), np.float32)
        for field in UNIT_FRAME_FACTS
    }
    values |= {name: v[:, 0] for name, v in values.items() if v.shape[1] == 1}
    values["detected"] = np.ones(n_frames, np.bool_)
    row = made.facts.set_column(
        made.facts.column_names.index("n_frames"),
        made.facts.field("n_frames"),
        pa.array([n_frames], pa.int32()),
    )
    unit.write_facts(row, frame_rows(UNIT_FRAME_FACTS, values))
    with npy_writer(unit.landmarks, np.dtype(np.float32), (n_frames, 478, 3)) as file:
        for _ in range(n_frames):
            file.write(draw.random((478, 3), np.float32).tobytes())
    write_avi(unit.avi, [b"\xff\xd8one\xff\xd9"] * n_frames, fps=FPS, size=16)
    return unit


def pack(n_frames: int) -> None:
    """Pack a unit of so many frames, made by another process, into a shard."""
    with tempfile.TemporaryDirectory() as folder:
        run_here("fill", folder, str(n_frames))
        write_shard(Path(folder), "s", [Unit(Path(folder)).sample()], ACTION_COLUMNS)


def open_and_look_up(path: str) -> None:
    """Open a dataset, take a clip by key and one by position; keep all of it in memory."""
    dataset = Dataset(path)
    before = resident("VmRSS")
    clips = dataset.actions
    keys = [clips[len(clips) // 2].key, clips[-1].key]
    assert [clips[key].key for key in keys] == keys
    sys.stdout.write(f"{resident('VmRSS') - before} ")


def read_all(path: str) -> None:
    """Pass over all clips, their rows and their frames."""
    clips = Dataset(path).actions
    n_frames = sum(len(clip.intensity) for clip in clips)
    assert n_frames == sum(row["n_frames"] for row in clips.rows(["n_frames"]))
    assert n_frames == sum(table.num_rows for table in clips.frame_tables(["index"]))


def verify_all(path: str, deep: str) -> None:
    """Check a dataset that is in order, with `deep` every frame of it."""
    assert verify(Path(path), deep=bool(deep)) == []


def resident(kind: str) -> int:
    """Return the resident set of this process, or its high-water mark, in bytes."""
    return 1024 * int(re.search(rf"{kind}:\s*(\d+)", Path("/proc/self/status").read_text())[1])


def run_here(*arguments: str) -> list[int]:
    """Run a job of this file in a process of its own; return the numbers that it prints."""
    command = [sys.executable, "-m", "tests.catalog.test_memory", *arguments]
    # One thread and one heap: how much several keep in reserve depends on how they are scheduled.
    alone = {"OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
    environment = {**os.environ, **alone}
    run = subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=ROOT, env=environment
    )
    return [int(number) for number in run.stdout.split()]


@pytest.mark.long
def test_packing_twenty_minutes_costs_little_more_than_five_seconds() -> None:
    (short,), (long,) = run_here("pack", str(SHORT)), run_here("pack", str(LONG))
    assert long - short < 60 * MB, (long - short) / MB


@pytest.mark.long
def test_an_open_dataset_of_a_hundred_thousand_clips_holds_little(tmp_path: Path) -> None:
    held, _ = run_here("open", str(imitate(tmp_path / "large", CLIPS)))
    assert held < 1000 * CLIPS, held / CLIPS


@pytest.mark.long
def test_a_pass_over_ten_times_the_clips_holds_no_more(tmp_path: Path) -> None:
    """The rows of two shards of a thousand clips, or of twenty, pass through."""
    peaks = [run_here("read", str(imitate(tmp_path / str(n), n)))[0] for n in (2_000, 20_000)]
    assert peaks[1] - peaks[0] < 20 * MB, np.diff(peaks) / MB


@pytest.mark.long
def test_verify_holds_no_more_for_ten_times_the_clips_or_frames(tmp_path: Path) -> None:
    """Of 1,000 clips and 10,000; and, frame by frame, of one clip of 1,000 frames and 20,000.

    The row of a clip is 3 kB as Python objects; the pixels of the longer clip are 170 MB.
    """
    many = [imitate_whole(tmp_path / f"s{n}", n) for n in (100, 1000)]
    long = [imitate_long(tmp_path / f"f{n}", n) for n in (1_000, 20_000)]
    for deep, paths in (("", many), ("deep", long)):
        peaks = [run_here("verify", str(path), deep)[0] for path in paths]
        assert peaks[1] - peaks[0] < 18 * MB, (deep, np.diff(peaks) / MB)


def test_a_pass_over_the_clips_decodes_each_block_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixteen clips of twelve frames in blocks of at most forty frames; two columns are read."""
    monkeypatch.setattr("fmdata.catalog.storage.tables.frames.FRAMES_PER_BLOCK", 40)
    clips = Dataset(make_up(tmp_path, ["s01", "s02", "s03", "s04"], k=0)).actions
    files = sorted(clips.folder.glob("*.frames.parquet"))
    n_blocks = sum(pq.read_metadata(file).num_row_groups for file in files)
    assert len(files) < n_blocks < len(clips)
    decoded = []
    read = pq.ParquetFile.read_row_group

    def counted(self: pq.ParquetFile, number: int, columns: list[str]) -> object:
        decoded.extend(columns)
        return read(self, number, columns=columns)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", counted)
    for clip in clips:
        assert len(clip.intensity) == len(clip.detected) == len(clip.intensity) == clip.n_frames
    assert sorted(decoded) == sorted(["intensity", "detected"] * n_blocks)


def test_blocks_do_not_depend_on_the_pieces_in_which_frames_come(tmp_path: Path) -> None:
    """Clips of 12 frames, one of them as many times longer as needs three blocks of its own."""
    made = [make_up_sample("s01", action, take) for action in "ab" for take in "12"]
    (whole,) = made[2].frames
    n = 1200

    def long(pieces: Iterator[int]) -> Sample:
        facts = made[2].facts
        row = facts.set_column(
            facts.column_names.index("n_frames"), facts.field("n_frames"), pa.array([n], pa.int32())
        )
        frames = whole.take(np.arange(n) % 12)
        stops = list(pieces)
        tables = [frames.slice(a, b - a) for a, b in zip([0, *stops], [*stops, n], strict=True)]
        avi = tmp_path / "long.avi"
        write_avi(avi, [b"\xff\xd8one\xff\xd9"] * n, fps=FPS, size=16)
        return Sample(row, tables, avi, made[2].lbp)

    for name, pieces in (("one", []), ("other", [1, 500, 513, 1199])):
        samples = [*made[:2], long(iter(pieces)), made[3]]
        write_shard(tmp_path, name, samples, ACTION_COLUMNS)
    metadata = pq.read_metadata(tmp_path / "one.frames.parquet")
    groups = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
    assert groups == [24, 512, 512, 176, 12]
    for end in FILES:
        assert (tmp_path / f"one{end}").read_bytes() == (tmp_path / f"other{end}").read_bytes()


def test_a_clip_to_be_copied_holds_no_pixels_and_no_frames(tmp_path: Path) -> None:
    clips = Dataset(make_up(tmp_path, ["s01"], k=0)).actions
    samples = [clip.sample() for clip in clips]
    assert [sample.key for sample in samples] == clips.keys
    assert not any(isinstance(content, bytes) for s in samples for content in (s.avi, s.lbp))
    assert not any(isinstance(sample.frames, list) for sample in samples)


def test_a_clip_copied_from_a_shard_is_packed_the_same_way(tmp_path: Path) -> None:
    """Alone, and in one block with a clip that is new."""
    dataset = make_up(tmp_path / "dataset", ["s01"])
    copied = [clip.sample() for clip in Dataset(dataset).actions]
    new = make_up_sample("s01", "smile", "01")
    write_shard(tmp_path, "mixed", [new, *copied[1:]], ACTION_COLUMNS)
    for end in FILES:
        first = dataset / f"actions/shard-00000{end}"
        assert first.read_bytes() == (tmp_path / f"mixed{end}").read_bytes()
    for clips, part in zip(Dataset(dataset).halves, ("actions", "compounds"), strict=True):
        columns, n_clips = clips.clip.COLUMNS, clips.part.shards[0].samples
        write_shard(tmp_path, "again", [clips[i].sample() for i in range(n_clips)], columns)
        for end in FILES:
            first = dataset / part / f"shard-00000{end}"
            assert first.read_bytes() == (tmp_path / f"again{end}").read_bytes()


if __name__ == "__main__":
    job, *arguments = sys.argv[1:]
    if job == "fill":
        unit_of(Path(arguments[0]), int(arguments[1]))
    elif job == "pack":
        pack(int(arguments[0]))
    else:
        jobs = {"open": open_and_look_up, "read": read_all, "verify": verify_all}
        jobs[job](*arguments)
    if job != "fill":
        sys.stdout.write(str(resident("VmHWM")))
