"""Clips of one half of a dataset: by key, by position or by subject, and tables of their facts."""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import pyarrow as pa

from fmdata.catalog.clip import ActionClip, Clip
from fmdata.catalog.given.labels import Label
from fmdata.catalog.storage.card import FileFacts, Part, Shard
from fmdata.catalog.storage.schema import Columns, with_labels
from fmdata.catalog.storage.tables.frames import FramesReader
from fmdata.catalog.storage.tables.index import NameIndex
from fmdata.catalog.storage.tables.opened import OpenedCard, OpenedShard
from fmdata.catalog.storage.tables.parquet import open_parquet
from fmdata.catalog.storage.tables.rows import ClipRows, checked, require_values

C = TypeVar("C", bound=Clip)
# Rows of shards that stay in memory for the next look-up, about 600 bytes a clip.
_MAX_HELD = 32 << 20
_CLIPS_AT_A_TIME = 64  # of which the rows become Python objects


class Clips(Generic[C]):
    """Clips of one half of a dataset, in the order of its shards: by fold, subject and key.

    ``clips["s01-smile-03"]`` and ``clips[17]`` return a clip; ``len`` and iteration work.

    Attributes
    ----------
    folder : Path
        Folder of the half's shards, inside the dataset's folder.
    part : Part
        Entry of the half in the card.
    clip, size
        Class of the clips; width and height of a crop, in pixels.
    card : OpenedCard
        The card that has the entry.
    labels : tuple of Label
        Labels of the clips, of which each is a column; compounds have none.
    """

    sources: "Clips[ActionClip] | None" = None  # the actions, for compounds

    def __init__(
        self, folder: Path, part: Part, clip: type[C], size: int, card: OpenedCard,
        labels: tuple[Label, ...] = (),
    ) -> None:  # fmt: skip
        self.folder, self.part, self.clip, self.size, self._card = folder, part, clip, size, card
        self.labels = labels
        self._starts = np.cumsum([0, *(shard.samples for shard in part.shards)])
        self._held: OrderedDict[int, ClipRows] = OrderedDict()  # by number of the shard
        self._held_bytes = 0
        self._reader: Any = FramesReader()  # virtual clips are spliced from sources instead

    def __len__(self) -> int:
        return self.part.samples

    def __iter__(self) -> Iterator[C]:
        for number in range(len(self.part.shards)):
            # Not kept: a pass does not come back to a shard.
            rows = self._held.get(number) or self._rows_of(number)
            yield from self._clips(number, rows, 0, rows.table.num_rows)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._find(key) is not None

    def __getitem__(self, which: str | int) -> C:
        if not isinstance(which, str):
            return self._at(range(len(self))[which])
        clip = self._find(which)
        if clip is None:
            raise KeyError(f"no clip {which!r} in {self.folder}")
        return clip

    def __getstate__(self) -> dict[str, Any]:
        # Another process reads its own rows; those of this one may be many.
        return self.__dict__ | {"_held": OrderedDict(), "_held_bytes": 0}

    @property
    def columns(self) -> Columns:
        """Columns of the tables, labels among them."""
        return with_labels(self.clip.COLUMNS, self.labels)

    @property
    def keys(self) -> list[str]:
        """All keys, in the order of the shards; a list of a hundred bytes a clip."""
        return [key for table in self.tables(["key"]) for key in table["key"].to_pylist()]

    @property
    def is_remote(self) -> bool:
        """True for the clips of a dataset at a URL."""
        return self._card.is_remote

    @property
    def subjects(self) -> list[str]:
        """Names of the subjects, in the order of the shards; the card has them."""
        return list(self._numbers_of)

    def of_subject(self, subject: str) -> Iterator[C]:
        """Yield the clips of one subject; only the shards that the card names for it are read."""
        for number in self._numbers_of.get(subject, ()):
            rows = self._kept_rows(number)
            for start, stop in rows.runs.get(subject, ()):
                yield from self._clips(number, rows, start, stop)

    def shards(self) -> Iterator[tuple[tuple[str, ...], Shard]]:
        """Yield each shard with the keys of its clips."""
        for table, shard in zip(self.tables(["key"]), self.part.shards, strict=True):
            yield tuple(table["key"].to_pylist()), shard

    def tables(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Yield a table for each shard, one row a clip; `columns` are names, by default all."""
        schema = self._schema(columns)
        for shard in self.part.shards:
            yield self._read(shard, schema)

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
        """Yield the row of each clip as a dict; `columns` as in :meth:`tables`."""
        for table in self.tables(columns):
            for batch in table.to_batches(_CLIPS_AT_A_TIME):
                yield from batch.to_pylist()

    def table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Return one table of all clips, one row a clip; `columns` as in :meth:`tables`."""
        return pa.concat_tables([self._schema(columns).empty_table(), *self.tables(columns)])

    def frame_tables(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Yield tables of all frames, one row a frame, a block at a time."""
        if self.part.virtual:
            for clip in self:
                yield clip.frames_table(columns)
            return
        for shard in self.part.shards:
            opened = self.opened(shard)
            yield from checked(self._reader.file(opened.frames, columns), opened)

    def intact(self, holds: Callable[[FileFacts, Path], bool] = FileFacts.hold_for) -> "Clips[C]":
        """Return the clips whose shards match the card; `holds` checks a file, or it is read."""
        shards = [shard for shard in self.part.shards if shard.intact(self.folder, holds)]
        n = sum(shard.samples for shard in shards)
        part = replace(self.part, shards=shards, samples=n)
        return Clips(self.folder, part, self.clip, self.size, self._card, self.labels)

    def shards_of(self, positions: np.ndarray) -> np.ndarray:
        """Return the number of the shard of each clip, int64 [N], by the clips' positions."""
        return np.searchsorted(self._starts, positions, side="right") - 1

    def opened(self, shard: Shard) -> OpenedShard:
        """Return the files of a shard, with the check of each read."""
        return OpenedShard(self.folder, shard, self.size, self._card, self.labels)

    def made(self, row: dict[str, Any], shard: Shard) -> C:
        """Return the clip of a row of a shard."""
        clip = self.clip(row, self.opened(shard), self._reader)
        clip.sources = self.sources
        return clip

    def _schema(self, columns: Sequence[str] | None) -> pa.Schema:
        every = self.columns.clips
        return every if columns is None else pa.schema([every.field(name) for name in columns])

    def _read(self, shard: Shard, schema: pa.Schema) -> pa.Table:
        """Read columns of a shard's clips; a shard of another length than the card's is refused."""
        opened = self.opened(shard)
        with (
            opened.reading(opened.clips),
            open_parquet(opened.clips, self.columns.max_group) as file,
        ):
            table = file.read(schema.names).select(schema.names).cast(schema)
            if table.num_rows != shard.samples:
                raise ValueError(f"{table.num_rows} clips, and the card says {shard.samples}")
            return require_values(table)

    def _rows_of(self, number: int) -> ClipRows:
        return ClipRows(self._read(self.part.shards[number], self._schema(None)))

    def _kept_rows(self, number: int) -> ClipRows:
        """Return the rows of a shard, from memory where they were read lately."""
        rows = self._held.get(number)
        if rows is None:
            rows = self._rows_of(number)
            self._held_bytes += rows.n_bytes
            self._held[number] = rows
        self._held.move_to_end(number)
        while len(self._held) > 1 and self._held_bytes > _MAX_HELD:
            self._held_bytes -= self._held.popitem(last=False)[1].n_bytes
        return rows

    def _clips(self, number: int, rows: ClipRows, start: int, stop: int) -> Iterator[C]:
        """Yield the clips of some rows of a shard, a few at a time."""
        shard = self.part.shards[number]
        for at in range(start, stop, _CLIPS_AT_A_TIME):
            for row in rows.table.slice(at, min(_CLIPS_AT_A_TIME, stop - at)).to_pylist():
                yield self.made(row, shard)

    def _at(self, position: int) -> C:
        number = int(self.shards_of(np.array(position)))
        start = position - int(self._starts[number])
        return next(self._clips(number, self._kept_rows(number), start, start + 1))

    def _find(self, key: str) -> C | None:
        found = (self._at(position) for position in self._index.positions(key))
        return next((clip for clip in found if clip.key == key), None)

    @cached_property
    def _index(self) -> NameIndex:
        return NameIndex(table["key"].to_pylist() for table in self.tables(["key"]))

    @cached_property
    def _numbers_of(self) -> dict[str, list[int]]:
        """Numbers of the shards that hold each subject, by subject in the order of the shards."""
        numbers: dict[str, list[int]] = defaultdict(list)
        for number, shard in enumerate(self.part.shards):
            for subject in shard.subjects:
                numbers[subject].append(number)
        return dict(numbers)
