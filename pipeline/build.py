"""A build, raw to D1: discover, digest, resume, process, merge, publish.

Promise: recordings in = clips + dropped recordings. Finished work, in an unfinished run or in the
dataset, is recognised by its digest and not done again.
"""

import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pyarrow.compute as pc

from fmdata.catalog.clip import ActionClip
from fmdata.catalog.clips import Clips
from fmdata.catalog.dataset import Dataset
from fmdata.catalog.errors import RecordingError, UsageError
from fmdata.catalog.health.persons import COLUMNS, other_persons
from fmdata.catalog.privacy.pseudonyms import Names, Pseudonyms
from fmdata.catalog.progress import SILENT, Progress
from fmdata.catalog.storage.card import Card
from fmdata.catalog.types import Dropped
from fmdata.pipeline.engine.remote.site import site_of
from fmdata.pipeline.engine.run import digest_all, run
from fmdata.pipeline.engine.sessions.every import every_motion
from fmdata.pipeline.landmarks.backends import prepare
from fmdata.pipeline.reading.discover import discover
from fmdata.pipeline.reading.listing.found import Found
from fmdata.pipeline.reading.listing.understood import understood
from fmdata.pipeline.reading.pseudonymous import pseudonymous
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.pipeline.work.built import Built
from fmdata.pipeline.work.job import Job, refused_job
from fmdata.pipeline.work.known.files import KnownFiles
from fmdata.pipeline.work.limits.keep import Keep
from fmdata.pipeline.work.merge import merge
from fmdata.pipeline.work.outcome import Finished, drop, finished
from fmdata.pipeline.work.previous import RECORDED, Previous, recorded_key
from fmdata.pipeline.work.publish import publish
from fmdata.pipeline.work.repeated import repeated
from fmdata.pipeline.work.review.override import Overrides
from fmdata.pipeline.work.review.review import Review, require_review
from fmdata.pipeline.work.site import Site, Units


def build(
    raw: Path | str,
    out: Path | str,
    settings: BuildSettings,
    how: RunSettings = RunSettings(),
    *,
    table: Path | None = None,
    pseudonyms: Pseudonyms | None = None,
    overrides: Overrides | None = None,
    progress: Progress = SILENT,
) -> Built:
    """Build the dataset of single actions in `out`, or bring it up to date.

    Parameters
    ----------
    raw, out : Path or str
        Folder of recordings, and of the dataset; or their fsspec URLs.
    table : Path, optional
        Table of the recordings, for layouts other than ``<subject>/<action>/<take>``.
    pseudonyms, overrides : optional
        Turn subjects' names into keyed digests; marks of a review.

    Raises
    ------
    UsageError
        When `out` holds other files, or a dataset made with other settings, or a review that would
        be lost; when a mark fits no recording; when there is nothing to retry; and as `discover`.
    InputError
        When there is no recording in `raw`, two subjects have the same file, or errors would leave
        none of a dataset's clips.
    ModelError
        When the landmark network's weights are missing, or its device is.
    """
    with site_of(raw, out, how) as site:
        found = discover(site.raw, table, follow_links=how.follow_links)
        named = pseudonymous(found, pseudonyms) if pseudonyms else found
        settings = _checked(settings, found, named)
        with site.change():
            built = _build(named, overrides, _sources(found, named), site, settings, how, progress)
    return replace(built, out=out, understood=understood(found.recordings))


def _checked(settings: BuildSettings, found: Found, named: Found) -> BuildSettings:
    """Return settings that say whether names are pseudonyms.

    Raises
    ------
    UsageError
        For an expression of ``--keep`` that cannot be read, or holds a name that is hidden.
    """
    settings, keep = replace(settings, pseudonyms=named is not found), settings.keep
    if keep is None:
        return settings
    Keep.of(keep, named.labels)
    names = Names(one.subject for one in found.recordings)
    if settings.pseudonyms and names.redacted(keep) != keep:
        raise UsageError(
            "an expression that holds the name of a subject",
            wanted="one without names, beside --pseudonyms: the dataset stores it",
            where="--keep",
            todo="write the subject's pseudonym, as in the dataset",
        )
    return settings


def _sources(found: Found, named: Found) -> dict[str, str]:
    """Return the sources as found, by the sources as named in the dataset."""
    paths = {recording.path: recording.source for recording in found.everything}
    return {recording.source: paths[recording.path] for recording in named.everything}


def _refused(found: Found, *, retry: bool) -> dict[Job, RecordingError]:
    """Return the jobs of refused files; none in a retry, which leaves them as they are."""
    return {refused_job(one): one.error for one in found.refused if not retry}


