"""A build, raw to D1: discover, digest, resume, process, merge, publish.

Promise: recordings in = clips + dropped recordings. Finished work, in an unfinished run or in the
dataset, is recognised by its digest and not done again.
"""

import time
from dataclasses import dataclass, replace
from pathlib import Path

from fmdata.catalog.dataset import Dataset
from fmdata.catalog.printable import printable
from fmdata.catalog.privacy.pseudonyms import Pseudonyms
from fmdata.catalog.progress import SILENT, Progress
from fmdata.catalog.storage import card as card_file
from fmdata.catalog.storage.card import Card
from fmdata.catalog.storage.lock import WORK
from fmdata.catalog.storage.pack import change
from fmdata.catalog.storage.work import Unit
from fmdata.catalog.types import Dropped, Recording
from fmdata.pipeline.engine.graph import digest_all, run
from fmdata.pipeline.landmarks.weights import find as find_weights
from fmdata.pipeline.reading.discover import discover
from fmdata.pipeline.reading.pseudonymous import pseudonymous
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.pipeline.work.merge import merge
from fmdata.pipeline.work.outcome import finished
from fmdata.pipeline.work.previous import Previous, check_place
from fmdata.pipeline.work.publish import publish

_MAX_LISTED = 20  # dropped recordings, and _MAX_KEYS keys, in a printed result
_MAX_KEYS = 5


@dataclass(frozen=True)
class Built:
    """The result of a build; ``str()`` of it is a report of a few lines.

    Attributes
    ----------
    out : Path
        Folder of the dataset.
    card : Card
        The dataset's card.
    dropped : list of Dropped
        Dropped recordings, sorted by subject, action and take.
    reused : int
        Recordings whose work was done before.
    removed : int
        Clips of an earlier build that are not in the dataset any more.
    frames, seconds : int, float
        Frames of the clips made in this run, and the time for them.
    motionless : list of str
        Keys of the clips without a motion.
    unread : list of str
        Keys of the clips whose recordings cannot be read at present; the clips stay.
    sources : dict of str to str
        Paths of the recordings below the raw folder, by source in the dataset; the two differ only
        with pseudonyms.
    """

    out: Path
    card: Card
    dropped: list[Dropped]
    reused: int
    removed: int
    frames: int
    seconds: float
    motionless: list[str]
    unread: list[str]
    sources: dict[str, str]

    @property
    def clips(self) -> int:
        """Number of clips in the dataset."""
        return self.card.actions.samples

    @property
    def recordings(self) -> int:
        """Number of recordings, each a clip or dropped."""
        return self.card.recordings

    def __str__(self) -> str:
        first = f"{self.recordings} recordings: {self.clips} clips, {len(self.dropped)} dropped"
        first += f", {self.reused} of them done before" if self.reused else ""
        first += f"; {self.frames / max(self.seconds, 1e-9):.0f} frames/s" if self.frames else ""
        lines = [first]
        if self.removed:
            lines.append(f"  {self.removed} clips of the earlier build are no longer in it")
        if self.motionless:
            some = _first(self.motionless)
            lines.append(f"  no motion was found in {len(self.motionless)} of the clips: {some}")
        if self.unread:
            some = _first(self.unread)
            n = len(self.unread)
            lines.append(f"  {n} recordings cannot be read now, their clips stay: {some}")
        return "\n".join([*lines, *self._dropped_lines(), f"dataset in {self.out}"])

    def _dropped_lines(self) -> list[str]:
        lines = [
            f"  dropped {printable(self.sources.get(one.source, one.source))} "
            f"({one.stage}, {one.reason}): {printable(one.detail)}"
            for one in self.dropped[:_MAX_LISTED]
        ]
        if len(self.dropped) > _MAX_LISTED:
            lines.append(f"  and {len(self.dropped) - _MAX_LISTED} more")
        if self.dropped:
            lines.append(f"  all dropped recordings with reasons: {self.out / card_file.DROPPED}")
        return lines


def build(
    raw: Path,
    out: Path,
    settings: BuildSettings,
    how: RunSettings = RunSettings(),
    *,
    table: Path | None = None,
    pseudonyms: Pseudonyms | None = None,
    progress: Progress = SILENT,
) -> Built:
    """Build the dataset of single actions in `out`, or bring it up to date.

    Parameters
    ----------
    raw : Path
        Folder of recordings.
    table : Path, optional
        Table of the recordings, for layouts other than ``<subject>/<action>/<take>``.
    pseudonyms : Pseudonyms, optional
        Turns subjects' names into keyed digests.

    Raises
    ------
    UsageError
        When `out` holds other files, or a dataset made with other settings; when there is nothing
        to retry; and as :func:`fmdata.pipeline.reading.discover.discover` does.
    InputError
        When there is no recording in `raw`, or errors would leave none of a dataset's clips.
    ModelError
        When the landmark network's weights are missing.
    """
    found = discover(raw, table, follow_links=how.follow_links)
    recordings = pseudonymous(found, pseudonyms) if pseudonyms else found
    settings = replace(settings, pseudonyms=pseudonyms is not None)
    check_place(out)
    with change(out):
        built = _build(recordings, out, settings, how, progress)
    paths = {recording.path: recording.source for recording in found}
    return replace(built, sources={r.source: paths[r.path] for r in recordings})


def _build(
    recordings: list[Recording],
    out: Path,
    settings: BuildSettings,
    how: RunSettings,
    progress: Progress,
) -> Built:
    work = out / WORK
    previous = Previous.read(out, settings, retry=how.retry_dropped)
    jobs = previous.recall(digest_all(previous.select(recordings), settings, progress))
    todo, done = previous.divide(jobs, work)
    progress.start("build", len(jobs), "recordings", len(jobs) - len(todo))
    if todo and how.scheduler is None:
        find_weights(settings.landmarks, how.model)  # once, before every process looks for them
    began_s = time.monotonic()
    outcomes = run(todo, settings, work, how, progress)
    seconds = time.monotonic() - began_s
    for job, outcome in zip(todo, outcomes, strict=True):
        done[job.digest] = finished(outcome, Unit(work / job.digest), job.attempts)
    contents = merge(jobs, done, previous, settings)
    if previous.dataset and previous.is_current(jobs, settings):
        card = previous.dataset.card
    else:
        card = publish(out, settings, contents, previous)
    after = Dataset(out)
    return Built(
        out=out,
        card=card,
        dropped=[dropped for dropped, _ in contents.dropped],
        reused=sum(bool(job.digest) for job in jobs) - len(todo),
        removed=len(set(previous.keys) - set(after.actions.keys)),
        frames=sum(outcome.n_frames for outcome in outcomes),
        seconds=seconds,
        motionless=[clip.key for clip in after.actions if clip.motion is None],
        unread=[job.key for job in jobs if job.stands_in],
        sources={},
    )


def _first(keys: list[str]) -> str:
    return ", ".join(keys[:_MAX_KEYS]) + (", …" if len(keys) > _MAX_KEYS else "")
