"""Recordings of the same bytes within a build: reported, and an error for one file of two subjects.

Promise: no build publishes one file as two subjects, whose folds may be on both sides of a split.
A copy under another subject is only reported, because two people may share a file by intent, such
as a neutral recording or a test picture.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import suppress

from fmdata.catalog.dataset import Dataset
from fmdata.catalog.errors import InputError, RecordingError
from fmdata.catalog.printable import printable
from fmdata.catalog.verify.duplicates import COLUMNS, Use, duplicates, n_subjects
from fmdata.pipeline.reading.decode import nominal_rate
from fmdata.pipeline.work.digest import Identity
from fmdata.pipeline.work.job import Job

_MAX_LISTED = 20


def repeated(
    jobs: Sequence[Job], shown: Mapping[str, str], kept: Dataset | None, person: str
) -> list[list[str]]:
    """Return the groups of recordings that have the same bytes in one span, as a user knows them.

    Parameters
    ----------
    jobs : sequence of Job
        The recordings of this build.
    shown : mapping
        Their paths below the raw folder, by source.
    kept : Dataset or None
        A dataset whose clips stay beside them.
    person : str
        Whom to follow where a recording does not say.

    Raises
    ------
    InputError
        When two subjects are one file, by two rows of a table or by a link, and it can be opened.
    """
    here = {job.key: job for job in jobs if isinstance(job.identity, Identity)}
    uses = [_use(job, person) for job in here.values()]
    groups = duplicates([*uses, *_uses_of(kept, here.keys())])
    labels = _labels(here, shown)
    named = [[labels.get(use.name, use.name) for use in group] for group in groups]
    shared = [
        (group, names)
        for group, names in zip(groups, named, strict=True)
        if _is_one_file([here[use.name] for use in group if use.name in here])
    ]
    if shared:
        raise _shared_error(shared)
    several = {True: "of two subjects: ", False: ""}
    return [
        [several[n_subjects(group) > 1] + names[0], *names[1:]]
        for group, names in zip(groups, named, strict=True)
    ]


def _shared_error(shared: Sequence[tuple[Sequence[Use], Sequence[str]]]) -> InputError:
    """Return the error for groups of uses, and their names, of one file under two subjects."""
    some = [_listed(group, names) for group, names in shared[:_MAX_LISTED]]
    more = [f"and {len(shared) - _MAX_LISTED} more"] if len(shared) > _MAX_LISTED else []
    return InputError(
        "\n  ".join(["one file under two subjects:", *some, *more]),
        wanted="each recording under one subject, since subjects divide the data into training "
        "and validation",
        where="the folder or table of recordings",
        todo="remove all but one of them, name one subject for all, or say in a column `person` of "
        "a table whom each row follows; nothing was built",
    )


def _is_one_file(jobs: Sequence[Job]) -> bool:
    """Return whether two subjects have one file, under one path or two, that can be opened."""
    subjects: dict[tuple[int, int], set[str]] = defaultdict(set)
    for job in jobs:
        with suppress(OSError):  # it became unreadable, and is dropped later
            state = job.recording.path.stat()
            subjects[state.st_dev, state.st_ino].add(job.recording.subject)
    return max(map(len, subjects.values()), default=0) > 1 and any(map(_opens, jobs))


def _use(job: Job, person: str) -> Use:
    assert isinstance(job.identity, Identity)
    one, content = job.recording, job.identity.source_sha256
    return Use(content, one.subject, job.key, one.start_s, one.stop_s, one.person or person)


def _uses_of(dataset: Dataset | None, keys: Set[str]) -> Iterator[Use]:
    """Yield the uses of a dataset's clips but for some keys."""
    for row in dataset.actions.table(COLUMNS).to_pylist() if dataset else []:
        if row["key"] not in keys:
            yield Use.of_row(row)


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


def _opens(job: Job) -> bool:
    """Return whether a recording can be opened; damaged files are dropped later, one by one.

    One at a URL is taken for whole: no more than its content is known here.
    """
    if isinstance(job.identity, Identity) and not job.identity.state:
        return True
    try:
        nominal_rate(job.recording)
    except RecordingError:
        return False
    return True
