"""The one file that knows Dask: recordings in, outcomes out, on any number of workers.

One task chain a recording, so that pixels never cross a process boundary: only paths, settings
and outcomes travel.
"""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import dask
from dask import delayed
from dask.system import CPU_COUNT
from distributed import Client, KilledWorker, LocalCluster, as_completed

from fmdata.catalog.errors import RecordingError
from fmdata.catalog.types import Recording
from fmdata.pipeline.chain import process
from fmdata.pipeline.identify import Identity, content_digest, identify
from fmdata.pipeline.settings import BuildSettings
from fmdata.pipeline.unit import Outcome, drop

Job = tuple[Recording, Identity]
DEATHS = 3  # of processes at work on one recording, before it is given up


def identify_all(
    recordings: Sequence[Recording], settings: BuildSettings
) -> list[Identity | RecordingError]:
    """Digest every recording, several at a time: reading and hashing leave Python free."""

    def content(recording: Recording) -> str | RecordingError:
        try:
            return content_digest(recording)
        except RecordingError as fault:
            return fault

    # Many recordings may be spans of one long file, which is read once.
    files = {recording.path: recording for recording in recordings}
    tasks = [delayed(content)(recording) for recording in files.values()]
    contents = dict(zip(files, dask.compute(*tasks, scheduler="threads"), strict=True))
    return [
        found if isinstance(found, RecordingError) else identify(recording, found, settings)
        for recording in recordings
        for found in [contents[recording.path]]
    ]


def run(
    jobs: Sequence[Job],
    settings: BuildSettings,
    work: Path,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    model: Path | None = None,
    on_outcome: Callable[[Outcome], None],
) -> list[Outcome]:
    """Process every recording; outcomes come in the order of `jobs`.

    Parameters
    ----------
    jobs : sequence of (Recording, Identity)
        What to do.
    settings : BuildSettings
        How to do it.
    work : Path
        Where the units go; every worker must see this folder.
    workers : int, optional
        With one, everything runs in this process; with more, in a local cluster of processes. By
        default one a core, and never more than there are jobs.
    scheduler : str, optional
        Address of a running Dask scheduler to use in place of either.
    model : Path, optional
        File of the landmark network's weights.
    on_outcome : callable
        Told of each outcome as it comes, in any order.
    """
    workers = workers or CPU_COUNT
    outcomes: dict[int, Outcome] = {}
    tasks = [delayed(process)(recording, who, settings, work, model) for recording, who in jobs]
    if scheduler is None and workers == 1:
        for i, task in enumerate(tasks):
            outcomes[i] = task.compute(scheduler="synchronous")
            on_outcome(outcomes[i])
    elif tasks:
        with _client(min(workers, len(jobs)), scheduler) as client:
            futures = dict(zip(client.compute(tasks), range(len(tasks)), strict=True))
            for future in as_completed(futures):
                i = futures[future]
                outcomes[i] = _result(future, *jobs[i])
                on_outcome(outcomes[i])
                future.release()
    return [outcomes[i] for i in range(len(jobs))]


def _result(future: object, recording: Recording, identity: Identity) -> Outcome:
    try:
        outcome: Outcome = future.result()  # type: ignore[attr-defined]
    except KilledWorker:
        died = "each of the processes that worked on it died"
        crash = RecordingError("landmarks", "crashed", died)
        return Outcome(identity.digest, 0, drop(recording, crash, attempts=DEATHS))
    return outcome


@contextmanager
def _client(workers: int, scheduler: str | None) -> Iterator[Client]:
    if scheduler is not None:
        with Client(scheduler) as client:
            yield client
        return
    with _cluster(workers) as cluster, Client(cluster) as client:
        yield client


def _cluster(workers: int) -> LocalCluster:
    # The user's Ctrl-C is this process's to answer: workers that are started while it is ignored
    # go on ignoring it, and end when they are told to.
    in_main_thread = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN) if in_main_thread else None
    try:
        with dask.config.set({"distributed.scheduler.allowed-failures": DEATHS - 1}):
            return LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                # Dask's pages about itself: for this machine only, at any free port.
                dashboard_address="127.0.0.1:0",
                worker_dashboard_address="127.0.0.1:0",
                silence_logs="CRITICAL",
            )
    finally:
        if in_main_thread:
            signal.signal(signal.SIGINT, before)
