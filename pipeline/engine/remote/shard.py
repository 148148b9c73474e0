"""Shards of a dataset at a URL: planned by the process that builds, each made by a worker.

A worker fetches the units of a shard, and the old shards that hold some of its clips, writes the
shard on its own disk, sends it, and removes everything. A shard is known by all that decides its
bytes, so one that an earlier run has made is not made again. A worker needs room for the shard, its
units, and the old shards that have clips of it.
"""

import hashlib
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from fmdata.catalog.clip import ActionClip
from fmdata.catalog.dataset import Dataset
from fmdata.catalog.remote.lease import require_held
from fmdata.catalog.remote.store import Store, store_at
from fmdata.catalog.remote.transfer import fetch
from fmdata.catalog.remote.work import (
    RECORD,
    SHARDS,
    UNITS,
    Record,
    fetch_folder,
    read_record,
    send_folder,
)
from fmdata.catalog.storage.card import ACTIONS, LEFT_OUT, Card, Part
from fmdata.catalog.storage.made_by.processor import processors_of
from fmdata.catalog.storage.made_by.tools import tool_versions
from fmdata.catalog.storage.schema import Columns
from fmdata.catalog.storage.shards import FILES, Sample, write_shard
from fmdata.catalog.storage.tars.content import TarSlice
from fmdata.catalog.storage.work import Unit
from fmdata.pipeline.engine.remote.scratch import scratch

NAME = "shard"  # of the files of a shard in work, without their suffixes


class Piece(NamedTuple):
    """Pixels and frames of a clip of a shard.

    Attributes
    ----------
    unit : str
        Digest of its unit; empty where an old shard holds it.
    record : bytes
        Record of the unit's files.
    half, shard, offset : str, str, int
        The half of the dataset with the old shard, its name, and the place of the AVI in its tar.
    """

    unit: str = ""
    record: bytes = b""
    half: str = ""
    shard: str = ""
    offset: int = 0


@dataclass(frozen=True)
class Recipe:
    """All that a worker needs to make one shard; travels to it.

    Attributes
    ----------
    out, owner : str
        URL of the dataset, and holder of its lock.
    name : str
        Name that the shard gets in the dataset.
    pieces : list of Piece
        Its clips, in order.
    rows : bytes
        Their rows, as an Arrow stream.
    old : Card or None
        Card of the old dataset, with the shards alone that hold clips of this one.
    columns : Columns
        Columns of its tables.
    """

    out: str
    owner: str
    name: str
    pieces: list[Piece]
    rows: bytes
    old: Card | None
    columns: Columns

    @property
    def digest(self) -> str:
        """Digest of all that decides the bytes of the shard."""
        old = [shard for part in self.old.parts for shard in part.shards] if self.old else []
        facts = [
            [(one.unit, one.half, one.shard, one.offset) for one in self.pieces],
            hashlib.sha256(self.rows).hexdigest(),
            [file.sha256 for shard in old for file in shard.files.values()],
            self.columns.clips.names, tool_versions(""),
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


class MadeShard(NamedTuple):
    """A shard in work at a URL.

    Its name in the dataset, its place there, facts of its files, and the processors that made its
    clips.
    """

    name: str
    place: str
    record: Record
    processors: list[str]

    @property
    def moves(self) -> dict[str, str]:
        """Suffixes of its files, and their present names."""
        return {suffix: f"{self.place}/{NAME}{suffix}" for suffix in FILES}


def make_shard(recipe: Recipe) -> MadeShard:
    """Make one shard, and send it, unless an earlier run has done so.

    Raises
    ------
    DatasetError
        When the place cannot be reached, or a file there is damaged.
    UsageError
        When another command has begun to write to the dataset.
    """
    store, place = store_at(recipe.out), f"{SHARDS}/{recipe.digest}"
    processors = processors_of(table_of(recipe.rows))
    if known := known_record(store, place):
        return MadeShard(recipe.name, place, known, processors)
    with scratch() as folder:
        made = folder / "made"
        made.mkdir()
        write_shard(made, NAME, _samples(recipe, store, folder), recipe.columns)
        require_held(store, recipe.owner)
        record = send_folder(store, made, place)
    return MadeShard(recipe.name, place, record, processors)


def known_record(store: Store, place: str) -> Record | None:
    """Return the record of a shard that an earlier run has made and sent."""
    if store.size(f"{place}/{RECORD}") is None:
        return None
    return read_record(store, place, store.sizes(place))


def _samples(recipe: Recipe, store: Store, folder: Path) -> Iterator[Sample]:
    """Yield the clips of a shard, all of which are fetched first."""
    for one in recipe.pieces:
        if one.unit:
            record = Record.of(one.record)
            fetch_folder(store, f"{UNITS}/{one.unit}", record, folder / "units" / one.unit)
    old = _fetched(store, recipe.old, folder / "old") if recipe.old else {}
    rows = table_of(recipe.rows)
    for number, one in enumerate(recipe.pieces):
        found = Unit(folder / "units" / one.unit) if one.unit else old[one]
        yield replace(found.sample(), facts=rows.slice(number, 1))


def _fetched(store: Store, card: Card, folder: Path) -> dict[Piece, ActionClip]:
    """Download the actions that a card names into a new folder; return its clips by their place."""
    folder.mkdir()
    card.write(folder)
    for half, part in ((ACTIONS, card.actions), (LEFT_OUT, card.left_out)):
        (folder / half).mkdir()
        for shard in part.shards if part else []:
            for name, facts in shard.files.items():
                fetch(store, f"{half}/{name}", folder / half / name, facts)
    dataset = Dataset(folder)
    halves = [half for half in (dataset.actions, dataset.left_out) if half is not None]
    return {
        Piece("", b"", clips.folder.name, clip.shard.shard.name, clip.row["avi_offset"]): clip
        for clips in halves
        for clip in clips
    }


def piece_of(sample: Sample, record: bytes) -> Piece:
    """Return the piece of a sample, by the place that its pixels would have on this machine."""
    if isinstance(sample.avi, TarSlice):
        tar = sample.avi.tar
        return Piece("", b"", tar.parent.name, tar.stem, sample.avi.offset)
    assert isinstance(sample.avi, Path)
    return Piece(sample.avi.parent.name, record)


def reduced(card: Card, samples: Iterable[Sample]) -> Card | None:
    """Return a card with the shards alone that hold some samples; None where none does."""
    tars = {(one.avi.tar.parent.name, one.avi.tar.stem) for one in samples
            if isinstance(one.avi, TarSlice)}  # fmt: skip
    if not tars:
        return None

    def of(half: str, part: Part) -> Part:
        shards = [shard for shard in part.shards if (half, shard.name) in tars]
        return replace(part, shards=shards, samples=sum(shard.samples for shard in shards))

    left_out = of(LEFT_OUT, card.left_out) if card.left_out else None
    return replace(card, actions=of(ACTIONS, card.actions), compounds=None, left_out=left_out)


def bytes_of(table: pa.Table) -> bytes:
    """Return a table as an Arrow stream."""
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def table_of(data: bytes) -> pa.Table:
    """Return the table of an Arrow stream."""
    with pa.ipc.open_stream(data) as reader:
        return reader.read_all()
