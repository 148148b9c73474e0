"""Which sample goes into which shard, and the shards into their place.

Promise: the order is by fold, subject and key, whoever made the samples and when. A shard never
mixes folds, and a subject lies in one shard unless it alone is larger than a shard. New files
replace those of an earlier run all together, whenever a run may die.
"""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from fmdata.catalog.storage.card import NAME as CARD
from fmdata.catalog.storage.card import Card, FileFacts, Shard
from fmdata.catalog.storage.files import flush, remove_folder, remove_temporaries
from fmdata.catalog.storage.lock import WORK, writing
from fmdata.catalog.storage.shards import Sample, shard_name, write_shard


class Planned(NamedTuple):
    """What placing a sample needs; sorts by fold, subject and key."""

    fold: int
    subject: str
    key: str
    n_bytes: int


def plan_shards(samples: Iterable[Planned], limit: int) -> list[list[Planned]]:
    """Divide samples among shards of about `limit` bytes.

    A new shard begins with each fold, where the next subject would not fit any more, and within a
    subject that is larger than a shard by itself.
    """
    ordered = sorted(samples)
    subject_bytes: dict[str, int] = {}
    for sample in ordered:
        subject_bytes[sample.subject] = subject_bytes.get(sample.subject, 0) + sample.n_bytes
    shards: list[list[Planned]] = []
    filled = 0
    for sample in ordered:
        last = shards[-1][-1] if shards else None
        if last is None or last.fold != sample.fold:
            full = True
        elif last.subject != sample.subject:
            full = filled + subject_bytes[sample.subject] > limit
        else:
            full = subject_bytes[sample.subject] > limit and filled + sample.n_bytes > limit
        if full:
            shards.append([])
            filled = 0
        shards[-1].append(sample)
        filled += sample.n_bytes
    return shards


def pack(
    dataset: Path,
    part: str,
    planned: Iterable[Planned],
    load: Callable[[str], Sample],
    facts: pa.Schema,
    limit: int,
    there: Mapping[tuple[str, ...], Shard] | None = None,
) -> list[Shard]:
    """Write the shards of one part of a dataset to where :func:`commit` takes them from.

    Parameters
    ----------
    dataset : Path
        The dataset's folder.
    part : str
        ``actions`` or ``compounds``.
    planned : iterable of Planned
        Every sample.
    load : callable
        Gives the sample of a key; called once for each, in the order of the shards.
    facts : pyarrow.Schema
        Columns of the samples' rows.
    limit : int
        Bytes to aim for in a tar.
    there : mapping of tuple of str to Shard, optional
        Shards of this part that may stay as they are, by the keys of their samples.
    """
    staged = staging(dataset) / part
    staged.mkdir()
    shards = []
    for index, samples in enumerate(plan_shards(planned, limit)):
        name = shard_name(index)
        kept = there.get(tuple(sample.key for sample in samples)) if there else None
        if kept:
            for suffix in (".tar", ".parquet"):
                _link(dataset / part / (kept.name + suffix), staged / (name + suffix))
            shards.append(replace(kept, name=name))
            continue
        write_shard(staged, name, (load(sample.key) for sample in samples), facts)
        shards.append(
            Shard(
                name=name,
                fold=samples[0].fold,
                subjects=list(dict.fromkeys(sample.subject for sample in samples)),
                samples=len(samples),
                tar=FileFacts.of(staged / f"{name}.tar"),
                parquet=FileFacts.of(staged / f"{name}.parquet"),
            )
        )
    flush(staged)  # the names of the kept ones: they alone stand for these files before long
    return shards


def _link(file: Path, name: Path) -> None:
    """Give a file another name, or copy it where a file can have only one."""
    try:
        os.link(file, name)
    except OSError:
        shutil.copyfile(file, name)
        flush(name)


@contextmanager
def change(dataset: Path, *, keep_work: bool = False) -> Iterator[None]:
    """Hold a dataset for a change, and begin with what the last one left: all of it, or nothing.

    With `keep_work`, the units of a build that did not end stay for the next.
    """
    with writing(dataset):
        _finish(dataset)
        shutil.rmtree(dataset / WORK / "new", ignore_errors=True)
        remove_temporaries(dataset / WORK)
        yield
        if keep_work:
            remove_folder(dataset / WORK / "new")
        else:
            _clear(dataset / WORK)


def _clear(work: Path) -> None:
    """Remove all work; a run that dies here leaves whole units and temporary names, no halves."""
    if work.exists():
        for unit in list(work.iterdir()):
            remove_folder(unit)
        shutil.rmtree(work, ignore_errors=True)


def staging(dataset: Path) -> Path:
    """Return the folder, made if need be, of new files that are to replace the dataset's own."""
    path = dataset / WORK / "new"
    path.mkdir(parents=True, exist_ok=True)
    return path


def commit(dataset: Path, card: Card) -> None:
    """Put everything staged, and the card, in the place of what was there.

    The staged card is the decision: until it is written, the dataset is what it was; from then on
    a run that dies here is finished by the next.
    """
    card.write(staging(dataset))
    _finish(dataset)


def interrupted(dataset: Path) -> bool:
    """Whether a run died after its decision, so that the next :func:`change` finishes it."""
    return (dataset / WORK / "new" / CARD).exists()


def _finish(dataset: Path) -> None:
    if not interrupted(dataset):
        return
    staged = dataset / WORK / "new"
    # Each step reaches the disk before the next, which may destroy what the last one replaced.
    for folder in (dataset / WORK, dataset):
        flush(folder)
    # Without a card nobody takes the half-replaced files for a dataset.
    (dataset / CARD).unlink(missing_ok=True)
    flush(dataset)
    for new in sorted(staged.iterdir()):
        if new.name != CARD:
            place = dataset / new.name
            if place.is_dir():
                shutil.rmtree(place)
            new.replace(place)
    flush(dataset)
    (staged / CARD).replace(dataset / CARD)
    flush(dataset)
