"""State of a previous build in the dataset's folder, and whether it can be resumed.

Promise: nothing is written here, and a folder that holds anything else is refused.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fmdata.catalog.clip import ActionClip
from fmdata.catalog.clips import Clips
from fmdata.catalog.dataset import Dataset
from fmdata.catalog.errors import UsageError
from fmdata.catalog.given.labels import Label
from fmdata.catalog.keys import action_key
from fmdata.catalog.storage import card as card_file
from fmdata.catalog.storage.card import Shard
from fmdata.catalog.storage.division import Planned
from fmdata.catalog.types import Dropped, Recording
from fmdata.pipeline.settings import SELECTING, BuildSettings
from fmdata.pipeline.work.digest import Identity
from fmdata.pipeline.work.job import Job, key_of
from fmdata.pipeline.work.known.files import KnownFiles
from fmdata.pipeline.work.limits.clips import may_return
from fmdata.pipeline.work.limits.keep import NOT_KEPT, Keep
from fmdata.pipeline.work.limits.vanished import require_present
from fmdata.pipeline.work.outcome import (
    REJECTED,
    Finished,
    ReadyClip,
    done_before,
    finished,
)
from fmdata.pipeline.work.packed import finished_work, ready
from fmdata.pipeline.work.site import Units

# Reasons by which a person leaves clips out: no retry takes them back.
_BY_WISH = (REJECTED, NOT_KEPT)
# Names of a clip's recording, in the order of its key.
RECORDED = ("subject", "recorded_action", "recorded_take")


@dataclass(frozen=True)
class Previous:
    """Clips, dropped recordings and attempts of the last build; all empty without one.

    Attributes
    ----------
    out : Path
        Folder of the dataset.
    dataset : Dataset or None
        The dataset, if there is one.
    retry : bool
        Whether only dropped recordings are to be built.
    subjects : dict of str to str
        Subjects of the clips that a build without faults keeps, by key of the recording.
    dropped : list of (Dropped, str)
        Dropped recordings with their digests; the digest is empty where there is none.
    done : dict of str to Finished
        Finished work by digest: intact clips, and dropped recordings not worth a retry.
    halves : tuple of Clips
        The clips of the shards that are as the card says: those of the actions, then those that
        ``--keep`` left out; empty without a dataset.
    labels : tuple of Label
        Labels of the clips of this build.
    """

    out: Path
    dataset: Dataset | None = None
    retry: bool = False
    subjects: dict[str, str] = field(default_factory=dict)
    dropped: list[tuple[Dropped, str]] = field(default_factory=list)
    done: dict[str, Finished] = field(default_factory=dict)
    halves: tuple[Clips[ActionClip], ...] = ()
    labels: tuple[Label, ...] = ()

    @classmethod
    def read(
        cls, out: Path, settings: BuildSettings, known: KnownFiles,
        labels: tuple[Label, ...] = (), *, retry: bool = False,
    ) -> "Previous":  # fmt: skip
        """Read the state of the last build in `out`; files in `known` are not read.

        Raises
        ------
        UsageError
            When the clips in `out` were made with other settings; with `retry`, when there is no
            dataset, or it is damaged, or was made with another selection of clips.
        """
        dataset = _dataset_at(out, settings)
        both = (dataset.actions, dataset.left_out) if dataset else ()
        whole = tuple(half for half in both if half is not None)
        halves = tuple(half.intact(known.holds) for half in whole)
        if retry:
            is_intact = list(map(len, whole)) == list(map(len, halves))
            _require_retriable(out, dataset, is_intact, settings, labels)
        if dataset is None:
            return cls(out, retry=retry, labels=labels)
        dropped = _dropped_of(dataset)
        if retry:
            return cls(out, dataset, retry, dropped=dropped, halves=halves, labels=labels)
        before = dataset.card.actions.settings
        kept = [one for one in dropped if not may_return(one[0], settings, before)]
        done = finished_work(halves, kept)
        subjects = {recorded_key(row): row["subject"] for row in halves[0].rows(RECORDED)}
        return cls(out, dataset, retry, subjects, dropped, done, halves, labels)

    def select(self, recordings: Sequence[Recording], *, prune: bool = False) -> list[Recording]:
        """Return the recordings to build: all of them, or with `retry` the dropped ones.

        Raises
        ------
        UsageError
            When none of the clips in the dataset are of these recordings; without `prune`, when
            none are of one of its subjects, or of more than a tenth of its clips.
        """
        if self.retry:
            names = {one.names for one, _ in self.dropped if one.reason not in _BY_WISH}
            return [recording for recording in recordings if recording.names in names]
        keys = {key_of(recording) for recording in recordings}
        require_present(self.subjects, keys, self.out, prune=prune)
        return list(recordings)

    def takes_of(self, session: Recording) -> list[Recording]:
        """Return the recordings that the last build made of a session's motions."""
        columns, begins = ["source", *RECORDED, "start", "stop"], f"{session.take}-m"
        return [
            replace(session, take=row["recorded_take"], start_s=row["start"], stop_s=row["stop"])
            for half in self.halves
            for row in half.rows(columns)
            if (row["source"], row["subject"], row["recorded_action"]) == session.names[:3]
            and row["recorded_take"].startswith(begins)
        ]

    def recall(self, jobs: Iterable[Job]) -> list[Job]:
        """Add the attempts of earlier builds, and clips for recordings that cannot be read now.

        A disk that is missing for an hour must not cost the clips made from it. An error of the
        content, not of reading it, stays an error: the recording has changed.
        """
        by_digest = {digest: d.attempts for d, digest in self.dropped if digest}
        by_names = {d.names: d.attempts for d, digest in self.dropped if not digest}
        jobs = list(jobs)
        clips = self._identities() if any(job.is_out_of_reach for job in jobs) else {}
        recalled = []
        for job in jobs:
            names = job.recording.names
            if job.is_out_of_reach and names in clips:
                job = replace(job, identity=clips[names], stands_in=True)
            attempts = by_digest.get(job.digest, 0) if job.digest else by_names.get(names, 0)
            recalled.append(replace(job, attempts=attempts))
        return recalled

    def divide(
        self, jobs: Sequence[Job], units: Units, rejected: Mapping[str, Dropped]
    ) -> tuple[list[Job], dict[str, Finished]]:
        """Divide jobs into those to do and the finished work of the others, by digest.

        `units` is the unfinished work; `rejected` has what a review rejects, by digest.
        """
        todo, done = [], {d: one for d, one in self.done.items() if not _is_rejected(one)}
        done |= rejected
        units.recall(job.digest for job in jobs if job.digest and job.digest not in done)
        for job in jobs:
            if not job.digest:
                continue
            unit = units.unit(job.digest)
            if job.digest not in done and (outcome := done_before(unit, self.retry)):
                done[job.digest] = finished(outcome, unit, job.attempts)
            if job.digest not in done:
                todo.append(job)
        return todo, done

    def is_current(
        self, jobs: Iterable[Job], settings: BuildSettings, rejected: Mapping[str, Dropped]
    ) -> bool:
        """Return whether the dataset has exactly the jobs' outcomes, but for changes of rows."""
        return (
            self.dataset is not None
            and not self.retry
            and self.dataset.card.actions.settings == settings.to_json()
            and self.dataset.labels == self.labels
            and set(self.done) == {job.digest for job in jobs}
            and {d: one for d, one in self.done.items() if _is_rejected(one)} == rejected
            and _has_its_dropped_file(self.dataset)
        )

    def kept(
        self, jobs: Iterable[Job]
    ) -> tuple[dict[Planned, ReadyClip], list[tuple[Dropped, str]]]:
        """Return the clips and dropped recordings that a retry of `jobs` leaves as they are."""
        if self.dataset is None or not self.retry:
            return {}, []
        tried = {job.recording.names for job in jobs}
        return (
            {
                Planned(clip.fold, clip.subject, clip.key, clip.n_bytes): ready(half, clip)
                for half in self.halves
                for clip in half
            },
            [(dropped, digest) for dropped, digest in self.dropped if dropped.names not in tried],
        )

    def untouched_shards(self, half: str, packed: Set[str]) -> dict[tuple[str, ...], Shard]:
        """Return a half's intact shards, by their keys, all of whose clips are in `packed`."""
        shards = (shard for clips in self.halves if clips.folder.name == half
                  for shard in clips.shards())  # fmt: skip
        return {keys: shard for keys, shard in shards if packed >= set(keys)}

    def left_out(self, keep: Keep) -> dict[str, str]:
        """Return the details of the intact clips that an expression leaves out, by key."""
        names = list(dict.fromkeys(["key", *keep.columns]))
        known = (half for half in self.halves if {*names} <= {*half.columns.clips.names})
        return dict(
            found for half in known for rows in half.tables(names) for found in keep.left_out(rows)
        )

    def _identities(self) -> dict[tuple[str, ...], Identity]:
        """Return the identities of the finished clips, by the names of their recordings."""
        columns = ["source", *RECORDED, "source_sha256", "digest"]
        return {
            (row["source"], *(row[name] for name in RECORDED)): Identity(
                row["source_sha256"], row["digest"]
            )
            for half in self.halves
            for row in half.rows(columns)
            if row["digest"] in self.done
        }


