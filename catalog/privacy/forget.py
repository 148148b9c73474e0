"""Removal of a subject from every file of a dataset, and a search for remnants.

Promise: the samples of all others keep their bytes, and the dataset equals byte for byte one that
was built and synthesised without the subject. If the command is killed at any moment, the dataset
is either unchanged or without the subject, and the same command completes the removal. No file
in the folder records that the subject existed.
"""

import difflib
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fmdata.catalog.dataset import Dataset
from fmdata.catalog.errors import DatasetError, UsageError
from fmdata.catalog.keys import composed
from fmdata.catalog.privacy.pseudonyms import is_distinctive, whole_word
from fmdata.catalog.privacy.remnants import frame_spans, remnants
from fmdata.catalog.privacy.traces import Traces, name_digest
from fmdata.catalog.privacy.without import part_without, plan_without
from fmdata.catalog.progress import SILENT, Progress
from fmdata.catalog.storage import card as card_file
from fmdata.catalog.storage.card import Card, FileFacts, Part
from fmdata.catalog.storage.files import atomic_file
from fmdata.catalog.storage.lock import WORK
from fmdata.catalog.storage.pack import change, commit, staging
from fmdata.catalog.storage.place import MARK, remove_introduction
from fmdata.catalog.storage.schema import DROPPED_COLUMNS
from fmdata.catalog.storage.tables.dropped import digest_of, dropped_actions
from fmdata.catalog.storage.work import Unit
from fmdata.catalog.verify.finding import Finding

# Traces of one subject, in the work folder until the search for remnants has ended.
MEMO = "forget-{}.npz"


@dataclass(frozen=True)
class Forgotten:
    """The result of a removal; ``str()`` of it is the text for the user.

    Attributes
    ----------
    clips, compounds, dropped, units, left_out : int
        Removed clips, compounds, dropped recordings, units of unfinished work, and clips that
        ``--keep`` had left out.
    rewritten, shards : int
        Shards written again, and all shards of the dataset.
    frames : int
        Number of JPEGs, LBP maps, frames of unfinished landmarks and seconds of sound searched
        for.
    left : list of Finding
        Remnants of the subject. Empty, unless the folder holds files of other programs, or
        clips of another subject with the same frames.
    """

    clips: int = 0
    compounds: int = 0
    dropped: int = 0
    units: int = 0
    left_out: int = 0
    rewritten: int = 0
    shards: int = 0
    frames: int = 0
    left: list[Finding] = field(default_factory=list)

    def __str__(self) -> str:
        none = (
            f"  no trace of {self.frames} JPEGs, LBP maps, landmarks and seconds of sound in any "
            "file of the dataset"
        )
        left_out = f"{self.left_out} clips left out by --keep, " if self.left_out else ""
        lines = [
            f"{self.clips} clips, {left_out}"
            f"{self.compounds} compounds, {self.dropped} dropped recordings, "
            f"{self.units} pieces of unfinished work",
            f"  {self.rewritten} of {self.shards} shards were rewritten",
            *(map(str, self.left) if self.left else [none]),
            "  a build adds every subject in the raw folder again: remove the recordings there too",
            "  files outside the dataset are unchanged: delete models, features and figures of "
            "runs trained with this subject",
        ]
        return "\n".join(lines)


def forget(path: Path, subject: str, progress: Progress = SILENT) -> Forgotten:
    """Remove a subject from a dataset; its name may be given in any Unicode form.

    Raises
    ------
    UsageError
        When the dataset has no such subject, or another command is writing to it.
    DatasetError
        When there is no dataset, or clips of others would have to be copied from a damaged shard.
    """
    subject = composed(subject)
    if not (path / WORK).is_dir():
        Card.read(path)
    with change(path, keep_work=True):
        dataset = Dataset(path) if (path / card_file.NAME).exists() else None
        remove_introduction(path)  # written anew of what is left, after the search
        names = _subjects(dataset)
        units, leftovers = _work_of(path / WORK, subject)
        memo = path / WORK / MEMO.format(name_digest(subject)[:16])
        if subject in names or units:
            traces = Traces.of(subject, _frames(dataset, subject, units))
            traces.write(memo)
        elif memo.exists() and Traces.read(memo).name == name_digest(subject):
            # An interrupted run has removed the subject, but not searched for remnants.
            traces = Traces.read(memo)
        else:
            raise _unknown(path, subject, names)
        for entry in (*(unit.path for unit in units), *leftovers):
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink(missing_ok=True)
        forgotten = Forgotten(units=len(units), frames=traces.n_frames)
        if dataset and subject in names:
            forgotten = _remove(dataset, subject, forgotten, progress)
        forgotten = replace(forgotten, left=list(remnants(path, subject, traces, progress)))
        memo.unlink()
    return forgotten


def has_traces(path: Path, subject: str) -> bool:
    """Return whether :func:`forget` has anything to do: a removal, or a search to complete."""
    subject = composed(subject)
    dataset = Dataset(path) if (path / card_file.NAME).exists() else None
    is_interrupted = (path / WORK / MEMO.format(name_digest(subject)[:16])).exists()
    units, _ = _work_of(path / WORK, subject)
    return is_interrupted or bool(units) or subject in _subjects(dataset)


