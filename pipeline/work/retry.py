"""Another try for what the last build has dropped, whatever its reason, and for nothing else.

Promise: every clip that is there stays as it is, and no other recording is so much as opened.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fmdata.catalog.dataset import Dataset
from fmdata.catalog.errors import UsageError
from fmdata.catalog.storage.card import DROPPED
from fmdata.catalog.storage.pack import Planned
from fmdata.catalog.storage.shards import Sample
from fmdata.catalog.types import Dropped, Recording
from fmdata.pipeline.settings import BuildSettings
from fmdata.pipeline.work.previous import planned_clips


@dataclass(frozen=True)
class Kept:
    """What stays in a dataset as it is: its clips, and left-out recordings with their digests."""

    clips: dict[Planned, Callable[[], Sample]]
    dropped: list[tuple[Dropped, str]]


def divide(
    out: Path,
    before: Dataset | None,
    recordings: Sequence[Recording],
    settings: BuildSettings,
) -> tuple[list[Recording], Kept]:
    """Divide a dataset: recordings to try again, and all else.

    Raises
    ------
    UsageError
        When there is no dataset in `out`, or it is damaged, or made with another limit.
    """
    _check(out, before, settings)
    assert before is not None
    rows = before.dropped().to_pylist()
    left_out = [(row.pop("digest"), Dropped(**row)) for row in rows]
    names = {dropped.names for _, dropped in left_out}
    again = [recording for recording in recordings if recording.names in names]
    tried = {recording.names for recording in again}
    kept = [(dropped, digest) for digest, dropped in left_out if dropped.names not in tried]
    return again, Kept(planned_clips(before.actions), kept)


def _check(out: Path, before: Dataset | None, settings: BuildSettings) -> None:
    wanted = "a whole dataset, built before with these settings"
    if before is None:
        raise UsageError(
            "--retry-dropped without a dataset",
            wanted=wanted,
            where=str(out),
            todo="build first, without --retry-dropped",
        )
    whole = len(before.intact_actions()) == len(before.actions)
    if not whole or not before.card.dropped_file.hold_for(out / DROPPED):
        raise UsageError(
            "--retry-dropped on a dataset that is damaged",
            wanted=wanted,
            where=str(out),
            todo="build without --retry-dropped, which makes again what is damaged",
        )
    if before.card.actions.settings != settings.to_json():
        raise UsageError(
            "--retry-dropped with other settings than the dataset was made with",
            wanted=wanted,
            where=str(out),
            todo="build without --retry-dropped, or with the settings of the last build",
        )