def recorded_key(row: Mapping[str, Any]) -> str:
    """Return the key of a row's recording, which a review does not change."""
    return action_key(*(row[name] for name in RECORDED))


def _is_rejected(one: object) -> bool:
    return isinstance(one, Dropped) and one.reason == REJECTED


def _dataset_at(out: Path, settings: BuildSettings) -> Dataset | None:
    """Return the dataset in `out`, if there is one; raise UsageError if its settings differ."""
    if not (out / card_file.NAME).exists():
        return None
    dataset = Dataset(out)
    made, asked = dataset.card.actions.settings, settings.to_json()
    differ = [name for name in asked if name not in SELECTING and made.get(name) != asked[name]]
    if differ:
        raise UsageError(
            "a dataset made with " + ", ".join(f"{n} = {made.get(n)}" for n in differ),
            wanted=", ".join(f"{name} = {asked[name]}" for name in differ),
            where=str(out / card_file.NAME),
            todo="build with the settings it was made with, or into another folder with --out; "
            "the dataset was left as it is",
        )
    return dataset


def _require_retriable(
    out: Path, dataset: Dataset | None, is_intact: bool, settings: BuildSettings,
    labels: tuple[Label, ...],
) -> None:  # fmt: skip
    """Raise UsageError when there is no whole dataset whose dropped recordings can be retried."""

    def refused(got: str, todo: str) -> UsageError:
        wanted = "a whole dataset, built before with these settings"
        return UsageError(f"--retry-dropped {got}", wanted=wanted, where=str(out), todo=todo)

    if dataset is None:
        raise refused("without a dataset", "build first, without --retry-dropped")
    if not is_intact or not _has_its_dropped_file(dataset):
        raise refused(
            "on a dataset that is damaged",
            "build without --retry-dropped, which makes again what is damaged",
        )
    if dataset.card.actions.settings != settings.to_json():
        raise refused(
            "with other settings than the dataset was made with",
            "build without --retry-dropped, or with the settings of the last build",
        )
    if dataset.labels != labels:
        raise refused(
            "with a table of other labels than the dataset has",
            "build without --retry-dropped, which gives every clip the labels of the table",
        )


def _has_its_dropped_file(dataset: Dataset) -> bool:
    return dataset.card.dropped_file.hold_for(dataset.path / card_file.DROPPED)


def _dropped_of(dataset: Dataset) -> list[tuple[Dropped, str]]:
    """Return a dataset's dropped recordings with their digests; none if the file is damaged."""
    if not _has_its_dropped_file(dataset):
        return []
    rows = dataset.dropped().to_pylist()
    digests = [row.pop("digest") for row in rows]
    return [(Dropped(**row), digest) for row, digest in zip(rows, digests, strict=True)]
