"""Contents of the dataset that a build makes: clips ready for a shard, and dropped recordings.

Promise: every recording is one or the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fmdata.catalog.errors import InputError, InternalError, RecordingError
from fmdata.catalog.keys import fold
from fmdata.catalog.printable import printable
from fmdata.catalog.storage.card import ACTIONS, LEFT_OUT
from fmdata.catalog.storage.division import Planned
from fmdata.catalog.types import Dropped
from fmdata.pipeline.reading.listing.rows import refused_rows
from fmdata.pipeline.settings import BuildSettings
from fmdata.pipeline.work.job import Job
from fmdata.pipeline.work.limits.clips import UNSTEADY, drop_beyond
from fmdata.pipeline.work.limits.keep import NOT_KEPT, Keep
from fmdata.pipeline.work.outcome import REJECTED, Finished, ReadyClip, drop
from fmdata.pipeline.work.previous import Previous
from fmdata.pipeline.work.review.facts import given_bounds
from fmdata.pipeline.work.review.review import Review


@dataclass(frozen=True)
class Contents:
    """Clips and dropped recordings of a build.

    Attributes
    ----------
    clips : dict of Planned to ReadyClip
        The clips, by their place in the shards.
    left_out : dict of Planned to ReadyClip
        The clips that ``--keep`` leaves out, by their place in shards of their own.
    dropped : list of (Dropped, str)
        Dropped recordings with their digests, sorted by subject, action and take; those of the
        clips left out too.
    """

    clips: dict[Planned, ReadyClip]
    left_out: dict[Planned, ReadyClip]
    dropped: list[tuple[Dropped, str]]

    @property
    def is_packed(self) -> bool:
        """True where intact shards of the dataset hold every clip already."""
        return all(one.is_packed for half in (self.clips, self.left_out) for one in half.values())

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
    table: Path | None = None,
) -> Contents:
    """Merge finished work, and all that a retry leaves as it is, into the contents of a dataset.

    `done` holds the finished work of the jobs, by digest; to it are applied what a `table` gives,
    the `review`, and then the expression by which clips are kept.

    Raises
    ------
    UsageError
        When table or review give boundaries that are not in their clips.
    InputError
        When errors alone would leave a dataset without any clip.
    InternalError
        When a recording is lost on the way.
    """
    merging = _Merging(previous, settings, review, jobs)
    n_in = len(merging.contents.clips) + len(merging.contents.dropped) + len(jobs)
    for job in jobs:
        merging.add(job, _finished_job(job, done, settings))
    merging.require_valid(table)
    contents = merging.contents
    contents.dropped.sort(key=lambda row: row[0].names[1:])
    _require_all(contents, n_in)
    _require_a_clip(contents, previous.out, len(previous.subjects))
    return contents


class _Merging:
    """Contents that grow by one job at a time, and the rows of tables that fit no clip."""

    def __init__(
        self, previous: Previous, settings: BuildSettings, review: Review, jobs: Sequence[Job]
    ) -> None:
        kept, dropped = previous.kept(jobs)
        halves: dict[str, dict[Planned, ReadyClip]] = {ACTIONS: {}, LEFT_OUT: {}}
        for place, clip in kept.items():
            halves[clip.half][place] = clip
        self.contents = Contents(halves[ACTIONS], halves[LEFT_OUT], dropped)
        self._halves, self._review, self._seed = halves, review, settings.seed
        self._keep = Keep.of(settings.keep, previous.labels) if settings.keep else None
        self._left_out = previous.left_out(self._keep) if self._keep else {}
        self._problems_of_table: list[str] = []
        self._problems_of_review: list[str] = []

    def add(self, job: Job, found: Finished) -> None:
        """Add the clip of a job, or the record of its dropped recording."""
        if isinstance(found, Dropped):
            self.contents.dropped.append((found, job.digest))
            return
        if problem := _problem_of_times(job, found):
            self._problems_of_table.append(problem)
        elif problem := self._review.problem_of(job, found):
            self._problems_of_review.append(problem)
        else:
            self._add_clip(job, *self._review.applied(job, found))

    def _add_clip(self, job: Job, key: str, clip: ReadyClip) -> None:
        detail, half = self._detail(key, clip), ACTIONS
        if self._keep and detail is not None:
            half, error = LEFT_OUT, self._keep.error(detail)
            self.contents.dropped.append((drop(job.recording, error), job.digest))
        if clip.half != half:
            clip = replace(clip, half=half, is_packed=False)
        subject = job.recording.subject
        place = Planned(fold(subject, self._seed), subject, key, clip.n_bytes)
        self._halves[half][place] = clip

    def _detail(self, key: str, clip: ReadyClip) -> str | None:
        """Return in words why a clip is left out, or None; rows in shards were judged before."""
        if self._keep is None or clip.is_packed:
            return self._left_out.get(key)
        return next((detail for _, detail in self._keep.left_out(clip.load().facts)), None)

    def require_valid(self, table: Path | None) -> None:
        """Raise UsageError when a table or a review gives boundaries that are not in a clip."""
        if self._problems_of_table:
            raise refused_rows(
                self._problems_of_table,
                table or Path(),
                wanted="boundaries inside the recording: onset <= apex < offset, where frames "
                "count from 0 at the first frame of the file, and offset is the first frame after",
                todo="correct these lines and build again: finished work is kept, and the dataset "
                "was left as it is",
            )
        if self._problems_of_review:
            raise self._review.refused(self._problems_of_review)


def _problem_of_times(job: Job, clip: ReadyClip) -> str | None:
    """Return the problem of boundaries that a table gives and that are not in their clip."""
    given = job.recording.given
    if given is None or clip.stored.times == given.spelt_times:
        return None
    try:
        given_bounds(clip.load(), given)
    except ValueError as error:
        return f"line {given.line}: {error} ({printable(job.recording.source)})"
    return None


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
    wishes = (UNSTEADY, REJECTED, NOT_KEPT)
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
