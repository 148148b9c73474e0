"""A review on its way through a build: its marks, matched with recordings and applied to clips.

Promise: nothing is decoded for a mark. A rejected recording is not processed at all; another motion
or action changes a finished clip's row alone. A mark that was made on another recording than the
one that has its names now is reported, and not applied.
"""

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

import pyarrow as pa

from fmdata.catalog.errors import RecordingError, UsageError
from fmdata.catalog.keys import action_key
from fmdata.catalog.printable import printable
from fmdata.catalog.privacy.pseudonyms import redact
from fmdata.catalog.storage.shards import Sample
from fmdata.catalog.types import Dropped, Recording
from fmdata.pipeline.reading.listing.names import spelling_of
from fmdata.pipeline.reading.listing.rows import refused_rows
from fmdata.pipeline.work.digest import Identity
from fmdata.pipeline.work.given import Stored
from fmdata.pipeline.work.job import Job, key_of
from fmdata.pipeline.work.outcome import REJECTED, ReadyClip, drop
from fmdata.pipeline.work.previous import Previous
from fmdata.pipeline.work.review.facts import found_facts, reviewed_facts
from fmdata.pipeline.work.review.override import WANTED, Override, Overrides

_MAX_KEYS = 5  # in a line of the report


@dataclass(frozen=True)
class Mark:
    """An override, with the names that its clip gets."""

    override: Override
    action: str
    take: str


@dataclass(frozen=True)
class Review:
    """The marks of a review, by key of the recording; none without a review."""

    overrides: Overrides | None = None
    marks: Mapping[str, Mark] = field(default_factory=dict)

    @classmethod
    def of(cls, overrides: Overrides, recordings: Sequence[Recording]) -> "Review":
        """Match the rows of a table with the recordings of a build.

        Raises
        ------
        UsageError
            When a row names no recording, or gives a clip the key of another.
        """
        by_key = {key_of(recording): recording for recording in recordings}
        errors = [
            f"line {one.line}: {_unknown(one.key, by_key)}"
            for one in overrides.rows
            if one.key not in by_key
        ]
        subjects = _subjects(recordings)
        rows = [
            _hidden(one, by_key[one.key], subjects) for one in overrides.rows if one.key in by_key
        ]
        marks = {one.override.key: one for one in _named(rows, by_key)}
        errors += _clashes(marks.values(), by_key, subjects)
        review = cls(overrides, marks)
        if errors:
            raise review.refused(errors)
        return review

    def refused(self, errors: Sequence[str]) -> UsageError:
        """Return the error for rows that cannot be applied."""
        assert self.overrides
        todo = "correct these lines; the dataset was left as it is"
        return refused_rows(errors, self.overrides.path, wanted=WANTED, todo=todo)

    def of_job(self, job: Job) -> Mark | None:
        """Return the mark of a job; None without one, or if it was made on another recording."""
        mark = self.marks.get(job.key)
        return None if mark is None or _is_outdated(mark, job) else mark

    def rejected(self, jobs: Iterable[Job]) -> dict[str, Dropped]:
        """Return the records of the rejected recordings that can be read, by digest."""
        found = {}
        for job in jobs:
            mark = self.of_job(job)
            if mark and mark.override.reject and isinstance(job.identity, Identity):
                dropped = drop(
                    job.recording, RecordingError("review", REJECTED, mark.override.note)
                )
                found[job.digest] = replace(dropped, source_sha256=job.identity.source_sha256)
        return found

    def problem_of(self, job: Job, clip: ReadyClip) -> str | None:
        """Return the problem of a mark whose boundaries are not in its clip, or None."""
        mark = self.of_job(job)
        if mark is None or (mark.override.offset or 0) <= clip.n_frames:
            return None
        one = mark.override
        return f"line {one.line}: offset {one.offset} is beyond {one.key} of {clip.n_frames} frames"

    def applied(self, job: Job, clip: ReadyClip) -> tuple[str, ReadyClip]:
        """Return a clip's key and the clip, as table and review want it; pixels are not read."""
        mark, given = self.of_job(job), job.recording.given
        if mark is None and not clip.is_reviewed and clip.stored == Stored.of(given):
            return job.key, clip
        sample = clip.load()
        facts = found_facts(sample, given)
        if mark:
            facts = reviewed_facts(sample, mark.override, mark.action, mark.take, given)
        is_packed = clip.is_packed and facts.equals(sample.facts)
        return facts["key"][0].as_py(), replace(
            clip, load=_Changed(clip, facts), is_packed=is_packed
        )

    def lines(self, jobs: Iterable[Job], dropped: Iterable[Dropped]) -> list[str]:
        """Return the report of the marks: how many were applied, and which were not and why."""
        if self.overrides is None:
            return []
        counts, without_clip = Counter[str](), {one.names for one in dropped}
        outdated, clipless, applied = [], [], 0
        for job in jobs:
            mark = self.marks.get(job.key)
            if mark is None:
                continue
            if _is_outdated(mark, job):
                outdated.append(mark.override)
            elif mark.override.reject and job.digest:
                counts["rejected"] += 1
            elif job.recording.names in without_clip:
                clipless.append(mark.override)
            else:
                counts["boundaries"] += mark.override.onset is not None
                counts["actions"] += mark.action != job.recording.action
                applied += 1
        kinds = ("boundaries", "actions", "rejected")
        found = ", ".join(f"{counts[kind]} of them {kind}" for kind in kinds)
        lines = [f"review: {applied + counts['rejected']} marks applied, {found}"]
        for some, why in (
            (outdated, "made on another recording than there is now, and not applied"),
            (clipless, "of recordings without a clip, and not applied"),
        ):
            if some:
                lines.append(f"{len(some)} marks of the review are {why}: {_listed(some)}")
        return lines


