"""A dataset of which some subjects can be read, and the others cannot.

A training gets this and nothing else, so no number of a held-out subject can choose anything in it:
tables have no rows of the others, iteration passes them over, and a clip of theirs by key is an
error.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from fmdata.catalog import Dataset
from fmdata.catalog.clip import ActionClip, Clip
from fmdata.catalog.clips import Clips
from fmdata.catalog.storage import card as card_file
from fmdata.catalog.storage.card import Part, Shard
from fmdata.catalog.storage.tables.index import NameIndex
from fmdata.catalog.virtual.compound import CompoundClip

C = TypeVar("C", bound=Clip)


class HeldOutError(Exception):
    """A training has asked for a clip of a held-out subject."""


class SealedClips(Clips[C]):
    """Clips of some subjects; those of others cannot be reached."""

    open: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return sum(table.num_rows for table in self.tables(["key"]))

    def __iter__(self) -> Iterator[C]:
        return (clip for clip in super().__iter__() if clip.subject in self.open)

    def __getitem__(self, which: str | int) -> C:
        if not isinstance(which, str):
            return super().__getitem__(self.keys[which])
        clip = super().__getitem__(which)
        if clip.subject not in self.open:
            raise HeldOutError(f"{which} is a clip of {clip.subject}, who is held out")
        return clip

    def __contains__(self, key: object) -> bool:
        return key in self.keys

    @property
    def subjects(self) -> list[str]:
        """Names of the subjects that can be read."""
        return [name for name in super().subjects if name in self.open]

    def of_subject(self, subject: str) -> Iterator[C]:
        """Yield the clips of one subject."""
        if subject not in self.open:
            raise HeldOutError(f"{subject} is held out")
        return super().of_subject(subject)

    def shards(self) -> Iterator[tuple[tuple[str, ...], Shard]]:
        """Refuse: a shard holds clips of several subjects."""
        raise HeldOutError("shards hold clips of held-out subjects")

    def tables(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Yield a table for each shard, without the rows of other subjects."""
        names = self.columns.clips.names if columns is None else [*columns]
        known = pa.array(sorted(self.open), pa.string())
        for table in super().tables(dict.fromkeys([*names, "subject"])):  # type: ignore[arg-type]
            yield table.filter(pc.is_in(table["subject"], known)).select(names)

    def frame_tables(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Yield a table of the frames of each clip."""
        return (clip.frames_table(columns) for clip in self)

    @cached_property
    def _index(self) -> NameIndex:
        return NameIndex(table["key"].to_pylist() for table in super().tables(["key"]))


class SealedDataset(Dataset):
    """A dataset whose clips are those of some subjects.

    Parameters
    ----------
    path : Path
        Folder of the dataset.
    subjects : iterable of str
        The subjects that can be read.
    """

    def __init__(self, path: Path, subjects: Iterable[str]) -> None:
        self.open = frozenset(subjects)
        super().__init__(path)

    def _clips(self, folder: str, part: Part) -> Clips[ActionClip]:
        place, size = self.path / folder, self.card.size
        clips = SealedClips[ActionClip](place, part, ActionClip, size, self._opened, self.labels)
        clips.open = self.open
        return clips

    @cached_property
    def compounds(self) -> Clips[CompoundClip]:
        """Compound clips of the same subjects."""
        every = super().compounds
        clips = SealedClips[CompoundClip](
            self.path / card_file.COMPOUNDS, every.part, every.clip, every.size, self._opened
        )
        clips.open, clips.sources, clips._reader = self.open, self.actions, every._reader
        return clips

    def dropped(self) -> Any:
        """Refuse: the list names held-out subjects."""
        raise HeldOutError("the list of dropped recordings names held-out subjects")
