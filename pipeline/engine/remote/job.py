"""One recording whose file, or whose unit, is at a URL: fetched, processed, sent and removed.

Pixels are on the worker's own disk alone, and only while it works on them. Its small files (the
row of the clip, the record of its files) travel with the outcome.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from fmdata.catalog.errors import RecordingError
from fmdata.catalog.remote.lease import require_held
from fmdata.catalog.remote.store import store_at
from fmdata.catalog.remote.work import RECORD, UNITS, send_folder
from fmdata.catalog.storage.files import atomic_folder
from fmdata.catalog.storage.work import Unit
from fmdata.pipeline.engine.remote.outlined import SMALL
from fmdata.pipeline.engine.remote.raw import fetch_recording
from fmdata.pipeline.engine.remote.scratch import scratch
from fmdata.pipeline.work.digest import Identity
from fmdata.pipeline.work.job import Job
from fmdata.pipeline.work.outcome import Outcome, drop, read_outcome
from fmdata.pipeline.work.site import Ends, content_of

_FETCHED, _MADE = "raw", "work"


@dataclass(frozen=True)
class Delivered:
    """The outcome of a recording whose unit is at a URL, and the unit's small files by name."""

    outcome: Outcome
    files: dict[str, bytes]

    def keep(self, units: Path) -> Outcome:
        """Write the small files into a folder of units; return the outcome."""
        with atomic_folder(units / self.outcome.digest) as folder:
            for name, data in self.files.items():
                (folder / name).write_bytes(data)
        return self.outcome


def process_at_ends(
    ends: Ends, job: Job, names: tuple[str, ...], work: Path, run: Callable[[Job, Path], Outcome]
) -> Outcome | Delivered:
    """Process a recording, with its files in a folder of this process's own.

    Parameters
    ----------
    ends : Ends
        The URLs.
    job, names : Job, tuple of str
        As :meth:`Ends.travelling` returns them.
    work : Path
        Folder of the units, where the dataset is at no URL.
    run : callable
        Makes the unit of a job in a folder.

    Raises
    ------
    DatasetError
        When a place cannot be reached.
    UsageError
        When another command has begun to write to the dataset.
    """
    with scratch() as folder:
        made = folder / _MADE if ends.out else work
        made.mkdir(parents=True, exist_ok=True)
        here = job
        if ends.raw:
            fetched = _fetched(ends.raw, job, names, folder / _FETCHED)
            if isinstance(fetched, RecordingError):
                unit = Unit(made / job.digest)
                unit.write_dropped(drop(job.recording, fetched))
                return _delivered(ends, unit, read_outcome(unit))
            here = fetched
        outcome = run(here, made)
        return _delivered(ends, Unit(made / job.digest), outcome)


def _fetched(url: str, job: Job, names: tuple[str, ...], folder: Path) -> Job | RecordingError:
    """Return a job with its recording here, or an error where that is another one by now."""
    assert isinstance(job.identity, Identity)
    try:
        recording = fetch_recording(url, job.recording, names, folder)
    except RecordingError as error:
        return error
    content = content_of(recording)
    if isinstance(content, RecordingError) or content[0] != job.identity.source_sha256:
        return RecordingError("decode", "failed", "it changed during the build")
    return replace(job, recording=recording, identity=replace(job.identity, state=""))


def _delivered(ends: Ends, unit: Unit, outcome: Outcome) -> Outcome | Delivered:
    """Send a unit, if the dataset is at a URL."""
    if ends.out is None:
        return outcome
    store = store_at(ends.out)
    # A build that was stopped, and continued by another process, must leave nothing behind.
    require_held(store, ends.owner)
    record = send_folder(store, unit.path, f"{UNITS}/{unit.digest}")
    files = {name: (unit.path / name).read_bytes() for name in record.files if name in SMALL}
    return Delivered(outcome, {**files, RECORD: record.to_bytes()})
