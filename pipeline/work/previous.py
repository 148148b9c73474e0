"""What an earlier build has left in the dataset's folder, and whether it can be gone on from.

Promise: nothing is written here, and a folder that holds anything else is refused.
"""

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fmdata.catalog.clip import ActionClip
from fmdata.catalog.dataset import Clips, Dataset
from fmdata.catalog.errors import RecordingError, UsageError
from fmdata.catalog.storage import card as card_file
from fmdata.catalog.storage.card import Shard
from fmdata.catalog.storage.lock import WORK
from fmdata.catalog.storage.pack import Planned
from fmdata.catalog.storage.shards import Sample
from fmdata.catalog.types import Dropped, Recording
from fmdata.pipeline.settings import CHOOSING, BuildSettings
from fmdata.pipeline.work.digest import Identity
from fmdata.pipeline.work.outcome import TRIED_AGAIN
from fmdata.pipeline.work.pose_limit import UNSTEADY


@dataclass(frozen=True)
class FinishedClip:
    """A clip that needs only to be put into a shard.

    Attributes
    ----------
    n_bytes : int
        Size of its pixels and LBP maps.
    pose_range : float
        In degrees.
    load : callable
        Gives the sample.
    packed : bool
        Whether it lies in an intact shard of the dataset already.
    """

    n_bytes: int
    pose_range: float
    load: Callable[[], Sample]
    packed: bool = False


@dataclass(frozen=True)
class Tries:
    """How often earlier builds have tried what they left out.

    Attributes
    ----------
    of_digest : dict of str to int
        By digest.
    unread : dict of tuple to int
        By :attr:`fmdata.catalog.types.Recording.names`, where it could not even be read and so has
        no digest.
    """

    of_digest: dict[str, int]
    unread: dict[tuple[str, ...], int]


def check_place(out: Path) -> None:
    """Raise UsageError where something else than a dataset, or the start of one, stands."""
    if not out.exists():
        return
    ours = out.is_dir() and any((out / name).exists() for name in (card_file.NAME, WORK))
    if not ours and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(
            "something that is not a dataset of fmdata",
            wanted="a new or empty folder, or one that `fmdata build` made",
            where=str(out),
            todo="name another folder with --out",
        )


def dataset_at(out: Path, settings: BuildSettings) -> Dataset | None:
    """Return the dataset that is already there, if one is.

    Raises
    ------
    UsageError
        When its clips were made with other settings.
    """
    if not (out / card_file.NAME).exists():
        return None
    dataset = Dataset(out)
    made, asked = dataset.card.actions.settings, settings.to_json()
    differ = [name for name in asked if name not in CHOOSING and made.get(name) != asked[name]]
    if differ:
        raise UsageError(
            "a dataset made with " + ", ".join(f"{n} = {made.get(n)}" for n in differ),
            wanted=", ".join(f"{name} = {asked[name]}" for name in differ),
            where=str(out / card_file.NAME),
            todo="build with the settings it was made with, or into another folder with --out; "
            "the dataset was left as it is",
        )
    return dataset


def require_same_recordings(out: Path, there: Sequence[str], keys: set[str]) -> None:
    """Raise UsageError when none of the clips that are there are of the recordings given.

    `there` and `keys` are the keys of the one and of the other.
    """
    if there and keys.isdisjoint(there):
        raise UsageError(
            f"a dataset of {len(there)} clips, none of them from these recordings",
            wanted="a dataset of the same recordings, some of them new or changed perhaps",
            where=str(out),
            todo="name the right --subjects, or another folder with --out; "
            "the dataset was left as it is",
        )


def finished_work(
    before: Dataset, intact: Clips[ActionClip], max_pose_range: float | None
) -> dict[str, FinishedClip | Dropped]:
    """Return what a finished dataset holds, by digest; of its clips, the `intact` ones.

    Not returned are dropped recordings of which another try, or the limit now asked for, may make
    a clip.
    """
    done: dict[str, FinishedClip | Dropped] = {}
    for clip in intact:
        load = partial(_sample, intact, clip.key)
        done[clip.row["digest"]] = FinishedClip(
            clip.n_bytes, clip.row["pose_range"], load, packed=True
        )
    if before.card.dropped_file.hold_for(before.path / card_file.DROPPED):
        for values in before.dropped().to_pylist():
            digest = values.pop("digest")
            dropped = Dropped(**values)
            if dropped.reason not in TRIED_AGAIN and not _steady_now(dropped, max_pose_range):
                done[digest] = dropped
    return done


def standing_in(
    recordings: Sequence[Recording],
    identities: Sequence[Identity | RecordingError],
    intact: Clips[ActionClip],
    done: Set[str],
) -> list[Identity | RecordingError]:
    """Let the clip that is `done` stand for a recording that just now cannot be read.

    A disk that is away for an hour must not cost what was made from it. A fault of what the file
    is, not of reading it, stays: there the recording has become another.
    """
    if not any(isinstance(who, RecordingError) for who in identities):
        return list(identities)
    made = {
        tuple(row[name] for name in ("source", "subject", "action", "take")): Identity(
            row["source_sha256"], row["digest"]
        )
        for row in (clip.row for clip in intact)
        if row["digest"] in done
    }

    def stands(recording: Recording, who: Identity | RecordingError) -> Identity | RecordingError:
        if isinstance(who, RecordingError) and isinstance(who.__cause__, OSError):
            return made.get(recording.names, who)
        return who

    return [stands(*pair) for pair in zip(recordings, identities, strict=True)]


def planned_clips(clips: Clips[ActionClip]) -> dict[Planned, Callable[[], Sample]]:
    """Return the place of each clip that stays as it is, and what gives its sample."""
    return {
        Planned(clip.fold, clip.subject, clip.key, clip.n_bytes): partial(_sample, clips, clip.key)
        for clip in clips
    }


def _sample(clips: Clips[ActionClip], key: str) -> Sample:
    # Looked up only now: a clip at hand lists where each of its frames lies.
    return clips[key].sample()


def untouched_shards(before: Dataset, packed: Set[str]) -> dict[tuple[str, ...], Shard]:
    """Return the intact shards, by their keys, all of whose clips are `packed` in them to stay."""
    intact = before.intact_actions()
    return {keys: shard for keys, shard in intact.shards() if packed >= set(keys)}


def attempts_before(before: Dataset) -> Tries:
    """Return how often each recording left out has been tried."""
    tries = Tries({}, {})
    if before.card.dropped_file.hold_for(before.path / card_file.DROPPED):
        for values in before.dropped().to_pylist():
            digest, dropped = values.pop("digest"), Dropped(**values)
            if digest:
                tries.of_digest[digest] = dropped.attempts
            else:
                tries.unread[dropped.names] = dropped.attempts
    return tries


def _steady_now(dropped: Dropped, limit: float | None) -> bool:
    if dropped.reason != UNSTEADY or dropped.pose_range is None:
        return False
    return limit is None or dropped.pose_range <= limit
