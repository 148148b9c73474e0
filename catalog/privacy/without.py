"""One half of a dataset, the actions or the compounds, without one subject.

Promise: the shards equal those of a build without the subject. A shard that does not change is not
written again.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fmdata.catalog.clip import ActionClip, Clip
from fmdata.catalog.clips import Clips
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.storage.card import Part, Shard
from fmdata.catalog.storage.division import Planned, divide, plan_shards, runs_of
from fmdata.catalog.storage.pack import new_half, pack
from fmdata.catalog.storage.shards import shard_name
from fmdata.catalog.virtual.plan import ROWS_PER_SHARD, write_plan


def part_without(clips: Clips[Any], subject: str, size: int) -> Part:
    """Stage the shards of one half without a subject; return the half's entry in the new card.

    Parameters
    ----------
    clips : Clips
        All clips of the half.
    subject : str
        Subject to leave out.
    size : int
        Width and height of a crop, in pixels.

    Raises
    ------
    DatasetError
        When clips of others would have to be copied from a damaged shard.
    """
    folder, part = clips.folder, clips.part
    limit = part.settings["shard_mb"] * 10**6
    planned = [
        Planned(clip.fold, clip.subject, clip.key, _n_bytes(clip, size))
        for clip in clips
        if clip.subject != subject
    ]
    present = dict(clips.shards())
    wanted = {tuple(sample.key for sample in shard) for shard in plan_shards(planned, limit)}
    for of_shard, shard in present.items():
        copied_from = of_shard not in wanted and shard.subjects != [subject]
        if copied_from and not shard.intact(folder):
            raise _damaged(folder / shard.name)
    dataset, columns = folder.parent, clips.columns
    shards = pack(
        dataset, folder.name, planned, lambda k: clips[k].sample(), columns, limit, present
    )
    return replace(part, samples=len(planned), shards=shards)


def plan_without(clips: Clips[Any], subject: str, _: int) -> Part:
    """Stage the plan of virtual compounds without a subject, as :func:`part_without` does."""
    folder, part = clips.folder, clips.part
    counts: dict[tuple[int, str], int] = Counter()
    for table, shard in zip(clips.tables(["subject"]), part.shards, strict=True):
        for name, n in zip(*_run_lengths(table["subject"]), strict=True):
            counts[shard.fold, name] += n
    runs = [
        run
        for (fold, name), n in sorted(counts.items())
        if name != subject
        for run in runs_of(fold, name, np.ones(n, np.int64), ROWS_PER_SHARD)
    ]
    rows = _Rows(table for table in clips.tables())
    made = []
    with new_half(folder.parent, folder.name) as staged:
        for number, of_shard in enumerate(divide(runs, ROWS_PER_SHARD)):
            tables = (rows.next_of(run.subject, run.stop - run.start) for run in of_shard)
            name, subjects = shard_name(number), [run.subject for run in of_shard]
            n = sum(run.weight for run in of_shard)
            facts = write_plan(staged, name, tables)
            made.append(Shard(name, of_shard[0].fold, subjects, n, None, facts, None))
    return replace(part, samples=sum(shard.samples for shard in made), shards=made)


def _run_lengths(names: pa.ChunkedArray) -> tuple[list[str], list[int]]:
    """Return the names of a column in order, each with the number of rows in its run."""
    found = pc.run_end_encode(names.combine_chunks())
    ends = found.run_ends.to_numpy()
    return found.values.to_pylist(), np.diff(ends, prepend=0).tolist()


class _Rows:
    """Rows of a plan in order, taken subject by subject; one of its tables is in memory."""

    def __init__(self, tables: Iterable[pa.Table]) -> None:
        self._tables = iter(tables)
        self._table: pa.Table | None = None
        self._runs: list[tuple[str, int]] = []
        self._at = 0

    def next_of(self, subject: str, n: int) -> pa.Table:
        """Return the next `n` rows of a subject, and pass over those of others before them."""
        pieces = []
        while n:
            if not self._runs:
                self._table, self._at = next(self._tables), 0
                self._runs = list(zip(*_run_lengths(self._table["subject"]), strict=True))
            (name, left), rest = self._runs[0], self._runs[1:]
            taken = min(n, left) if name == subject else left
            if name == subject:
                assert self._table is not None
                pieces.append(self._table.slice(self._at, taken))
                n -= taken
            self._at += taken
            self._runs = rest if taken == left else [(name, left - taken), *rest]
        return pa.concat_tables(pieces)


def _n_bytes(clip: Clip, size: int) -> int:
    """Return the size that decides a clip's shard: files of an action, frames of a compound."""
    if isinstance(clip, ActionClip):
        return clip.n_bytes
    return int(clip.jpeg_spans[:, 1].sum() + (clip.n_frames * size**2 if clip.has_lbp else 0))


def _damaged(shard: Path) -> DatasetError:
    return DatasetError(
        f"{shard.name} is not as it was written, and clips of others would be copied from it",
        wanted="an intact shard",
        where=str(shard.parent),
        todo="move the subject's recordings out of the raw folder, run `fmdata build` and "
        "`fmdata synth-compound` as before, then run this command again",
    )
