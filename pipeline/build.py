"""raw → D1: find the recordings, have each made into a unit, and pack the units into shards.

Promise: recordings in = clips + dropped. Work that is done, in an unfinished run or in the dataset
that is already there, is recognised by its digest and not done again.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from fmdata.catalog.dataset import Dataset
from fmdata.catalog.errors import RecordingError
from fmdata.catalog.privacy.pseudonyms import Pseudonyms
from fmdata.catalog.storage import card as card_file
from fmdata.catalog.storage.card import Card
from fmdata.catalog.storage.lock import WORK
from fmdata.catalog.storage.pack import change
from fmdata.catalog.types import Dropped, Recording
from fmdata.pipeline.engine.graph import identify_all, run
from fmdata.pipeline.landmarks.weights import find
from fmdata.pipeline.reading.discover import discover
from fmdata.pipeline.reading.pseudonymous import pseudonymous
from fmdata.pipeline.settings import TIME_LIMIT_S, BuildSettings, RunSettings
from fmdata.pipeline.work.merge import finished, gather, key_of, require_some_left
from fmdata.pipeline.work.outcome import Outcome
from fmdata.pipeline.work.previous import (
    FinishedClip,
    Tries,
    attempts_before,
    check_place,
    dataset_at,
    finished_work,
    require_same_recordings,
    standing_in,
)
from fmdata.pipeline.work.publish import publish
from fmdata.pipeline.work.retry import Kept, divide
from fmdata.pipeline.work.unit import done_before


class Progress(Protocol):
    """Told of a build as it goes on."""

    def read(self, done: int, recordings: int) -> None:
        """So many of the recordings have been read, to see which need work."""

    def started(self, recordings: int, done: int) -> None:
        """There are so many recordings, and so many of them need no work."""

    def outcome(self, outcome: Outcome) -> None:
        """One more recording is through."""


@dataclass(frozen=True)
class Built:
    """What a build has come to.

    Attributes
    ----------
    card : Card
        The dataset's card.
    dropped : list of Dropped
        Recordings left out, in the order of the recordings.
    reused : int
        Recordings whose work was already done.
    gone : int
        Clips of an earlier build that are no longer in the dataset.
    frames : int
        Frames of the clips made in this run.
    motionless : list of str
        Keys of the clips in which no motion was found.
    unread : list of str
        Keys of the clips that stay although their recordings could not be read just now.
    sources : dict of str to str
        Where the recordings lie below the raw folder, by source in the dataset; the two differ
        only with pseudonyms.
    """

    card: Card
    dropped: list[Dropped]
    reused: int
    gone: int
    frames: int
    motionless: list[str]
    unread: list[str]
    sources: dict[str, str]


def build(
    raw: Path,
    out: Path,
    settings: BuildSettings,
    *,
    table: Path | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    model: Path | None = None,
    pseudonyms: Pseudonyms | None = None,
    time_limit_s: float = TIME_LIMIT_S,
    retry_dropped: bool = False,
    follow_links: bool = False,
    progress: Progress | None = None,
) -> Built:
    """Build the dataset of single actions, or bring it up to date.

    Parameters
    ----------
    raw : Path
        Folder of recordings.
    out : Path
        Folder of the dataset; made if it is not there.
    settings : BuildSettings
        How to build.
    table : Path, optional
        Table of the recordings, for layouts other than ``<subject>/<action>/<take>``.
    workers : int, optional
        Number of processes at work; by default one a core. With 0 the work is done in this
        process, for finding faults: what kills or hangs it then ends the run.
    scheduler : str, optional
        Address of a running Dask scheduler to use instead.
    model : Path, optional
        File of the landmark network's weights, or their folder.
    pseudonyms : Pseudonyms, optional
        Turns the subjects' names into what the dataset is to know them by.
    time_limit_s : float
        What a recording may take for any hundred of its frames, in seconds.
    retry_dropped : bool
        Try again what the last build has dropped, and leave all else as it is.
    follow_links : bool
        Follow links that lead out of `raw`.
    progress : Progress, optional
        Told how it goes.

    Raises
    ------
    UsageError
        When `out` holds something else, or a dataset made with other settings; when there is
        nothing to try again in; and as
        :func:`fmdata.pipeline.reading.discover.discover` does.
    InputError
        When there is no recording in `raw`.
    ModelError
        When the landmark network's weights cannot be had.
    """
    how = RunSettings(workers, scheduler, model, time_limit_s)
    recordings = found = discover(raw, table, follow_links=follow_links)
    if pseudonyms:
        recordings = pseudonymous(found, pseudonyms)
    settings = replace(settings, pseudonyms=pseudonyms is not None)
    check_place(out)
    with change(out):
        built = _build(recordings, out, settings, how, retry_dropped, progress)
    names = {recording.path: recording.source for recording in found}
    return replace(built, sources={r.source: names[r.path] for r in recordings})


def _build(
    recordings: list[Recording],
    out: Path,
    settings: BuildSettings,
    how: RunSettings,
    retry_dropped: bool,
    progress: Progress | None,
) -> Built:
    work = out / WORK
    before = dataset_at(out, settings)
    there: dict[str, FinishedClip | Dropped] = {}
    keys_before: list[str] = []
    kept = Kept({}, [])
    tries = attempts_before(before) if before else Tries({}, {})
    if retry_dropped:
        recordings, kept = divide(out, before, recordings, settings)
    elif before:
        intact = before.intact_actions()
        keys_before = intact.keys
        require_same_recordings(out, keys_before, {key_of(recording) for recording in recordings})
        there = finished_work(before, intact, settings.max_pose_range)
    identities = read = identify_all(recordings, settings, *([progress.read] if progress else []))
    if before:
        identities = standing_in(recordings, read, before.intact_actions(), there.keys())
    done = dict(there)
    jobs, reused = [], 0
    for recording, who in zip(recordings, identities, strict=True):
        if isinstance(who, RecordingError):
            continue
        tried = tries.of_digest.get(who.digest, 0)
        if who.digest not in done and (outcome := done_before(work / who.digest, retry_dropped)):
            done[who.digest] = finished(outcome, work, tried)
        if who.digest in done:
            reused += 1
        else:
            jobs.append((recording, who))
    if progress:
        progress.started(len(recordings), len(recordings) - len(jobs))
    if jobs and how.scheduler is None:
        find(settings.landmarks, how.model)  # once, before many processes look for the same files
    on_outcome = progress.outcome if progress else lambda _: None
    outcomes = run(jobs, settings, work, how, on_outcome)
    for outcome in outcomes:
        done[outcome.digest] = finished(outcome, work, tries.of_digest.get(outcome.digest, 0))
    gathered = gather(recordings, identities, done, kept, settings, tries.unread)
    require_some_left(out, keys_before, gathered)
    unchanged = (
        before is not None
        and not retry_dropped
        and before.card.actions.settings == settings.to_json()
        and set(there) == {getattr(who, "digest", None) for who in identities}
        and before.card.dropped_file.hold_for(out / card_file.DROPPED)
    )
    card = before.card if before and unchanged else publish(out, settings, gathered, before)
    after = Dataset(out)
    return Built(
        card=card,
        dropped=[left_out for left_out, _ in gathered.dropped],
        reused=reused,
        gone=len(set(keys_before) - set(after.actions.keys)),
        frames=sum(outcome.n_frames for outcome in outcomes),
        motionless=[clip.key for clip in after.actions if clip.motion is None],
        unread=[
            key_of(recording)
            for recording, found, who in zip(recordings, read, identities, strict=True)
            if found is not who
        ],
        sources={},
    )
