"""Memory of packing: eight clips of 600 frames of 478 points, 3.4 MB of landmarks each.

Parquet needs six times the size of the rows that it writes at once. One row at a time needs 22 MB;
all eight at once, with a copy, would need 200 MB. The pixels of a clip are never in memory.
"""

import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fmdata.catalog.dataset import Dataset
from fmdata.catalog.storage.avi import write_avi
from fmdata.catalog.storage.schema import ACTION_FACTS, POSITIONS, cell
from fmdata.catalog.storage.shards import Sample, write_shard
from tests.helpers.datasets import make_up

pytestmark = pytest.mark.slow

CLIPS, FRAMES, PIXELS = 8, 600, 8 << 20
LANDMARKS = CLIPS * FRAMES * 478 * 3 * 4  # bytes
ROOT = Path(__file__).parents[2]


def rows(folder: Path, n_clips: int, n_frames: Callable[[int], int]) -> list[Sample]:
    """Return samples with few columns; landmarks, maps and AVI are in files."""
    draw = np.random.default_rng(0)
    field = ACTION_FACTS.field("landmarks")
    samples = []
    for i in range(n_clips):
        file, maps, avi = (folder / f"{i}.{end}" for end in ("npy", "lbp", "avi"))
        np.save(file, draw.random((n_frames(i), 478, 3), np.float32))
        maps.write_bytes(bytes(PIXELS))
        write_avi(avi, [b"\xff\xd8one\xff\xd9"] * 3, fps=25, size=16)
        facts = pa.table({"key": [f"k{i}"]})
        for other in ("intensity", "pose", "blendshapes"):
            of_frame = ACTION_FACTS.field(other)
            width = getattr(of_frame.type.value_type, "list_size", 1)
            values = draw.random((n_frames(i), width) if width > 1 else n_frames(i), np.float32)
            facts = facts.append_column(of_frame, cell(of_frame, values))
        landmarks = cell(field, np.load(file, "r"))
        samples.append(Sample(facts.append_column(field, landmarks), avi, maps))
    return samples


def main() -> None:
    """Pack, and print the largest growth of anonymous memory in bytes."""
    anonymous, done = [], threading.Event()

    def measure() -> None:
        status = Path("/proc/self/status").read_text()
        anonymous.append(1024 * int(re.search(r"RssAnon:\s*(\d+)", status)[1]))

    def keep_measuring() -> None:
        while not done.wait(0.002):
            measure()

    with tempfile.TemporaryDirectory() as folder:
        samples = rows(Path(folder), CLIPS, lambda _: FRAMES)
        measure()
        measuring = threading.Thread(target=keep_measuring)
        measuring.start()
        write_shard(Path(folder), "s", samples, samples[0].facts.schema)
        done.set()
        measuring.join()
    sys.stdout.write(f"{max(anonymous) - anonymous[0]}\n")


def test_packing_holds_one_row_at_a_time() -> None:
    command = [sys.executable, "-m", "tests.catalog.test_memory"]
    run = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    assert int(run.stdout) < 2 * LANDMARKS


def test_rows_written_singly_give_the_same_file_as_one_table(tmp_path: Path) -> None:
    """Rows of one frame and of hundreds, in groups of eight and of three."""
    samples = rows(tmp_path, 11, lambda i: (1, 3, 400, 2)[i % 4])
    facts = samples[0].facts.schema
    write_shard(tmp_path, "s", samples, facts)
    schema = pa.schema([*facts, *POSITIONS])
    table = pq.read_table(tmp_path / "s.parquet").cast(schema)
    options = {"compression": "zstd", "use_dictionary": False}
    with pq.ParquetWriter(tmp_path / "whole", schema, **options) as whole:
        for start in (0, 8):
            whole.write_table(table.slice(start, 8).combine_chunks())
    one, other = ((tmp_path / name).read_bytes() for name in ("s.parquet", "whole"))
    assert sha256(one).digest() == sha256(other).digest()


def test_a_clip_to_be_copied_holds_its_own_row_only(tmp_path: Path) -> None:
    clips = Dataset(make_up(tmp_path, ["s01"])).actions
    samples = [clip.sample() for clip in clips]
    assert [sample.key for sample in samples] == clips.keys
    for sample in samples:
        # A slice would count the buffers of its whole row group.
        assert sample.facts.get_total_buffer_size() < 1.2 * sample.facts.nbytes
    assert not any(isinstance(content, bytes) for s in samples for content in (s.avi, s.lbp))


@pytest.mark.parametrize("limit", [1, 10**9])
def test_a_clip_copied_from_a_shard_is_packed_the_same_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """A row read from a shard counts as many bytes towards a group as a new row."""
    monkeypatch.setattr("fmdata.catalog.storage.shards.BYTES_PER_GROUP", limit)
    dataset = make_up(tmp_path / "dataset", ["s01"])
    clips = Dataset(dataset).actions
    write_shard(tmp_path, "again", [clip.sample() for clip in clips], ACTION_FACTS)
    for suffix in (".tar", ".parquet"):
        first = dataset / "actions" / f"shard-00000{suffix}"
        assert first.read_bytes() == (tmp_path / f"again{suffix}").read_bytes()


if __name__ == "__main__":
    main()
