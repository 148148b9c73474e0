"""Is a dataset what its card says it is? Every file's digest, and what digests cannot know.

A finding names the file, says what is wrong with it, and what to run to mend it. No findings means
that every byte is the one that was written, that no file is there but those, and that the rows keep
the promises of the format.
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
from fmdata.catalog.storage.schema import ACTIONS, COMPOUNDS, DROPPED
from fmdata.catalog.storage.shards import shard_name
from fmdata.catalog.verify.finding import REBUILD, RESYNTH, Finding, after_deleting
from fmdata.catalog.verify.frames import DeepCheck
from fmdata.catalog.verify.rows import check_compounds, check_motions, check_names
from fmdata.catalog.verify.shard import check_shard, light_rows, wrong_table

# What a file may raise that has the right digest and is nevertheless not what it should be.
UNREADABLE = (
    *(OSError, EOFError, ValueError, KeyError, TypeError, IndexError),
    *(pa.ArrowException, struct.error, tarfile.TarError),
)


@dataclass(frozen=True)
class _Half:
    """One half of a dataset, where it lies, and what its rows look like."""

    folder: Path
    part: Part
    schema: pa.Schema
    mend: str


def verify(path: Path, *, deep: bool = False) -> list[Finding]:
    """Check a dataset against its card.

    Parameters
    ----------
    path : Path
        The dataset.
    deep : bool
        Whether to decode every frame as well.

    Raises
    ------
    DatasetError
        When there is no card to check against, or another command is writing.
    """
    require_unwritten(path)
    found = _found(path, deep)
    if found:
        require_unwritten(path)  # one that began since then may have changed what was read
    return found


def _found(path: Path, deep: bool) -> list[Finding]:
    try:
        card = Card.read(path)
    except DatasetError as fault:
        if not (path / card_file.NAME).is_file():
            raise
        return [Finding(str(path / card_file.NAME), fault.got, fault.todo)]
    return list(_findings(path, card, deep))


def _findings(path: Path, card: Card, deep: bool) -> Iterator[Finding]:
    halves = [_Half(path / card_file.ACTIONS, card.actions, ACTIONS, REBUILD)]
    if card.compounds is not None:
        halves.append(_Half(path / card_file.COMPOUNDS, card.compounds, COMPOUNDS, RESYNTH))
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
        # The bytes are as they were written; now, was the right thing written?
        yield from _content(path, card, halves, deep)


def _content(path: Path, card: Card, halves: list[_Half], deep: bool) -> Iterator[Finding]:
    dropped_path = path / card_file.DROPPED
    try:
        dropped = pq.read_table(dropped_path, schema=DROPPED)
    except UNREADABLE as fault:
        mend = after_deleting(card_file.DROPPED, REBUILD)
        yield Finding(str(dropped_path), f"cannot be read: {fault}", mend)
        return
    if dropped.num_rows != card.dropped:
        what = f"{dropped.num_rows} recordings, and the card says {card.dropped}"
        yield Finding(str(dropped_path), what, after_deleting(card_file.DROPPED, REBUILD))
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
            return  # what cannot be read cannot be compared
        rows.append([row for of_shard in by_shard.values() for row in of_shard])
        yield from check_names(half.folder, half.part, rows[-1], card.seed, half.mend)
    yield from check_motions(halves[0].folder, rows[0])
    if len(halves) > 1 and not card.stale:
        yield from check_compounds(halves[1].folder, rows[1], rows[0], dropped.to_pylist())


def _shards(
    half: _Half, card: Card, rows: dict[str, list[dict[str, Any]]], deep: DeepCheck | None
) -> Iterator[Finding]:
    """Check one half's shards, and put the rows of those that can be read into `rows`."""
    for index, shard in enumerate(half.part.shards):
        where = half.folder / f"{shard.name}.parquet"
        mend = after_deleting(f"{shard.name}.tar and {shard.name}.parquet", half.mend)
        if shard.name != shard_name(index):
            yield Finding(str(where), f"shard {index} by its place, not by its name", mend)
        try:
            table = pq.read_table(where)
            unsound = wrong_table(table, half.schema)
            if unsound:
                yield Finding(str(where), unsound, mend)
                continue
            size = card.actions.settings["size"]
            wrong = list(check_shard(half.folder, shard, table, size, mend))
            yield from wrong
            if deep and not wrong:
                yield from deep.check(half.folder, shard, table, mend)
            rows[shard.name] = light_rows(table)
        except UNREADABLE as fault:
            what = f"this shard cannot be read: {type(fault).__name__}: {fault}"
            yield Finding(str(where), what, mend)


def _files(half: _Half) -> Iterator[Finding]:
    for shard in half.part.shards:
        yield from _file(half.folder / f"{shard.name}.tar", shard.tar, half.mend)
        yield from _file(half.folder / f"{shard.name}.parquet", shard.parquet, half.mend)


def _file(path: Path, facts: FileFacts, mend: str) -> Iterator[Finding]:
    if not path.is_file():
        yield Finding(str(path), "missing", mend)
        return
    try:
        found = FileFacts.of(path)
    except OSError as fault:
        yield Finding(str(path), f"cannot be read: {fault.strerror}", mend)
        return
    if found.bytes != facts.bytes:
        yield Finding(str(path), f"{found.bytes} bytes, wanted {facts.bytes}", mend)
    elif found.sha256 != facts.sha256:
        yield Finding(str(path), f"SHA-256 {found.sha256}, wanted {facts.sha256}", mend)


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
                "left by a run that did not end" if unfinished else "not a file of this dataset",
                "run that command again" if unfinished else "move it elsewhere, or delete it",
            )
