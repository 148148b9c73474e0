"""Contents of the dataset that a build makes: clips ready for a shard, and dropped recordings.

Promise: every recording is one or the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fmdata.catalog.errors import InputError, InternalError, RecordingError
from fmdata.catalog.keys import fold
from fmdata.catalog.storage.division import Planned
from fmdata.catalog.types import Dropped
from fmdata.pipeline.settings import BuildSettings
from fmdata.pipeline.work.job import Job
from fmdata.pipeline.work.limits.clips import UNSTEADY, drop_beyond
from fmdata.pipeline.work.outcome import REJECTED, Finished, ReadyClip, drop
from fmdata.pipeline.work.previous import Previous
from fmdata.pipeline.work.review.review import Review


@dataclass(frozen=True)
class Contents:
    """Clips and dropped recordings of a build.

    Attributes
    ----------
    clips : dict of Planned to ReadyClip
        The clips, by their place in the shards.
    dropped : list of (Dropped, str)
        Dropped recordings with their digests, sorted by subject, action and take.
    """

    clips: dict[Planned, ReadyClip]
    dropped: list[tuple[Dropped, str]]

    @property
    def packed(self) -> set[str]:
        """Keys of the clips that an intact shard holds already."""
        return {plan.key for plan, clip in self.clips.items() if clip.is_packed}

    @property
    def is_packed(self) -> bool:
        """True where intact shards of the dataset hold every clip already."""
        return all(clip.is_packed for clip in self.clips.values())

    @property
    def n_recordings(self) -> int:
        """Number of recordings."""
        return len(self.clips) + len(self.dropped)


def merge(
    jobs: Sequence[Job],
    done: Mapping[str, Finished],
    previous: Previous,
    settings: BuildSettings,
    review: Review,
) -> Contents:
    """Merge finished work, and all that a retry leaves as it is, into the contents of a dataset.

    `done` holds the finished work of the jobs, by digest; `review` is applied to it.

    Raises
    ------
    UsageError
        When the review gives boundaries that are not in their clips.
    InputError
        When errors alone would leave a dataset without any clip.
    InternalError
        When a recording is lost on the way.
    """
    clips, dropped = previous.kept(jobs)
    n_in = len(clips) + len(dropped) + len(jobs)
    problems = []
    for job in jobs:
        found = _finished_job(job, done, settings)
        if isinstance(found, Dropped):
            dropped.append((found, job.digest))
            continue
        if problem := review.problem_of(job, found):
            problems.append(problem)
            continue
        subject = job.recording.subject
        key, clip = review.applied(job, found)
        clips[Planned(fold(subject, settings.seed), subject, key, clip.n_bytes)] = clip
    if problems:
        raise review.refused(problems)
    contents = Contents(clips, sorted(dropped, key=lambda row: row[0].names[1:]))
    _require_all(contents, n_in)
    _require_a_clip(contents, previous.out, len(previous.subjects))
    return contents


def _require_all(contents: Contents, n_in: int) -> None:
    """Raise InternalError when some of the recordings are neither clips nor dropped."""
    if contents.n_recordings != n_in:
        n_clips, n_dropped = len(contents.clips), len(contents.dropped)
        raise InternalError(
            f"{n_in} recordings, of which {n_clips} became clips and {n_dropped} dropped",
            wanted="each recording a clip or dropped",
            where="build",
        )


def _finished_job(job: Job, done: Mapping[str, Finished], settings: BuildSettings) -> Finished:
    """Return a job's clip, or the record of its dropped recording."""
    if isinstance(job.identity, RecordingError):
        return drop(job.recording, job.identity, job.attempts + 1)
    found = done[job.digest]
    return drop_beyond(job.recording, found, settings) or found


def _require_a_clip(contents: Contents, out: Path, n_before: int) -> None:
    """Raise InputError when errors alone would leave a dataset without any clip.

    A limit set by the user, or a review, may well leave none.
    """
    wishes = (UNSTEADY, REJECTED)
    errors = [dropped for dropped, _ in contents.dropped if dropped.reason not in wishes]
    if n_before and errors and not contents.clips:
        first = errors[0]
        raise InputError(
            f"{len(contents.dropped)} recordings of which none became a clip; of "
            f"{first.source}: {first.stage}, {first.reason}: {first.detail}",
            wanted=f"a clip at least, where there are {n_before} now",
            where=str(out),
            todo="correct that, or name another folder with --out; the dataset was left as it is",
        )
