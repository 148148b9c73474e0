"""A dataset on disk, read from Python: clips by key or by position.

Independent of the code that builds datasets. Safe to use from several processes: a file is opened
for each read, and only scalar facts and positions stay in memory.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from fmdata.catalog.clip import ActionClip, Clip, CompoundClip, reading
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.storage import card as card_file
from fmdata.catalog.storage.card import Card, Part, Shard
from fmdata.catalog.storage.schema import (
    ACTION_COLUMNS,
    COMPOUND_COLUMNS,
    POSITIONS,
    ROW_LISTS,
    is_scalar,
)

C = TypeVar("C", bound=Clip)


class Clips(Generic[C]):
    """Clips of one half of a dataset, in the order of its shards.

    ``clips["s01-smile-03"]`` and ``clips[17]`` return a clip; ``len`` and iteration work.

    Attributes
    ----------
    folder : Path
        Folder of the half's shards, inside the dataset's folder.
    part : Part
        Entry of the half in the card.
    clip : type
        Class of the clips.
    """

    def __init__(self, folder: Path, part: Part, schema: pa.Schema, clip: type[C]) -> None:
        self.folder, self.part, self.clip = folder, part, clip
        self._schema = schema

    def __len__(self) -> int:
        return self.part.samples

    def __iter__(self) -> Iterator[C]:
        return (self[i] for i in range(len(self)))

    def __contains__(self, key: object) -> bool:
        return key in self._index

    def __getitem__(self, which: str | int) -> C:
        if isinstance(which, str):
            if which not in self._index:
                raise KeyError(f"no clip {which!r} in {self.folder}")
            which = self._index[which]
        which = range(len(self))[which]
        shard, index = self._places[which]
        row = self._light.slice(which, 1).to_pylist()[0]
        stem = self.folder / self.part.shards[shard].name
        return self.clip(row, stem.with_suffix(".tar"), stem.with_suffix(".parquet"), index)

    @property
    def keys(self) -> list[str]:
        """All keys, in the order of the shards."""
        return list(self._index)

    def shards(self) -> Iterator[tuple[tuple[str, ...], Shard]]:
        """Yield each shard with the keys of its clips."""
        keys = iter(self.keys)
        for shard in self.part.shards:
            yield tuple(next(keys) for _ in range(shard.samples)), shard

    def table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Return a table with one row per clip.

        Parameters
        ----------
        columns : sequence of str, optional
            Names of columns; by default all except per-frame columns, which are large.
        """
        if columns is None:
            columns = [f.name for f in self._schema if is_scalar(f) or f.name in ROW_LISTS]
        files = [self.folder / f"{shard.name}.parquet" for shard in self.part.shards]
        tables = []
        for file in files:
            with reading(file):
                tables.append(pq.read_table(file, columns=list(columns), schema=self._schema))
        wanted = pa.schema([self._schema.field(name) for name in columns])
        return pa.concat_tables([wanted.empty_table(), *tables])

    @cached_property
    def _light(self) -> pa.Table:
        names = [field.name for field in POSITIONS]
        scalars = [f.name for f in self._schema if is_scalar(f) or f.name in ROW_LISTS]
        return self.table(list(dict.fromkeys(scalars + names)))

    @cached_property
    def _index(self) -> dict[str, int]:
        return {key: i for i, key in enumerate(self._light["key"].to_pylist())}

    @cached_property
    def _places(self) -> list[tuple[int, int]]:
        return [(s, i) for s, shard in enumerate(self.part.shards) for i in range(shard.samples)]


class Dataset:
    """A dataset on disk.

    >>> ds = Dataset("dataset")                  # doctest: +SKIP
    >>> ds.actions["s01-smile-03"].frames()      # doctest: +SKIP

    Parameters
    ----------
    path : str or Path
        Folder written by `fmdata build`.

    Raises
    ------
    DatasetError
        When the folder has no card, or a damaged one.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.card = Card.read(self.path)
        self.actions: Clips[ActionClip] = Clips(
            self.path / card_file.ACTIONS, self.card.actions, ACTION_COLUMNS, ActionClip
        )

    @cached_property
    def compounds(self) -> Clips[CompoundClip]:
        """Compound clips (D2).

        Raises
        ------
        DatasetError
            When the dataset has no compounds.
        """
        if self.card.compounds is None:
            raise DatasetError(
                "no compounds in this dataset",
                wanted="a dataset with compounds",
                where=str(self.path),
                todo=f"run `fmdata synth-compound --dataset {self.path}`",
            )
        folder = self.path / card_file.COMPOUNDS
        return Clips(folder, self.card.compounds, COMPOUND_COLUMNS, CompoundClip)

    @property
    def halves(self) -> tuple[Clips[Any], ...]:
        """The actions and, where the dataset has them, the compounds."""
        return (self.actions, self.compounds) if self.card.compounds else (self.actions,)

    def intact_actions(self) -> Clips[ActionClip]:
        """Return the actions whose shards still match the digests in the card."""
        folder, part = self.actions.folder, self.actions.part
        shards = [shard for shard in part.shards if shard.intact(folder)]
        intact = replace(part, shards=shards, samples=sum(shard.samples for shard in shards))
        return Clips(folder, intact, ACTION_COLUMNS, ActionClip)

    def digests(self) -> list[str]:
        """Return the SHA-256 of both files of every shard: equal for equal data in any folder."""
        shards = [shard for part in self.card.parts for shard in part.shards]
        return [file.sha256 for shard in shards for file in (shard.tar, shard.parquet)]

    def dropped(self) -> pa.Table:
        """Return the dropped recordings: a row for each, with its stage, reason and detail."""
        path = self.path / card_file.DROPPED
        with reading(path):
            return pq.read_table(path)
