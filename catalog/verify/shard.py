"""Verification of one shard: rows, members and card agree, and each member is in its place."""

import json
import tarfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fmdata.catalog.keys import action_key, compound_key
from fmdata.catalog.storage.avi import jpeg_spans
from fmdata.catalog.storage.card import Shard
from fmdata.catalog.storage.schema import NULLABLE, POSITIONS, ROW_LISTS, is_scalar
from fmdata.catalog.verify.finding import Finding

SUFFIXES = {"avi": ".avi", "lbp": ".lbp.npy", "json": ".json"}


def problem_of_table(table: pa.Table, schema: pa.Schema) -> str | None:
    """Return the problem that prevents reading a table as rows of `schema`, or None."""
    if not table.schema.equals(schema):
        return "other columns than the format's"
    for field in schema:
        column = table[field.name]
        if field.name not in NULLABLE and column.null_count:
            return f"{column.null_count} rows without {field.name}"
        per_frame = pa.types.is_list(field.type) and field.name not in ROW_LISTS
        if not per_frame:
            continue
        lengths = pc.coalesce(pc.list_value_length(column), table["n_frames"])
        if not lengths.equals(table["n_frames"]):
            return f"{field.name} has not one entry per frame"
    return None


def check_shard(
    folder: Path, shard: Shard, table: pa.Table, size: int, todo: str
) -> Iterator[Finding]:
    """Check the rows of a shard, and the content and position of each member of its tar.

    Parameters
    ----------
    folder : Path
        Folder of the shard.
    shard : Shard
        Its entry in the card.
    table : pyarrow.Table
        Its rows, without a problem by :func:`problem_of_table`.
    size : int
        Width and height of a crop, in pixels.
    todo : str
        The next step for the user, for all findings.
    """
    parquet, tar = str(folder / f"{shard.name}.parquet"), str(folder / f"{shard.name}.tar")
    rows = light_rows(table)
    for problem in _problems_of_rows(rows, shard, size):
        yield Finding(parquet, problem, todo)
    for problem in _problems_of_tar(folder / f"{shard.name}.tar", rows, table.schema, size):
        yield Finding(tar, problem, todo)


def light_rows(table: pa.Table) -> list[dict[str, Any]]:
    """Return rows with only those per-frame facts that other rows are compared with."""
    wanted = ("frame_offset", "frame_size", "detected", "intensity", "timestamps", *ROW_LISTS)
    names = [f.name for f in table.schema if is_scalar(f) or f.name in wanted]
    rows: list[dict[str, Any]] = table.select(names).to_pylist()
    return rows


def _problems_of_rows(rows: list[dict[str, Any]], shard: Shard, size: int) -> Iterator[str]:
    folds = sorted({row["fold"] for row in rows})
    if folds != [shard.fold]:
        yield f"folds {folds}, wanted {shard.fold} alone"
    if len(rows) != shard.samples:
        yield f"{len(rows)} samples, and the card says {shard.samples}"
    subjects = list(dict.fromkeys(row["subject"] for row in rows))
    if subjects != shard.subjects:
        yield "other subjects than the card says"
    for one, other in pairwise(rows):
        if (one["subject"], one["key"]) > (other["subject"], other["key"]):
            yield f"{one['key']} before {other['key']}, not in order"
    for row in rows:
        if "take" in row:
            key = action_key(row["subject"], row["action"], row["take"])
        else:
            key = compound_key(row["subject"], row["first"], row["second"], row["copy"])
        if row["key"] != key:
            yield f"the key {row['key']}, wanted {key}"
        if row.get("size", size) != size:
            yield f"{row['key']} is {row['size']} pixels wide, wanted {size}"


def _problems_of_tar(
    path: Path, rows: list[dict[str, Any]], schema: pa.Schema, size: int
) -> Iterator[str]:
    members, end = _members(path)
    wanted = [
        (row["key"] + suffix, row[f"{kind}_offset"], row[f"{kind}_size"])
        for row in rows
        for kind, suffix in SUFFIXES.items()
        if row[f"{kind}_offset"] is not None
    ]
    if members != wanted:
        odd = sorted(set(members) ^ set(wanted)) or members
        yield f"{odd[0][0]} is not where the Parquet file says"
        return
    if any((row["lbp_offset"] is None) != (rows[0]["lbp_offset"] is None) for row in rows):
        yield "LBP maps in some samples and not in others"
    places = {field.name for field in POSITIONS}
    scalars = [f.name for f in schema if is_scalar(f) and f.name not in places]
    with path.open("rb") as file:
        file.seek(end)
        rest = file.read(2 * tarfile.RECORDSIZE)
        # A tar ends with two empty blocks, padded to a record.
        if len(rest) >= 2 * tarfile.BLOCKSIZE + tarfile.RECORDSIZE or rest.strip(b"\0"):
            yield "bytes after its last member"
        for row in rows:
            problem = _problem_of_sample(file, row, scalars, size)
            if problem:
                yield f"{row['key']}: {problem}"


def _members(path: Path) -> tuple[list[tuple[str, int, int]], int]:
    """Return name, offset and size of every member, and the end of the last one."""
    with tarfile.open(path, "r:") as tar:
        members = [(m.name, m.offset_data, m.size) for m in tar]
    end = members[-1][1] + members[-1][2] if members else 0
    return members, end + -end % tarfile.BLOCKSIZE


def _problem_of_sample(
    file: IO[bytes], row: dict[str, Any], scalars: list[str], size: int
) -> str | None:
    """Return the problem of a sample in an open tar, or None."""
    file.seek(row["avi_offset"])
    spans = [(row["avi_offset"] + s.offset, s.size) for s in jpeg_spans(file, row["avi_size"])]
    if len(spans) != row["n_frames"]:
        return f"{len(spans)} frames, wanted {row['n_frames']}"
    if spans != list(zip(row["frame_offset"], row["frame_size"], strict=True)):
        return "its frames are at other positions"
    if row["lbp_offset"] is not None:
        file.seek(row["lbp_offset"])
        version = np.lib.format.read_magic(file)
        if version != (1, 0):
            return f"an npy file of version {version}"
        header = np.lib.format.read_array_header_1_0(file)
        n_bytes = row["lbp_offset"] + row["lbp_size"] - file.tell()
        if header != ((row["n_frames"], size, size), False, np.dtype(np.uint8)):
            return f"LBP maps of shape {header[0]} and type {header[2]}"
        if n_bytes != row["n_frames"] * size**2:
            return f"{n_bytes} bytes of LBP maps"
    file.seek(row["json_offset"])
    document = json.loads(file.read(row["json_size"]))
    if document != {name: row[name] for name in scalars}:
        return "its JSON differs from its row"
    return None
