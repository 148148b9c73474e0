"""A virtual compound: only its row is stored, and its frames are spliced from its takes on read."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa

from fmdata.catalog.errors import DatasetError
from fmdata.catalog.storage.schema import VIRTUAL_COLUMNS
from fmdata.catalog.storage.shards import Sample
from fmdata.catalog.storage.tables.opened import OpenedShard
from fmdata.catalog.storage.tars.content import content_bytes
from fmdata.catalog.virtual.compound import CompoundClip
from fmdata.catalog.virtual.sources import Run, Sources
from fmdata.catalog.virtual.splice import Timed, spliced_avi, spliced_maps, spliced_rows


class VirtualClip(CompoundClip):
    """A clip of D2 that is read as one of a shard is, and gives the same frames, rows and bytes.

    It has no place in a tar: its rows of frames have no ``jpeg_offset`` and ``jpeg_size``.

    Attributes
    ----------
    row : dict
        Facts of the clip.
    """

    COLUMNS = VIRTUAL_COLUMNS

    def __init__(self, row: dict[str, Any], shard: OpenedShard, sources: Sources) -> None:
        self.row = row
        self.shard = shard
        self._sources = sources

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_runs"}

    @property
    def tar(self) -> NoReturn:  # type: ignore[override]
        """Raise DatasetError: no tar holds this clip."""
        raise self._not_stored()

    @property
    def jpeg_spans(self) -> NoReturn:
        """Raise DatasetError: its JPEGs lie in the tars of its takes."""
        raise self._not_stored()

    @property
    def has_lbp(self) -> bool:
        """True where its takes have LBP maps."""
        return self._runs[0].source.clip.has_lbp

    def jpegs(self, indices: Sequence[int] | None = None) -> list[bytes]:
        """Return the JPEG bytes of some frames, by default of all, in one read of each take."""
        found: list[bytes] = [b""] * (self.n_frames if indices is None else len(indices))
        for run, places, numbers in self._by_run(indices):
            jpegs = run.source.clip.jpegs(numbers)
            for place, jpeg in zip(places, jpegs, strict=True):
                found[place] = jpeg
        return found

    def frames(self, indices: Sequence[int] | None = None) -> np.ndarray:
        """Return the pixels of some frames, by default of all, uint8 [T, S, S, 3], RGB."""
        n_frames = self.n_frames if indices is None else len(indices)
        pixels = np.empty((n_frames, self.size, self.size, 3), np.uint8)
        for run, places, numbers in self._by_run(indices):
            run.source.clip.decode(numbers, pixels, places)
        return pixels

    def avi(self) -> bytes:
        """Return the clip as a Motion JPEG AVI file."""
        with self._reading():
            return content_bytes(spliced_avi(self.segments, self.fps, self._sources).avi)

    def lbp(self, indices: Sequence[int] | None = None) -> np.ndarray:
        """Return the LBP maps of some frames, uint8 [T, S, S]; raises as :meth:`lbp_npy` does."""
        if not self.has_lbp:
            raise self._no_maps()
        maps = np.empty((self.n_frames if indices is None else len(indices), self.size, self.size),
                        np.uint8)  # fmt: skip
        for run, places, numbers in self._by_run(indices):
            maps[places] = run.source.clip.lbp(numbers)
        return maps

    def lbp_npy(self) -> bytes:
        """Return the LBP maps as the bytes of an npy file.

        Raises
        ------
        DatasetError
            When the dataset was built without LBP maps.
        """
        if not self.has_lbp:
            raise self._no_maps()
        with self._reading():
            maps = spliced_maps(self.segments, self._sources)
            assert maps is not None
            return content_bytes(maps)

    def frame_blocks(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Yield the rows of the clip's frames, in one table."""
        names = self.COLUMNS.frames.names if columns is None else list(columns)
        facts = spliced_rows([Timed(self.segments, self.fps)], self._sources)
        n = facts.num_rows
        known = dict(zip(facts.column_names, facts.columns, strict=True))
        known["key"] = pa.repeat(pa.scalar(self.key, pa.string()), n)
        known["index"] = pa.array(np.arange(n, dtype=np.int32))
        fields = [self.COLUMNS.frames.field(name) for name in names]
        yield pa.table([known[name] for name in names], schema=pa.schema(fields))

    def sample(self) -> Sample:
        """Return the clip as a sample for a shard; its pixels are not read yet."""
        avi, spans = spliced_avi(self.segments, self.fps, self._sources)
        frames = self.frame_blocks(self.COLUMNS.frame_facts.names)
        return Sample(self.facts(), frames, avi, spliced_maps(self.segments, self._sources), spans)

    def locate(self) -> None:
        """Read where the frames lie; the pixels can then be read by any thread."""
        for run in self._runs:
            run.source.clip.locate()

    @cached_property
    def _runs(self) -> list[Run]:
        return self._sources.runs(self.segments)

    def _by_run(
        self, indices: Sequence[int] | None
    ) -> Iterator[tuple[Run, Sequence[int], Sequence[int]]]:
        """Yield each run with the wanted places in the result, and their frames in its source."""
        wanted = None if indices is None else np.arange(self.n_frames)[list(indices)]
        begin = 0
        for run in self._runs:
            end = begin + run.stop - run.start
            if wanted is None:
                yield run, range(begin, end), range(run.start, run.stop)
            else:
                places = np.flatnonzero((wanted >= begin) & (wanted < end))
                if len(places):
                    yield run, places.tolist(), (wanted[places] - begin + run.start).tolist()
            begin = end

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Check a read of the tars of the clip's takes."""
        with ExitStack() as checks:
            for run in self._runs:
                checks.enter_context(run.source.clip.shard.reading(run.source.clip.tar))
            yield

    def _not_stored(self) -> DatasetError:
        return DatasetError(
            f"{self.key} is virtual: no tar holds it",
            wanted="a compound in a shard",
            where=str(self.shard.folder),
            todo="run `fmdata synth-compound` to write the shards, or read the clip by frames(), "
            "jpegs(), avi() and lbp()",
        )