def require_review(review: Review, previous: Previous) -> None:
    """Raise UsageError where a build without a review would undo the one that a dataset has."""
    if review.overrides:
        return
    reviews = [rows["review"] for half in previous.halves for rows in half.tables(["review"])]
    n = sum(len(column) - column.null_count for column in reviews)
    n += sum(dropped.reason == REJECTED for dropped, _ in previous.dropped)
    if n:
        raise UsageError(
            f"a dataset with {n} clips that a review has changed or rejected",
            wanted="the table of the review",
            where=str(previous.out),
            todo="give it with --overrides; a table with its first line alone undoes the review. "
            "The dataset was left as it is",
        )


@dataclass(frozen=True)
class _Changed:
    """Loads the sample of a clip, with another row."""

    clip: ReadyClip
    facts: pa.Table

    def __call__(self) -> Sample:
        return replace(self.clip.load(), facts=self.facts)


def _is_outdated(mark: Mark, job: Job) -> bool:
    """Return whether a mark was made on another recording; False where that is unknown."""
    made_on, now = mark.override.source_sha256, job.identity
    return bool(made_on) and isinstance(now, Identity) and made_on != now.source_sha256


def _hidden(override: Override, recording: Recording, subjects: Set[str]) -> Override:
    """Return an override whose note holds no name that pseudonyms hide."""
    note = override.note
    for name in sorted({*_secrets(recording), *subjects}, key=lambda name: (-len(name), name)):
        note = redact(name, note)
    return replace(override, note=note)


def _secrets(recording: Recording) -> set[str]:
    """Return the names that may not appear; action and take may, where they are stored as such."""
    return set(recording.hidden) - {recording.action, recording.take}


def _subjects(recordings: Iterable[Recording]) -> set[str]:
    """Return the names of all subjects that pseudonyms hide: those all their recordings share."""
    common: dict[str, set[str]] = {}
    for recording in recordings:
        names = _secrets(recording)
        common[recording.subject] = common.get(recording.subject, names) & names
    return set().union(*common.values())


def _named(rows: Sequence[Override], by_key: Mapping[str, Recording]) -> Iterator[Mark]:
    """Yield the marks with the names of their clips.

    An action has the spelling of the subject's other recordings. A clip keeps its take, unless its
    new key is that of another recording or mark: then the recorded action is added to the take.
    """
    known: dict[str, set[str]] = {}
    for recording in by_key.values():
        known.setdefault(recording.subject, set()).add(recording.action)
    actions = {}
    for one in sorted(rows, key=lambda one: (len(one.action), one.action)):
        recording = by_key[one.key]
        of_subject = known[recording.subject]
        name = spelling_of(one.action, of_subject) if one.action else recording.action
        of_subject.add(name)
        actions[one.key] = name
    changed = [
        action_key(by_key[key].subject, action, by_key[key].take)
        for key, action in actions.items()
        if action != by_key[key].action
    ]
    keys = Counter([*by_key, *changed])
    for one in rows:
        recording, action = by_key[one.key], actions[one.key]
        take = recording.take
        key = action_key(recording.subject, action, take)
        if action != recording.action and keys[key] > 1:
            take = f"{take}_{recording.action}"
        yield Mark(one, action, take)


def _clashes(
    marks: Iterable[Mark], by_key: Mapping[str, Recording], subjects: Set[str]
) -> Iterator[str]:
    """Yield an error for each mark that gives a clip the key of another, or a hidden name."""
    used = dict.fromkeys(by_key, "another recording")
    for mark in marks:
        recording = by_key[mark.override.key]
        if mark.action == recording.action:
            continue
        if any(redact(name, mark.action) != mark.action for name in _secrets(recording) | subjects):
            yield f"line {mark.override.line}: the action holds a name that pseudonyms hide"
        key = action_key(recording.subject, mark.action, mark.take)
        if key in used:
            one = mark.override
            yield f"line {one.line}: {one.key} would be {key}, which is {used[key]}"
        used[key] = mark.override.key


def _unknown(key: str, known: Mapping[str, Recording]) -> str:
    near = difflib.get_close_matches(key, list(known), n=1, cutoff=0.8)
    hint = f": did you mean {near[0]}?" if near else ""
    return f"no recording has the key {printable(key)}{hint}"


def _listed(overrides: Sequence[Override]) -> str:
    some = ", ".join(f"{one.key} (line {one.line})" for one in overrides[:_MAX_KEYS])
    return some + (", …" if len(overrides) > _MAX_KEYS else "")
