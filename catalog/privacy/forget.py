"""Take a subject out of a dataset: out of every file in its folder, and then look for remnants.

Promise: everyone else's samples stay bit for bit what they are, and the dataset becomes the very
bytes that a build and a synthesis without the subject would have given. Killed at any moment, the
dataset is what it was or what it is to be, and the same command finishes the work. Nothing in the
folder remembers that there was such a subject.
"""

import difflib
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import feather

from fmdata.catalog.dataset import Dataset
from fmdata.catalog.errors import DatasetError, UsageError
from fmdata.catalog.privacy.remnants import remnants
from fmdata.catalog.privacy.traces import Traces, name_digest
from fmdata.catalog.privacy.without import part_without
from fmdata.catalog.storage import card as card_file
from fmdata.catalog.storage.avi import jpeg_spans
from fmdata.catalog.storage.card import Card, FileFacts
from fmdata.catalog.storage.files import atomic_file
from fmdata.catalog.storage.lock import WORK
from fmdata.catalog.storage.pack import change, commit, staging
from fmdata.catalog.storage.schema import DROPPED
from fmdata.catalog.verify.finding import Finding

# In the work folder, until the search for remnants is over: one a subject.
MEMO = "forget-{}.npz"


@dataclass(frozen=True)
class Forgotten:
    """What was taken out, and what is left.

    Attributes
    ----------
    clips, compounds, dropped, units : int
        Of the subject: clips, compounds, rows of the dropped list, unfinished units of work.
    rewritten, shards : int
        Shards that had to be written anew, and all that there are now.
    frames : int
        JPEGs and LBP maps whose bytes were looked for.
    left : list of Finding
        Where the subject is still to be found. Empty unless the folder holds files that are not
        fmdata's, or another subject's clips with the same frames.
    """

    clips: int = 0
    compounds: int = 0
    dropped: int = 0
    units: int = 0
    rewritten: int = 0
    shards: int = 0
    frames: int = 0
    left: list[Finding] = field(default_factory=list)


def forget(path: Path, subject: str) -> Forgotten:
    """Take a subject out of a dataset.

    Raises
    ------
    UsageError
        When there is no such subject, or another command is writing.
    DatasetError
        When there is no dataset, or others' clips would have to be copied from a damaged shard.
    """
    if not (path / WORK).is_dir():
        Card.read(path)
    with change(path, keep_work=True):
        dataset = Dataset(path) if (path / card_file.NAME).exists() else None
        names = _subjects(dataset)
        units, scraps = _work_of(path / WORK, subject)
        memo = path / WORK / MEMO.format(name_digest(subject)[:16])
        if subject in names or units:
            traces = Traces.of(subject, _frames(dataset, subject, units))
            (path / WORK).mkdir(exist_ok=True)
            traces.write(memo)
        elif memo.exists() and Traces.read(memo).name == name_digest(subject):
            # A run that took the subject out, and did not come to look for remnants.
            traces = Traces.read(memo)
        else:
            raise _unknown(path, subject, names)
        for entry in (*units, *scraps):
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink(missing_ok=True)
        done = Forgotten(units=len(units), frames=len(traces.frames))
        if dataset and subject in names:
            done = _take_out(dataset, subject, done)
        done = replace(done, left=list(remnants(path, subject, traces)))
        memo.unlink()
    return done


def _take_out(dataset: Dataset, subject: str, done: Forgotten) -> Forgotten:
    """Put a dataset without the subject in the place of the one with it."""
    before = dataset.card
    after = _card_without(dataset, subject)
    commit(dataset.path, after)
    was, now = ([c.actions, *([c.compounds] if c.compounds else [])] for c in (before, after))
    kept = {shard.tar for part in was for shard in part.shards}
    shards = [shard for part in now for shard in part.shards]
    return replace(
        done,
        clips=before.actions.samples - after.actions.samples,
        compounds=sum(p.samples for p in was[1:]) - sum(p.samples for p in now[1:]),
        dropped=before.dropped - after.dropped,
        rewritten=sum(shard.tar not in kept for shard in shards),
        shards=len(shards),
    )


