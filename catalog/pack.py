"""Which sample goes into which shard, and the shards into their place.

Promise: the order is by fold, subject and key, whoever made the samples and when. A shard never
mixes folds, and a subject lies in one shard unless it alone is larger than a shard. The finished
shards replace those of an earlier run together.
"""

import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from fmdata.catalog.card import FileFacts, Shard
from fmdata.catalog.shards import Sample, shard_name, write_shard

WORK = ".work"  # below the dataset: what is not finished yet


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
) -> list[Shard]:
    """Write the shards of one part of a dataset, and put them in the place of what was there.

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
    """
    staged = dataset / WORK / f"{part}.new"
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    shards = []
    for index, samples in enumerate(plan_shards(planned, limit)):
        name = shard_name(index)
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
    _replace(dataset / part, staged, dataset / WORK / f"{part}.old")
    return shards


def _replace(place: Path, new: Path, old: Path) -> None:
    shutil.rmtree(old, ignore_errors=True)
    if place.exists():
        place.replace(old)
    new.replace(place)
    shutil.rmtree(old, ignore_errors=True)
    with suppress(OSError):  # a build's finished units may still lie there
        new.parent.rmdir()
