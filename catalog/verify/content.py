"""The content of files that match their digests: rows, members and frames, shard by shard.

Memory holds the rows of one shard, the frames of one clip, the sources of one subject, and sixteen
bytes for each clip.
"""

import struct
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import pyarrow as pa

from fmdata.catalog.clips import Clips
from fmdata.catalog.dataset import Dataset
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.progress import Progress
from fmdata.catalog.storage import card as card_file
from fmdata.catalog.storage.card import Card, Part, Shard
from fmdata.catalog.storage.shards import shard_name
from fmdata.catalog.storage.tables.parquet import read_dropped
from fmdata.catalog.verify.compounds import check_compounds
from fmdata.catalog.verify.finding import REBUILD, RESYNTH, Finding, after_deleting
from fmdata.catalog.verify.frames import DeepCheck
from fmdata.catalog.verify.plan import PlanCheck
from fmdata.catalog.verify.processors import check_processors
from fmdata.catalog.verify.rows import Names, check_duplicates
from fmdata.catalog.verify.shard import ShardCheck

# Errors from reading a file that matches its digest but breaks the format.
INVALID = (
    *(OSError, EOFError, ValueError, KeyError, TypeError, IndexError, OverflowError),
    *(RecursionError, MemoryError, pa.ArrowException, av.FFmpegError, struct.error),
)


@dataclass(frozen=True)
class Half:
    """One half of a dataset: its clips, and the command that repairs it."""

    clips: Clips[Any]
    todo: str

    @property
    def folder(self) -> Path:
        """Folder of the half."""
        return self.clips.folder

    @property
    def part(self) -> Part:
        """Entry of the half in the card."""
        return self.clips.part


def halves_of(dataset: Dataset) -> list[Half]:
    """Return the halves that a dataset has."""
    return [
        Half(clips, RESYNTH if clips.folder.name == card_file.COMPOUNDS else REBUILD)
        for clips in dataset.halves
    ]


def check_content(
    path: Path, card: Card, halves: list[Half], *, deep: bool, progress: Progress
) -> Iterator[Finding]:
    """Check the content of all files; with `deep`, every frame is decoded as well."""
    dropped_path = path / card_file.DROPPED
    todo = after_deleting(card_file.DROPPED, REBUILD)
    try:
        dropped = read_dropped(dropped_path, card.dropped)
    except INVALID as error:
        yield Finding(str(dropped_path), f"cannot be read: {error}", todo)
        return
    if dropped.num_rows != card.dropped:
        problem = f"{dropped.num_rows} recordings, and the card says {card.dropped}"
        yield Finding(str(dropped_path), problem, todo)
    if card.recordings != card.actions.samples + card.dropped:
        problem = (
            f"{card.recordings} recordings, but {card.actions.samples} clips "
            f"and {card.dropped} dropped"
        )
        yield Finding(str(path / card_file.NAME), problem, todo)
    n_left_out = card.left_out.samples if card.left_out else 0
    n_not_kept = dropped["reason"].to_pylist().count("not_kept")
    if n_left_out != n_not_kept:
        problem = f"{n_not_kept} recordings that were not kept, and {n_left_out} clips of them"
        yield Finding(str(dropped_path), problem, todo)
    check = DeepCheck(halves[0].clips, fresh=not card.stale) if deep else None
    for half in halves:
        readable = yield from _check_half(half, card, check, progress)
        if not readable:
            return  # rows are missing, so they cannot be compared
    yield from check_duplicates(halves[0].clips)
    yield from check_processors(half.clips for half in halves)
    compounds = [half.clips for half in halves if half.folder.name == card_file.COMPOUNDS]
    if compounds and not card.stale:
        yield from check_compounds(halves[0].clips, compounds[0], dropped)


def _check_of(half: Half, shard: Shard, size: int, todo: str) -> ShardCheck | PlanCheck:
    """Return the check of a shard, or of a shard of virtual compounds."""
    if half.part.virtual:
        return PlanCheck(half.clips, shard, todo)
    return ShardCheck(half.clips.opened(shard), half.clips.clip, size, todo)


def _check_half(
    half: Half, card: Card, deep: DeepCheck | None, progress: Progress
) -> Generator[Finding, None, bool]:
    """Check the shards of one half one by one; return whether all of them can be read."""
    size = card.size
    names = Names(half.clips, card.seed, half.todo)
    readable = True
    for index, shard in enumerate(half.part.shards):
        where = half.folder / f"{shard.name}.parquet"
        todo = after_deleting(f"the files of {shard.name}", half.todo)
        if shard.name != shard_name(index):
            yield Finding(str(where), f"the name of another shard than number {index}", todo)
        try:
            check = _check_of(half, shard, size, todo)
            if problem := check.problem_of_tables():
                yield Finding(str(where), problem, todo)
                return False
            findings = list(check.findings())
            yield from findings
            yield from names.check(check.clips())
            readable &= check.is_whole
            # The frames of virtual compounds are those of the actions, which are checked.
            if deep and not findings and not half.part.virtual:
                yield from deep.check(half.folder, shard, check.clips(), todo)
            progress.step()
        except DatasetError as error:
            yield Finding(error.where, error.got, todo)
            return False
        except INVALID as error:
            problem = f"this shard cannot be read: {type(error).__name__}: {error}"
            yield Finding(str(where), problem, todo)
            return False
    yield from names.total()
    return readable