def _card_without(dataset: Dataset, subject: str) -> Card:
    """Stage every file of the dataset without the subject; return the card that goes with them."""
    card, size = dataset.card, dataset.card.actions.settings["size"]
    folder = dataset.path / card_file.ACTIONS
    actions = part_without(folder, card.actions, dataset.actions, subject, size)
    compounds = None
    if card.compounds:
        folder = dataset.path / card_file.COMPOUNDS
        compounds = part_without(folder, card.compounds, dataset.compounds, subject, size)
        compounds = replace(
            compounds,
            notes=[note for note in compounds.notes if not note.startswith(f"{subject}: no ")],
            made_from=compounds.made_from if card.stale else actions.digest,
        )
    rows = [row for row in dataset.dropped().to_pylist() if row["subject"] != subject]
    dropped_file = staging(dataset.path) / card_file.DROPPED
    with atomic_file(dropped_file) as file:
        pq.write_table(pa.Table.from_pylist(rows, DROPPED), file, compression="zstd")
    return replace(
        card,
        recordings=actions.samples + len(rows),
        dropped=len(rows),
        dropped_file=FileFacts.of(dropped_file),
        actions=actions,
        compounds=compounds,
    )


def _subjects(dataset: Dataset | None) -> set[str]:
    if dataset is None:
        return set()
    parts = [dataset.card.actions, *([dataset.card.compounds] if dataset.card.compounds else [])]
    named = {name for part in parts for shard in part.shards for name in shard.subjects}
    return named | set(dataset.dropped()["subject"].to_pylist())


def _work_of(work: Path, subject: str) -> tuple[list[Path], list[Path]]:
    """Return the subject's units of unfinished work, and scraps that may be anybody's.

    A unit is a folder whose table names its subject; all else is what a dead process left.
    """
    units, scraps = [], []
    for entry in sorted(work.iterdir()) if work.is_dir() else []:
        if entry.match(MEMO.format("*")):
            continue
        names: set[str] = set()
        with suppress(OSError, KeyError, pa.ArrowException):
            for file in (*entry.glob("*.parquet"), *entry.glob("*.arrow")):
                table = (
                    feather.read_table(file, columns=["subject"], memory_map=False)
                    if file.suffix == ".arrow"
                    else pq.read_table(file, columns=["subject"])
                )
                names |= set(table["subject"].to_pylist())
        if subject in names:
            units.append(entry)
        elif not names or entry.suffix:
            scraps.append(entry)
    return units, scraps


def _frames(dataset: Dataset | None, subject: str, units: list[Path]) -> Iterator[bytes]:
    """Yield the JPEG and the LBP map of every frame of a subject, as far as they can be read."""
    halves: list[Any] = []
    if dataset:
        halves = [dataset.actions, *([dataset.compounds] if dataset.card.stale else [])]
    for clips in halves:
        for clip in clips:
            if clip.subject == subject:
                with suppress(DatasetError, ValueError):
                    yield from clip.jpegs()
                    if clip.has_lbp:
                        yield from map(bytes, clip.lbp())
    for unit in units:
        for path in unit.iterdir():
            with suppress(OSError, ValueError):
                yield from _frames_of(path)


def _frames_of(path: Path) -> Iterator[bytes]:
    if path.suffix == ".npy":
        yield from map(bytes, np.load(path, mmap_mode="r", allow_pickle=False))
    elif path.suffix == ".avi":
        with path.open("rb") as file:
            for span in jpeg_spans(file, path.stat().st_size):
                file.seek(span.offset)
                yield file.read(span.size)


def _unknown(path: Path, subject: str, names: set[str]) -> UsageError:
    near = difflib.get_close_matches(subject, names, cutoff=0.5) or sorted(names)[:5]
    return UsageError(
        f"no subject {subject!r}; nothing was changed",
        wanted="a subject of this dataset" + (f", such as {', '.join(near)}" if near else ""),
        where=str(path),
        todo="give the name as it stands in the raw folder; if the dataset was built with "
        "--pseudonyms, give the same key file",
    )
