"""Recordings of the same bytes within a build: a note, or for two subjects an error.

Promise: no build publishes one file as two subjects, whose folds may be on both sides of a split.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set

from fmdata.catalog.dataset import Dataset
from fmdata.catalog.errors import InputError, RecordingError
from fmdata.catalog.printable import printable
from fmdata.catalog.verify.duplicates import Use, duplicates, n_subjects
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
    here = {job.key: job for job in jobs if isinstance(job.identity, Identity)}
    uses = [_use(job) for job in here.values()]
    groups = duplicates([*uses, *_uses_of(kept, here.keys())])
    labels = _labels(here, shown)
    named = [[labels.get(use.name, use.name) for use in group] for group in groups]
    shared = [
        (group, names)
        for group, names in zip(groups, named, strict=True)
        if n_subjects(group) > 1 and any(_opens(here.get(use.name)) for use in group)
    ]
    if shared:
        some = [_listed(group, names) for group, names in shared[:_MAX_LISTED]]
        more = [f"and {len(shared) - _MAX_LISTED} more"] if len(shared) > _MAX_LISTED else []
        raise InputError(
            "\n  ".join(["the same bytes under two subjects:", *some, *more]),
            wanted="each recording under one subject, since subjects divide the data into training "
            "and validation",
            where="the folder or table of recordings",
            todo="remove all but one of them, or name one subject for all; nothing was built",
        )
    return named


def _use(job: Job) -> Use:
    assert isinstance(job.identity, Identity)
    one = job.recording
    return Use(job.identity.source_sha256, one.subject, job.key, one.start_s, one.stop_s)


def _uses_of(dataset: Dataset | None, keys: Set[str]) -> Iterator[Use]:
    """Yield the uses of a dataset's clips but for some keys."""
    columns = ["key", "source_sha256", "subject", "start", "stop"]
    for row in dataset.actions.table(columns).to_pylist() if dataset else []:
        if row["key"] not in keys:
            names = row["source_sha256"], row["subject"], row["key"]
            yield Use(*names, row["start"], row["stop"])


def _labels(jobs: Mapping[str, Job], shown: Mapping[str, str]) -> dict[str, str]:
    """Return the path of each recording, by key; where a file has several, their names too."""
    n_uses = Counter(job.recording.source for job in jobs.values())
    labels = {}
    for key, job in jobs.items():
        one = job.recording
        path = shown.get(one.source, one.source)
        names = f" ({one.subject} {one.action} {one.take})" if n_uses[one.source] > 1 else ""
        labels[key] = path + names
    return labels


def _listed(group: Sequence[Use], names: Sequence[str]) -> str:
    """Return the recordings of a group, each with its subject, in one line."""
    return " and ".join(
        printable(f"{name} ({use.subject})") for use, name in zip(group, names, strict=True)
    )


def _opens(job: Job | None) -> bool:
    """Return whether a recording can be opened; damaged files are dropped later, one by one."""
    if job is None:
        return True
    try:
        nominal_rate(job.recording)
    except RecordingError:
        return False
    return True
