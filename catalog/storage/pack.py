"""Packing of samples into shards, and atomic replacement of a dataset's files.

Promise: new files replace old ones all together, even if a run is killed at any moment.
"""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from fmdata.catalog.storage.card import DROPPED, Card, Shard
from fmdata.catalog.storage.card import NAME as CARD
from fmdata.catalog.storage.division import Planned, plan_shards
from fmdata.catalog.storage.files import flush, remove_folder, remove_temporaries
from fmdata.catalog.storage.lock import WORK, writing
from fmdata.catalog.storage.place import (
    HALVES,
    INSIDE,
    MARK,
    STAGED,
    is_apart,
    is_shard_file,
    mark_work,
    remove_introduction,
    remove_report,
    require_place,
    unmark_work,
)
from fmdata.catalog.storage.schema import Columns
from fmdata.catalog.storage.shards import FILES, Sample, shard_name, write_shard


def pack(
    dataset: Path,
    part: str,
    planned: Iterable[Planned],
    load: Callable[[str], Sample],
    columns: Columns,
    limit: int,
    reusable: Mapping[tuple[str, ...], Shard] | None = None,
) -> list[Shard]:
    """Stage the shards of one part of a dataset, for :func:`commit`.

    Parameters
    ----------
    dataset, part
        Folder of the dataset, and ``actions`` or ``compounds``.
    planned, columns
        All samples, and the columns of this part.
    load : callable
        Returns the sample of a key; called once for each, in the order of the shards.
    limit : int
        Bytes to aim for in a tar.
    reusable : mapping of tuple of str to Shard, optional
        Shards already in this part, by the keys of their samples; linked where they fit.
    """
    staged = _stage_half(dataset, part)
    shards = []
    for index, samples in enumerate(plan_shards(planned, limit)):
        name = shard_name(index)
        kept = reusable.get(tuple(sample.key for sample in samples)) if reusable else None
        if kept:
            _link_shard(dataset / part / kept.name, staged / name)
            shards.append(replace(kept, name=name))
        else:
            loaded = (load(sample.key) for sample in samples)
            files = write_shard(staged, name, loaded, columns)
            subjects = list(dict.fromkeys(sample.subject for sample in samples))
            shards.append(Shard(name, samples[0].fold, subjects, len(samples), *files))
    flush(staged)  # the commit deletes the old names of linked files, so these must be on disk
    return shards


def stage(dataset: Path, part: str, made: Iterable[tuple[Path, Shard]]) -> list[Shard]:
    """Stage shards that were made elsewhere, for :func:`commit`; return them.

    `made` has the path of each shard's files without a suffix, and its entry for the card.
    """
    staged = _stage_half(dataset, part)
    shards = []
    for stem, shard in made:
        _link_shard(stem, staged / shard.name)
        shards.append(shard)
    flush(staged)
    return shards


def _link_shard(old: Path, new: Path) -> None:
    """Hard-link the files of a shard, or copy them where the file system has no links."""
    for suffix in FILES:
        file, name = old.with_suffix(suffix), new.with_suffix(suffix)
        if not file.exists():  # a virtual shard has one file
            continue
        try:
            os.link(file, name)
        except OSError:
            shutil.copyfile(file, name)
            flush(name)


@contextmanager
def change(dataset: Path, *, keep_work: bool = False) -> Iterator[None]:
    """Lock a dataset for a change, and first complete or undo an interrupted one.

    `keep_work` keeps the units of an unfinished build, which the next build resumes from.

    Raises
    ------
    UsageError
        When something in the folder is not ours (:func:`require_place`), or is in use.
    """
    require_place(dataset)
    with writing(dataset):
        require_place(dataset)
        work = mark_work(dataset)
        try:
            _finish(dataset)
            _unstage(dataset)
            remove_temporaries(work)
            yield
            _unstage(dataset)
            if not keep_work:
                _clear(work)
        finally:
            unmark_work(dataset)


def _clear(work: Path) -> None:
    """Remove all work. An interrupted removal leaves complete units and temporary names only."""
    for unit in [path for path in work.iterdir() if path.name != MARK]:
        remove_folder(unit)


def _unstage(dataset: Path) -> None:
    """Remove new files that are not to be put in place."""
    for place in (dataset / STAGED, *(dataset / part / INSIDE for part in HALVES)):
        if place.exists():
            shutil.rmtree(place, ignore_errors=True)


def staging(dataset: Path) -> Path:
    """Return the folder of new files for the next :func:`commit`, made where missing."""
    path = dataset / STAGED
    path.mkdir(exist_ok=True)
    return path


@contextmanager
def new_half(dataset: Path, part: str) -> Iterator[Path]:
    """Yield an empty folder to fill with the new shards of one half, for :func:`commit`."""
    staged = _stage_half(dataset, part)
    yield staged
    flush(staged)


def _stage_half(dataset: Path, part: str) -> Path:
    """Return an empty folder for the new shards of one half, on the disk of the old ones."""
    staged, half = staging(dataset) / part, dataset / part
    if not is_apart(half, dataset):
        staged.mkdir()
        return staged
    inside = half.resolve() / INSIDE
    inside.mkdir()
    staged.symlink_to(inside)
    return inside


def commit(dataset: Path, card: Card) -> None:
    """Replace the dataset's files by the staged ones, and its card by `card`.

    The change is decided when the staged card is written. A run killed before that has changed
    nothing; a run killed later is completed by the next :func:`change`.
    """
    card.write(staging(dataset))
    _finish(dataset)


def interrupted(dataset: Path) -> bool:
    """Return whether a run was killed within a commit, which the next :func:`change` completes."""
    return (dataset / STAGED / CARD).exists()


def _finish(dataset: Path) -> None:
    if not interrupted(dataset):
        return
    staged = dataset / STAGED
    card = Card.read(staged)
    # Each step is flushed before the next, which may delete files that the last step replaced.
    for folder in (dataset / WORK, dataset):
        flush(folder)
    remove_report(dataset)
    remove_introduction(dataset)
    # Without a card, the half-replaced files are no dataset.
    (dataset / CARD).unlink(missing_ok=True)
    flush(dataset)
    for name, part in card.halves.items():
        if (staged / name).is_dir():
            _replace_shards(staged / name, dataset / name, part.shards if part else [])
        if part is None and not is_apart(dataset / name, dataset):
            with suppress(OSError):  # no such folder
                (dataset / name).rmdir()
    if (staged / DROPPED).exists():
        (staged / DROPPED).replace(dataset / DROPPED)
    flush(dataset)
    (staged / CARD).replace(dataset / CARD)
    flush(dataset)


def _replace_shards(staged: Path, half: Path, shards: Iterable[Shard]) -> None:
    """Put the new shards of one half in place, file by file, and remove the old ones."""
    half.mkdir(exist_ok=True)
    for new in sorted(staged.iterdir()):
        new.replace(half / new.name)
        new.unlink(missing_ok=True)  # a link to the file in its place is not moved
    kept = {name for shard in shards for name in shard.files}
    for old in sorted(half.iterdir()):
        if is_shard_file(old.name) and old.name not in kept:
            old.unlink()
    flush(half)
