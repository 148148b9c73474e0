"""Verification of a dataset against its card: digests of all files, then their content.

Promise: no findings means that every byte is as written, that there is no other file, and that the
rows follow the format. A finding names the file, the problem, and the command that repairs it.
"""

import struct
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fmdata.catalog.errors import DatasetError
from fmdata.catalog.storage import card as card_file
from fmdata.catalog.storage.card import Card, FileFacts, Part
from fmdata.catalog.storage.lock import WORK, require_unwritten
from fmdata.catalog.storage.schema import ACTION_COLUMNS, COMPOUND_COLUMNS, DROPPED_COLUMNS
from fmdata.catalog.storage.shards import shard_name
from fmdata.catalog.verify.compounds import check_compounds
from fmdata.catalog.verify.finding import REBUILD, RESYNTH, Finding, after_deleting
from fmdata.catalog.verify.frames import DeepCheck
from fmdata.catalog.verify.rows import check_duplicates, check_motions, check_names
from fmdata.catalog.verify.shard import check_shard, light_rows, problem_of_table

# Errors from reading a file that matches its digest but breaks the format.
INVALID = (
    *(OSError, EOFError, ValueError, KeyError, TypeError, IndexError),
    *(pa.ArrowException, struct.error, tarfile.TarError),
)


@dataclass(frozen=True)
class _Half:
    """One half of a dataset: its folder, its entry in the card, its columns, and its repair."""

    folder: Path
    part: Part
    schema: pa.Schema
    todo: str


def verify(path: Path, *, deep: bool = False) -> list[Finding]:
    """Check a dataset against its card.

    Parameters
    ----------
    path : Path
        Folder of the dataset.
    deep : bool
        Decode every frame as well.

    Raises
    ------
    DatasetError
        When the dataset has no card, or another command is writing to it.
    """
    require_unwritten(path)
    found = _found(path, deep)
    if found:
        require_unwritten(path)  # a command that began meanwhile may have caused the findings
    return found


def _found(path: Path, deep: bool) -> list[Finding]:
    try:
        card = Card.read(path)
    except DatasetError as error:
        if not (path / card_file.NAME).is_file():
            raise
        return [Finding(str(path / card_file.NAME), error.got, error.todo)]
    return list(_findings(path, card, deep))


def _findings(path: Path, card: Card, deep: bool) -> Iterator[Finding]:
    halves = [_Half(path / card_file.ACTIONS, card.actions, ACTION_COLUMNS, REBUILD)]
    if card.compounds is not None:
        halves.append(_Half(path / card_file.COMPOUNDS, card.compounds, COMPOUND_COLUMNS, RESYNTH))
    damage = [finding for half in halves for finding in _files(half)]
    damage += _file(path / card_file.DROPPED, card.dropped_file, REBUILD)
    yield from damage
    yield from _strays(path, halves)
    if card.stale:
        yield Finding(
            str(path / card_file.COMPOUNDS),
            "stale: the actions have changed since the compounds were made",
            RESYNTH,
        )
    if not damage:
        # All bytes are as written; their content may still be wrong.
        yield from _content(path, card, halves, deep)


def _content(path: Path, card: Card, halves: list[_Half], deep: bool) -> Iterator[Finding]:
    dropped_path = path / card_file.DROPPED
    try:
        dropped = pq.read_table(dropped_path, schema=DROPPED_COLUMNS)
    except INVALID as error:
        todo = after_deleting(card_file.DROPPED, REBUILD)
        yield Finding(str(dropped_path), f"cannot be read: {error}", todo)
        return
    if dropped.num_rows != card.dropped:
        problem = f"{dropped.num_rows} recordings, and the card says {card.dropped}"
        yield Finding(str(dropped_path), problem, after_deleting(card_file.DROPPED, REBUILD))
    if card.recordings != card.actions.samples + card.dropped:
        yield Finding(
            str(path / card_file.NAME),
            f"{card.recordings} recordings, but {card.actions.samples} clips "
            f"and {card.dropped} dropped",
            after_deleting(card_file.DROPPED, REBUILD),
        )
    check = DeepCheck(fresh=not card.stale) if deep else None
    rows: list[list[dict[str, Any]]] = []
    for half in halves:
        by_shard: dict[str, list[dict[str, Any]]] = {}
        yield from _shards(half, card, by_shard, check)
        if len(by_shard) < len(half.part.shards):
            return  # rows are missing, so they cannot be compared
        rows.append([row for of_shard in by_shard.values() for row in of_shard])
        yield from check_names(half.folder, half.part, rows[-1], card.seed, half.todo)
    yield from check_motions(halves[0].folder, rows[0])
    yield from check_duplicates(halves[0].folder, rows[0])
    if len(halves) > 1 and not card.stale:
        smooth = bool(halves[1].part.settings.get("smooth"))
        left_out = dropped.to_pylist()
        yield from check_compounds(halves[1].folder, rows[1], rows[0], left_out, smooth=smooth)


def _shards(
    half: _Half, card: Card, rows: dict[str, list[dict[str, Any]]], deep: DeepCheck | None
) -> Iterator[Finding]:
    """Check the shards of one half, and put the rows of readable shards into `rows`."""
    for index, shard in enumerate(half.part.shards):
        where = half.folder / f"{shard.name}.parquet"
        todo = after_deleting(f"{shard.name}.tar and {shard.name}.parquet", half.todo)
        if shard.name != shard_name(index):
            yield Finding(str(where), f"the name of another shard than number {index}", todo)
        try:
            table = pq.read_table(where)
            if problem := problem_of_table(table, half.schema):
                yield Finding(str(where), problem, todo)
                continue
            size = card.actions.settings["size"]
            findings = list(check_shard(half.folder, shard, table, size, todo))
            yield from findings
            if deep and not findings:
                yield from deep.check(half.folder, shard, table, todo)
            rows[shard.name] = light_rows(table)
        except INVALID as error:
            problem = f"this shard cannot be read: {type(error).__name__}: {error}"
            yield Finding(str(where), problem, todo)


def _files(half: _Half) -> Iterator[Finding]:
    for shard in half.part.shards:
        yield from _file(half.folder / f"{shard.name}.tar", shard.tar, half.todo)
        yield from _file(half.folder / f"{shard.name}.parquet", shard.parquet, half.todo)


def _file(path: Path, facts: FileFacts, todo: str) -> Iterator[Finding]:
    if not path.is_file():
        yield Finding(str(path), "missing", todo)
        return
    try:
        found = FileFacts.of(path)
    except OSError as error:
        yield Finding(str(path), f"cannot be read: {error.strerror}", todo)
        return
    if found.bytes != facts.bytes:
        yield Finding(str(path), f"{found.bytes} bytes, wanted {facts.bytes}", todo)
    elif found.sha256 != facts.sha256:
        yield Finding(str(path), f"SHA-256 {found.sha256}, wanted {facts.sha256}", todo)


def _strays(path: Path, halves: list[_Half]) -> Iterator[Finding]:
    known = {path / card_file.NAME, path / card_file.DROPPED}
    for half in halves:
        known.add(half.folder)
        names = [f"{s.name}.{suffix}" for s in half.part.shards for suffix in ("tar", "parquet")]
        known |= {half.folder / name for name in names}
    for found in sorted(path.rglob("*")):
        if found not in known:
            unfinished = found.relative_to(path).parts[0] == WORK
            if unfinished and found != path / WORK:
                continue
            yield Finding(
                str(found),
                "left by an unfinished run" if unfinished else "not a file of this dataset",
                "run that command again" if unfinished else "move it elsewhere, or delete it",
            )
