"""Recordings of the same bytes within a build: a note, or for two subjects an error.

Promise: no build publishes one file as two subjects, whose folds may be on both sides of a split.
"""

from collections.abc import Iterable, Mapping, Sequence

from fmdata.catalog.dataset import Dataset
from fmdata.catalog.duplicates import Use, duplicates, n_subjects
from fmdata.catalog.errors import InputError, RecordingError
from fmdata.catalog.printable import printable
from fmdata.pipeline.reading.decode import nominal_rate
from fmdata.pipeline.work.digest import Identity
from fmdata.pipeline.work.job import Job

_MAX_LISTED = 20


def repeated(
    jobs: Sequence[Job], shown: Mapping[str, str], kept: Dataset | None = None
) -> list[list[str]]:
    """Return the groups of recordings that have the same bytes in one span, as a user knows them.

    Parameters
    ----------
    jobs : sequence of Job
        The recordings of this build.
    shown : mapping
        Their paths below the raw folder, by source.
    kept : Dataset, optional
        A dataset whose clips stay beside them.

    Raises
    ------
    InputError
        When two subjects have the same bytes, and these are a video or images that can be opened.
    """
    uses = {_use(job, shown): job for job in jobs if isinstance(job.identity, Identity)}
    groups = duplicates([*uses, *_uses_of(kept, {use.name for use in uses})])
    shared = [g for g in groups if n_subjects(g) > 1 and any(_opens(uses.get(u)) for u in g)]
    if shared:
        some = [" and ".join(_who(use) for use in group) for group in shared[:_MAX_LISTED]]
        more = [f"and {len(shared) - _MAX_LISTED} more"] if len(shared) > _MAX_LISTED else []
        raise InputError(
            "\n  ".join(["the same bytes under two subjects:", *some, *more]),
            wanted="each recording under one subject, since subjects divide the data into training "
            "and validation",
            where="the folder or table of recordings",
            todo="remove all but one of them, or name one subject for all; nothing was built",
        )
    return [[use.name for use in group] for group in groups]


def _use(job: Job, shown: Mapping[str, str]) -> Use:
    assert isinstance(job.identity, Identity)
    recording = job.recording
    source = shown.get(recording.source, recording.source)
    return Use(
        job.identity.source_sha256,
        recording.subject,
        _name(source, recording.take, recording.start_s, recording.stop_s),
        recording.start_s,
        recording.stop_s,
    )


def _uses_of(dataset: Dataset | None, names: set[str]) -> Iterable[Use]:
    """Return the uses of a dataset's clips that are not of the recordings named."""
    if dataset is None:
        return []
    columns = ["source", "take", "source_sha256", "subject", "start", "stop"]
    rows = dataset.actions.table(columns).to_pylist()
    uses = (
        Use(
            row["source_sha256"],
            row["subject"],
            _name(row["source"], row["take"], row["start"], row["stop"]),
            row["start"],
            row["stop"],
        )
        for row in rows
    )
    return [use for use in uses if use.name not in names]


def _name(source: str, take: str, start_s: float | None, stop_s: float | None) -> str:
    """Return a recording's source, and its take where a file may have several."""
    return source if start_s is None and stop_s is None else f"{source} (take {take})"


def _who(use: Use) -> str:
    return printable(f"{use.name} ({use.subject})")


def _opens(job: Job | None) -> bool:
    """Return whether a recording can be opened; damaged files are dropped later, one by one."""
    if job is None:
        return True
    try:
        nominal_rate(job.recording)
    except RecordingError:
        return False
    return True