def _build(
    found: Found, overrides: Overrides | None, sources: dict[str, str], site: Site,
    settings: BuildSettings, how: RunSettings, progress: Progress,
) -> Built:  # fmt: skip
    units, retry = site.units, how.retry_dropped
    known, previous = _before(site, settings, how, found)
    found = every_motion(found, previous, settings, how, known, units, progress)
    review = Review.of(overrides, found.recordings) if overrides else Review()
    require_review(review, previous)
    selected = previous.select(found.recordings, prune=how.prune)
    jobs = previous.recall(digest_all(selected, settings, progress, known, units.source))
    known.save(all_seen=not retry)
    same = repeated(jobs, sources, previous.dataset if retry else None, settings.person)
    todo, done = previous.divide(jobs, units, review.rejected(jobs))
    progress.start("build", len(jobs), "recordings", len(jobs) - len(todo))
    seconds, frames = _process(todo, done, settings, units, how, progress)
    refused = _refused(found, retry=retry)
    done |= {job.digest: drop(job.recording, error) for job, error in refused.items()}
    every = [*jobs, *refused]
    card, dropped = _published(every, done, settings, site, previous, review, found.table)
    site.keep_dataset(known, card)
    known.save(all_seen=not retry)
    counted = _counted(Dataset(site.out).actions, previous)
    return Built(
        out=site.out,
        card=card,
        dropped=dropped,
        reused=sum(bool(job.digest) for job in jobs) - len(todo),
        removed=counted.removed,
        frames=frames,
        seconds=seconds,
        motionless=counted.motionless,
        several=counted.several,
        others=counted.others,
        unread=[job.key for job in jobs if job.stands_in],
        repeated=same,
        sources=sources,
        review=[] if retry else review.lines(jobs, dropped),
        notes=found.notes,
    )


def _before(
    site: Site, settings: BuildSettings, how: RunSettings, found: Found
) -> tuple[KnownFiles, Previous]:
    """Return the files that are known, and the state of the last build."""
    known = site.known(rehash=how.rehash)
    previous = Previous.read(site.out, settings, known, found.labels, retry=how.retry_dropped)
    site.opened(previous.halves)
    return known, previous


def _process(
    todo: list[Job], done: dict[str, Finished], settings: BuildSettings,
    units: Units, how: RunSettings, progress: Progress,
) -> tuple[float, int]:  # fmt: skip
    """Process the jobs, and add their results to `done`; return the seconds, and the frames."""
    if todo and how.scheduler is None:
        prepare(settings.landmarks, how.model, settings.device)
    began_s = time.monotonic()
    outcomes = run(todo, settings, units, how, progress)
    seconds = time.monotonic() - began_s
    for job, outcome in zip(todo, outcomes, strict=True):
        done[job.digest] = finished(outcome, units.unit(job.digest), job.attempts)
    return seconds, sum(outcome.n_frames for outcome in outcomes)


def _published(
    jobs: list[Job], done: dict[str, Finished], settings: BuildSettings, site: Site,
    previous: Previous, review: Review, table: Path | None,
) -> tuple[Card, list[Dropped]]:  # fmt: skip
    """Publish the contents of the dataset, if it does not hold them already."""
    contents = merge(jobs, done, previous, settings, review, table)
    dropped = [dropped for dropped, _ in contents.dropped]
    is_current = previous.is_current(jobs, settings, review.rejected(jobs))
    if previous.dataset and is_current and contents.is_packed:
        return previous.dataset.card, dropped
    return publish(site, settings, contents, previous), dropped


class _Counts(NamedTuple):
    """Keys of clips without a motion, with several, of another person; number of clips gone."""

    motionless: list[str]
    several: list[str]
    others: list[str]
    removed: int


def _counted(actions: Clips[ActionClip], previous: Previous) -> _Counts:
    """Count the clips of a dataset; of several motions one is taken, unless it is given."""
    motionless, several, gone = list[str](), list[str](), set(previous.subjects)
    for table in actions.tables(["key", *RECORDED, "onset", "motion_from", "motions"]):
        counts = pc.list_value_length(table["motions"])
        rows = table.drop_columns(["motions"]).append_column("n_motions", counts).to_pylist()
        gone -= {recorded_key(row) for row in rows}
        motionless += [row["key"] for row in rows if row["onset"] is None]
        spotted = (row for row in rows if row["motion_from"] == "spotted")
        several += [row["key"] for row in spotted if row["n_motions"] > 1]
    _, others = other_persons(actions.tables(COLUMNS))
    return _Counts(motionless, several, list(others.keys()), len(gone))
