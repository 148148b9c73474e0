"""A dataset on disk, from Python: clips by key or position, one read each.

Knows nothing of how a dataset is made. Safe to use from several processes: files are opened for
each read, and what is kept in memory is the table of scalar facts and positions.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Generic, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from fmdata.catalog.clip import ActionClip, Clip, CompoundClip, reading
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.storage import card as card_file
from fmdata.catalog.storage.card import Card, Part, Shard
from fmdata.catalog.storage.schema import ACTIONS, COMPOUNDS, POSITIONS, is_scalar

C = TypeVar("C", bound=Clip)


class Clips(Generic[C]):
    """The clips of one half of a dataset, in the order of its shards.

    ``clips["s01-smile-03"]`` and ``clips[17]`` give a clip; ``len`` and iteration work.
    """

    def __init__(self, folder: Path, part: Part, schema: pa.Schema, clip: type[C]) -> None:
        self._folder, self._part, self._schema, self.clip = folder, part, schema, clip

    def __len__(self) -> int:
        return self._part.samples

    def __iter__(self) -> Iterator[C]:
        return (self[i] for i in range(len(self)))

    def __contains__(self, key: object) -> bool:
        return key in self._index

    def __getitem__(self, which: str | int) -> C:
        if isinstance(which, str):
            if which not in self._index:
                raise KeyError(f"no clip {which!r} in {self._folder}")
            which = self._index[which]
        which = range(len(self))[which]
        shard, index = self._places[which]
        row = self._light.slice(which, 1).to_pylist()[0]
        stem = self._folder / self._part.shards[shard].name
        return self.clip(row, stem.with_suffix(".tar"), stem.with_suffix(".parquet"), index)

    @property
    def keys(self) -> list[str]:
        """Every key, in the order of the shards."""
        return list(self._index)

    def shards(self) -> Iterator[tuple[tuple[str, ...], Shard]]:
        """Give each shard with the keys of its clips."""
        keys = iter(self.keys)
        for shard in self._part.shards:
            yield tuple(next(keys) for _ in range(shard.samples)), shard

    def table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """One row a clip.

        Parameters
        ----------
        columns : sequence of str, optional
            The columns wanted; by default all but the per-frame ones, which are large.
        """
        if columns is None:
            columns = [f.name for f in self._schema if is_scalar(f) or f.name == "segments"]
        files = [self._folder / f"{shard.name}.parquet" for shard in self._part.shards]
        tables = []
        for file in files:
            with reading(file):
                tables.append(pq.read_table(file, columns=list(columns), schema=self._schema))
        wanted = pa.schema([self._schema.field(name) for name in columns])
        return pa.concat_tables([wanted.empty_table(), *tables])

    @cached_property
    def _light(self) -> pa.Table:
        names = [field.name for field in POSITIONS]
        scalars = [f.name for f in self._schema if is_scalar(f) or f.name == "segments"]
        return self.table(list(dict.fromkeys(scalars + names)))

    @cached_property
    def _index(self) -> dict[str, int]:
        return {key: i for i, key in enumerate(self._light["key"].to_pylist())}

    @cached_property
    def _places(self) -> list[tuple[int, int]]:
        return [(s, i) for s, shard in enumerate(self._part.shards) for i in range(shard.samples)]


class Dataset:
    """A dataset on disk.

    >>> ds = Dataset("dataset")                  # doctest: +SKIP
    >>> ds.actions["s01-smile-03"].frames()      # doctest: +SKIP

    Parameters
    ----------
    path : str or Path
        The folder that `fmdata build` has filled.

    Raises
    ------
    DatasetError
        When there is no finished dataset, or its card cannot be read.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.card = Card.read(self.path)
        self.actions: Clips[ActionClip] = Clips(
            self.path / card_file.ACTIONS, self.card.actions, ACTIONS, ActionClip
        )

    @cached_property
    def compounds(self) -> Clips[CompoundClip]:
        """The compounds.

        Raises
        ------
        DatasetError
            When none have been made yet.
        """
        if self.card.compounds is None:
            raise DatasetError(
                "no compounds in this dataset",
                wanted="a dataset with compounds",
                where=str(self.path),
                todo=f"run `fmdata synth-compound --dataset {self.path}`",
            )
        folder = self.path / card_file.COMPOUNDS
        return Clips(folder, self.card.compounds, COMPOUNDS, CompoundClip)

    def intact_actions(self) -> Clips[ActionClip]:
        """Return the actions in those shards whose files are as they were written."""
        folder, part = self.path / card_file.ACTIONS, self.card.actions
        shards = [shard for shard in part.shards if shard.intact(folder)]
        whole = replace(part, shards=shards, samples=sum(shard.samples for shard in shards))
        return Clips(folder, whole, ACTIONS, ActionClip)

    def digests(self) -> list[str]:
        """SHA-256 of every shard's two files: the same for the same data, wherever it lies."""
        parts = [part for part in (self.card.actions, self.card.compounds) if part]
        shards = [shard for part in parts for shard in part.shards]
        return [file.sha256 for shard in shards for file in (shard.tar, shard.parquet)]

    def dropped(self) -> pa.Table:
        """What was left out: source, subject, action, take, stage, reason, detail, attempts."""
        path = self.path / card_file.DROPPED
        with reading(path):
            return pq.read_table(path)
