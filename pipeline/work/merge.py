"""What the recordings have come to: clips ready for a shard, and those that are left out.

Promise: every recording is one or the other.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from fmdata.catalog.errors import InputError, InternalError, RecordingError
from fmdata.catalog.keys import action_key, fold
from fmdata.catalog.storage.pack import Planned
from fmdata.catalog.storage.shards import Sample
from fmdata.catalog.types import Dropped, Recording
from fmdata.pipeline.settings import BuildSettings
from fmdata.pipeline.work.digest import Identity
from fmdata.pipeline.work.outcome import Outcome, drop
from fmdata.pipeline.work.pose_limit import UNSTEADY, too_unsteady
from fmdata.pipeline.work.previous import FinishedClip
from fmdata.pipeline.work.retry import Kept
from fmdata.pipeline.work.unit import sample_of, unit_bytes


@dataclass(frozen=True)
class Gathered:
    """What a dataset is to hold.

    Attributes
    ----------
    clips : dict of Planned to callable
        The place of each clip, and what gives its sample.
    dropped : list of (Dropped, str)
        Recordings left out, with their digests; sorted by subject, action and take.
    packed : set of str
        Keys of the clips that lie in an intact shard already.
    """

    clips: dict[Planned, Callable[[], Sample]]
    dropped: list[tuple[Dropped, str]]
    packed: set[str]


def key_of(recording: Recording) -> str:
    """Return the key of a recording's clip."""
    return action_key(recording.subject, recording.action, recording.take)


def finished(outcome: Outcome, work: Path, tried: int = 0) -> FinishedClip | Dropped:
    """Return what an outcome comes to; earlier builds have `tried` so often."""
    if outcome.dropped:
        return replace(outcome.dropped, attempts=outcome.dropped.attempts + tried)
    unit = work / outcome.digest
    return FinishedClip(unit_bytes(unit), outcome.pose_range, partial(sample_of, unit))


def require_some_left(out: Path, there: Sequence[str], gathered: Gathered) -> None:
    """Raise InputError when, by faults alone, nothing would be left of a dataset.

    `there` are the keys of its clips. A limit that the user sets may well leave nothing.
    """
    faults = [left_out for left_out, _ in gathered.dropped if left_out.reason != UNSTEADY]
    if there and faults and not gathered.clips:
        first = faults[0]
        raise InputError(
            f"{len(gathered.dropped)} recordings of which none came to a clip; of "
            f"{first.source}: {first.stage}, {first.reason}: {first.detail}",
            wanted=f"a clip at least, where there are {len(there)} now",
            where=str(out),
            todo="mend that, or name another folder with --out; the dataset was left as it is",
        )


def gather(
    recordings: Sequence[Recording],
    identities: Sequence[Identity | RecordingError],
    done: dict[str, FinishedClip | Dropped],
    kept: Kept,
    settings: BuildSettings,
    unread: Mapping[tuple[str, ...], int],
) -> Gathered:
    """Divide recordings into clips and those left out, and add what is `kept` of a dataset.

    Parameters
    ----------
    recordings, identities : sequences of one length
        What was asked for; an error where a recording could not even be read.
    done : dict
        What each digest has come to.
    kept : Kept
        Clips, and recordings left out, that were not asked for and stay.
    settings : BuildSettings
        With the limit of the pose range.
    unread : mapping of tuple to int
        How often earlier builds have tried those that could not be read, by their names.

    Raises
    ------
    InternalError
        When a recording is lost on the way.
    """
    clips: dict[Planned, Callable[[], Sample]] = dict(kept.clips)
    dropped = list(kept.dropped)
    packed = {plan.key for plan in kept.clips}
    for recording, who in zip(recordings, identities, strict=True):
        if isinstance(who, RecordingError):
            attempts = unread.get(recording.names, 0) + 1
            dropped.append((drop(recording, who, attempts), ""))
            continue
        found = done[who.digest]
        if found.pose_range is not None:
            found = too_unsteady(recording, found.pose_range, settings.max_pose_range) or found
        if isinstance(found, Dropped):
            dropped.append((found, who.digest))
        else:
            place = fold(recording.subject, settings.seed)
            plan = Planned(place, recording.subject, key_of(recording), found.n_bytes)
            clips[plan] = found.load
            if found.packed:
                packed.add(plan.key)
    n_in = len(recordings) + len(kept.clips) + len(kept.dropped)
    if len(clips) + len(dropped) != n_in:
        raise InternalError(
            f"{n_in} recordings, of which came {len(clips)} clips and {len(dropped)} dropped",
            wanted="each recording a clip or dropped",
            where="build",
        )
    return Gathered(clips, sorted(dropped, key=lambda row: row[0].names[1:]), packed)
