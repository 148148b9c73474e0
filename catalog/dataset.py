"""A dataset, read from Python: clips by key or by position, and tables of their facts.

It lies on a disk, or at a URL, of which this machine then keeps the files that were used lately
(:mod:`fmdata.catalog.remote.opened`). Independent of the code that builds datasets. Safe to use
from several processes: a file is opened for each read, and each read is checked to be of the card
that was opened, so a dataset that another command has changed is an error, never the rows of
others. Opening reads the card alone. Memory holds the rows of a few shards and, once a clip is
looked up by key, sixteen bytes a clip. A pass over the clips in order reads each row once:

- ``for clip in ds.actions`` makes one :class:`Clip` at a time;
- ``ds.actions.rows(["key", "fps"])`` yields one dict a clip, ``ds.actions.tables(…)`` one Arrow
  table a shard, ``ds.actions.frame_tables(…)`` one Arrow table a block of frames;
- ``ds.actions.of_subject("s01")`` yields the clips of one subject, ``ds.actions.subjects`` their
  names in the order of the shards.
"""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from fmdata.catalog.clip import ActionClip
from fmdata.catalog.clips import Clips
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.given.labels import Label, labels_of
from fmdata.catalog.storage import card as card_file
from fmdata.catalog.storage.card import Card, Part
from fmdata.catalog.storage.place import is_url
from fmdata.catalog.storage.tables.opened import OpenedCard, reading
from fmdata.catalog.storage.tables.parquet import read_dropped
from fmdata.catalog.virtual.clip import VirtualClip
from fmdata.catalog.virtual.compound import CompoundClip
from fmdata.catalog.virtual.sources import Sources

if TYPE_CHECKING:
    from fmdata.catalog.remote.cache import CacheSettings


class Dataset:
    """A dataset in a folder, or at a URL.

    >>> ds = Dataset("dataset")                  # doctest: +SKIP
    >>> ds.actions["s01-smile-03"].frames()      # doctest: +SKIP
    >>> ds = Dataset("s3://faces/lab")           # doctest: +SKIP

    Parameters
    ----------
    path : str or Path
        Folder written by `fmdata build`, or the fsspec URL that `fmdata push` wrote to.
    cache : CacheSettings, optional
        Where files of a dataset at a URL are kept, and how many bytes of them.

    Attributes
    ----------
    path : Path
        The folder; of a dataset at a URL, the one in the cache that has the files used lately.
    where : str
        The folder or, without secrets, the URL: for messages.

    Raises
    ------
    DatasetError
        When there is no card, or a damaged one, or the URL cannot be reached.
    """

    def __init__(self, path: str | Path, cache: "CacheSettings | None" = None) -> None:
        self._opened, self.where = _opened(path, cache)
        self.path = self._opened.path.parent
        self.card = Card.read(self.path)
        self._opened.require_unchanged()
        self.labels: tuple[Label, ...] = labels_of(self.card.labels)
        self.actions: Clips[ActionClip] = self._clips(card_file.ACTIONS, self.card.actions)

    def _repr_html_(self) -> str:
        from fmdata.catalog.pictures.notebook import html_of_dataset

        return html_of_dataset(self)

    def _clips(self, folder: str, part: Part) -> Clips[ActionClip]:
        path, size = self.path / folder, self.card.size
        return Clips(path, part, ActionClip, size, self._opened, self.labels)

    @cached_property
    def left_out(self) -> Clips[ActionClip] | None:
        """Clips of D1 that ``--keep`` leaves out, and that another expression takes back."""
        part = self.card.left_out
        return self._clips(card_file.LEFT_OUT, part) if part else None

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
                where=self.where,
                todo=f"run `fmdata synth-compound --dataset {self.where}`",
            )
        folder, part = self.path / card_file.COMPOUNDS, self.card.compounds
        kind: type[CompoundClip] = VirtualClip if part.virtual else CompoundClip
        clips = Clips[CompoundClip](folder, part, kind, self.card.size, self._opened)
        clips.sources = self.actions
        if part.virtual:
            clips._reader = Sources(self.actions, stale=self.card.stale)
        return clips

    @property
    def halves(self) -> tuple[Clips[Any], ...]:
        """The actions and, where the dataset has them, the compounds and the clips left out."""
        compounds = (self.compounds,) if self.card.compounds else ()
        left_out = (self.left_out,) if self.left_out else ()
        return (self.actions, *compounds, *left_out)

    def digests(self) -> list[str]:
        """Return the SHA-256 of every file of every shard: equal for equal data in any folder."""
        shards = [shard for part in self.card.parts for shard in part.shards]
        return [file.sha256 for shard in shards for file in shard.files.values()]

    def dropped(self) -> pa.Table:
        """Return the dropped recordings: a row for each, with its stage, reason and detail."""
        path = self.path / card_file.DROPPED
        with reading(path, self._opened, self.card.dropped_file):
            return read_dropped(path, self.card.dropped)


def _opened(path: str | Path, cache: "CacheSettings | None") -> tuple[OpenedCard, str]:
    """Open a folder or a URL; return the card and the place without secrets."""
    if not is_url(path):
        return OpenedCard.of(Path(path)), str(path)
    # Imported for a URL only: fsspec takes a tenth of a second.
    from fmdata.catalog.remote.cache import CacheSettings
    from fmdata.catalog.remote.copies import shown
    from fmdata.catalog.remote.opened import open_url

    return open_url(str(path), cache or CacheSettings()), shown(str(path))
