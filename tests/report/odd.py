"""A made-up dataset with oddities of many kinds, and with markup in the names of subjects."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from fmdata.catalog.storage.schema import DROPPED_COLUMNS
from tests.helpers.datasets import change_row, make_up, seal

HOSTILE = "<img src=x onerror=owned=1></script><script>owned=1</script>\u202e"


def odd_dataset(path: Path) -> Path:
    """Make three subjects, one of which has a hostile name, with compounds and dropped ones."""
    make_up(path, ["s01", "s02", "s03"], dropped=["s01", "s02", "s03"], k=3)
    for file in sorted(path.rglob("shard-?????.parquet")):
        rows = pq.read_table(file).to_pylist()
        for index, row in enumerate(rows):
            hostile = {"subject": HOSTILE} if row["subject"] == "s03" else {}
            if "compounds" in file.parts:
                change_row(file, index, **hostile, seam=50.0 if index == 0 else 1.0)
                continue
            takes = {"take": HOSTILE, "recorded_take": HOSTILE} if hostile else {}
            sound = {"face_px": 100.0, "brightness": 120.0 + index, "sharpness": 100.0,
                     "transfer": "bt709", "turned": 0, "detected_share": 1.0}  # fmt: skip
            change_row(file, index, **hostile, **sound, **takes)
        if "actions" in file.parts:
            change_row(file, len(rows) - 1, brightness=10.0, flash=True)
    dropped = pq.read_table(path / "dropped.parquet").to_pylist()
    dropped[0] |= {"reason": "no_face", "stage": "landmarks", "detail": HOSTILE}
    table = pa.Table.from_pylist(dropped, DROPPED_COLUMNS)
    pq.write_table(table, path / "dropped.parquet", compression="zstd")
    seal(path)
    return path
