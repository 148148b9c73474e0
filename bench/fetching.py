"""Reading the pixels of a shard at a URL once: whole files, or ranges of bytes of each clip.

``python -m bench.fetching`` runs both against a store in memory whose every request waits as one to
an object store does: so long until the first byte, and so long for its bytes. Whole files are those
of :class:`fmdata.catalog.Dataset`; ranges are one request for the table of clips, and one for the
JPEGs of each clip, whose places are taken as known, which flatters them.
"""

import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.page import text
from fmdata.catalog import Dataset
from fmdata.catalog.keys import fold
from fmdata.catalog.remote.cache import CacheSettings
from fmdata.catalog.remote.push import push
from fmdata.catalog.remote.store import Store
from tests.helpers.datasets import make_up
from tests.helpers.far_end import FarEnd

SUBJECTS = 75  # of four clips each, all in one shard
LATENCY_S, BYTES_PER_S = 0.03, 80e6
URL = "far://lab"


def main(arguments: Sequence[str]) -> None:
    """Measure, and print a table."""
    folder = Path(tempfile.mkdtemp())
    try:
        dataset = _one_shard(folder / "dataset")
        push(dataset, URL)
        _slow_down()
        rows = [["", "requests", "seconds", "compared with the card"]]
        rows.append(["whole files", *_whole(folder / "cache"), "SHA-256"])
        rows.append(["ranges", *_ranges(dataset), "size only"])
        print(text(rows))
    finally:
        shutil.rmtree(folder)


def _one_shard(path: Path) -> Path:
    names = [f"s{i:04d}" for i in range(10 * SUBJECTS * 2)]
    make_up(path, [n for n in names if fold(n, 0) == 3][:SUBJECTS], k=0, shard_bytes=10**9)
    assert len(Dataset(path).card.actions.shards) == 1
    return path


def _slow_down() -> None:
    read = FarEnd.cat_file

    def cat_file(self: FarEnd, path: str, *arguments: Any, **options: Any) -> bytes:
        data: bytes = read(self, path, *arguments, **options)
        time.sleep(LATENCY_S + len(data) / BYTES_PER_S)
        return data

    FarEnd.cat_file = cat_file  # type: ignore[method-assign]
    FarEnd.works()


def _whole(cache: Path) -> list[str]:
    FarEnd.works()
    began = time.monotonic()
    for clip in Dataset(URL, CacheSettings(folder=cache)).actions:
        clip.jpegs()
    return [str(FarEnd.requests), f"{time.monotonic() - began:.1f}"]


def _ranges(dataset: Path) -> list[str]:
    clips = Dataset(dataset).actions
    spans = [(s[:, 0].min(), s.sum(axis=1).max()) for s in (clip.jpeg_spans for clip in clips)]
    shard = clips.part.shards[0].name
    fs, root = Store(URL)._fs, Store(URL)._root
    FarEnd.works()
    began = time.monotonic()
    fs.cat_file(f"{root}/actions/{shard}.parquet")
    for begin, end in spans:
        fs.cat_file(f"{root}/actions/{shard}.tar", start=int(begin), end=int(end))
    return [str(FarEnd.requests), f"{time.monotonic() - began:.1f}"]


if __name__ == "__main__":
    main(sys.argv[1:])