def _remove(dataset: Dataset, subject: str, forgotten: Forgotten, progress: Progress) -> Forgotten:
    """Replace a dataset by one without the subject; return the counts with those of the shards."""
    before = dataset.card
    progress.start("forget: remove", len(before.parts), "halves")
    after = _card_without(dataset, subject, progress)
    commit(dataset.path, after)
    kept = {shard.parquet for part in before.parts for shard in part.shards}
    shards = [shard for part in after.parts for shard in part.shards]
    return replace(
        forgotten,
        clips=_n_of(before.actions) - _n_of(after.actions),
        compounds=_n_of(before.compounds) - _n_of(after.compounds),
        left_out=_n_of(before.left_out) - _n_of(after.left_out),
        dropped=before.dropped - after.dropped,
        rewritten=sum(shard.parquet not in kept for shard in shards),
        shards=len(shards),
    )


def _n_of(part: Part | None) -> int:
    return part.samples if part else 0


def _card_without(dataset: Dataset, subject: str, progress: Progress) -> Card:
    """Stage every file of the dataset without the subject; return the matching card."""
    card, size = dataset.card, dataset.card.size
    actions = part_without(dataset.actions, subject, size)
    left_out = part_without(dataset.left_out, subject, size) if dataset.left_out else None
    progress.step()
    every = dataset.dropped().to_pylist()
    rows = [row for row in every if not _is_of(row, subject)]
    compounds = None
    if card.compounds:
        without = plan_without if card.compounds.virtual else part_without
        compounds = without(dataset.compounds, subject, size)
        is_of_this_list = compounds.dropped_actions == digest_of(dropped_actions(every))
        compounds = replace(
            compounds,
            notes=[note for note in compounds.notes if not note.startswith(f"{subject}: no ")],
            made_from=compounds.made_from if card.stale else actions.digest,
            dropped_actions=digest_of(dropped_actions(rows)) if is_of_this_list else None,
        )
        progress.step()
    dropped_file = staging(dataset.path) / card_file.DROPPED
    with atomic_file(dropped_file) as file:
        pq.write_table(pa.Table.from_pylist(rows, DROPPED_COLUMNS), file, compression="zstd")
    return replace(
        card,
        recordings=actions.samples + len(rows),
        dropped=len(rows),
        dropped_file=FileFacts.of(dropped_file),
        actions=actions,
        compounds=compounds,
        left_out=left_out if left_out and left_out.samples else None,
    )


def _is_of(row: dict[str, Any], subject: str) -> bool:
    """Return whether a dropped recording is a subject's, of an unknown subject by its path."""
    if row["subject"] or not is_distinctive(subject):
        return bool(row["subject"] == subject)
    return whole_word(subject).search(composed(row["source"])) is not None


def _subjects(dataset: Dataset | None) -> set[str]:
    if dataset is None:
        return set()
    shards = [shard for part in dataset.card.parts for shard in part.shards]
    named = {name for shard in shards for name in shard.subjects}
    return named | set(dataset.dropped()["subject"].to_pylist())


def _work_of(work: Path, subject: str) -> tuple[list[Unit], list[Path]]:
    """Return the subject's units of unfinished work, and files and folders without a subject.

    The latter are left by crashed processes and may belong to anybody, so they are removed too.
    """
    units, leftovers = [], []
    for entry in sorted(work.iterdir()) if work.is_dir() else []:
        if entry.name == MARK or entry.match(MEMO.format("*")):
            continue
        name = Unit(entry).subject()
        if name == subject:
            units.append(Unit(entry))
        elif name is None or entry.suffix:
            leftovers.append(entry)
    return units, leftovers


def _frames(dataset: Dataset | None, subject: str, units: list[Unit]) -> Iterator[bytes]:
    """Yield the JPEG, LBP map and landmarks of a subject's readable frames, and its sound."""
    halves = [half for half in dataset.halves if not half.part.virtual] if dataset else []
    # The frames of compounds that are not stale are those of the actions.
    for clips in halves:
        if dataset and not dataset.card.stale and clips.folder.name == card_file.COMPOUNDS:
            continue
        for clip in clips.of_subject(subject):
            with suppress(DatasetError, OSError, ValueError), clip.tar.open("rb") as file:
                for begin, n_bytes in frame_spans(clip).tolist():
                    file.seek(begin)
                    yield file.read(n_bytes)
    for unit in units:
        yield from unit.frames()


def _unknown(path: Path, subject: str, names: set[str]) -> UsageError:
    near = difflib.get_close_matches(subject, names, cutoff=0.5) or sorted(names)[:5]
    return UsageError(
        f"no subject {subject!r}; nothing was changed",
        wanted="a subject of this dataset" + (f", such as {', '.join(near)}" if near else ""),
        where=str(path),
        todo="give the name as in the raw folder; for a dataset built with --pseudonyms, give the "
        "same key file too",
    )
