"""Finished work that a dataset holds: clips of its intact shards, and dropped recordings.

A clip is looked up by key when it is loaded: in memory it would list the place of each frame.
"""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from fmdata.catalog.clip import ActionClip
from fmdata.catalog.clips import Clips
from fmdata.catalog.given.truth import Labelled
from fmdata.catalog.storage.shards import Sample
from fmdata.catalog.storage.tars.members import SIZES, bytes_of
from fmdata.catalog.types import Dropped
from fmdata.pipeline.work.given import Stored
from fmdata.pipeline.work.limits.keep import NOT_KEPT
from fmdata.pipeline.work.outcome import RETRIED, Finished, ReadyClip


def finished_work(
    halves: Iterable[Clips[ActionClip]],
    dropped: Iterable[tuple[Dropped, str]],
) -> dict[str, Finished]:
    """Return the finished work of a dataset by digest.

    Dropped recordings that are worth a retry are not among it, nor those whose clips are there.
    """
    columns = ["digest", "key", *SIZES, "n_frames", "pose_range", "review", "given_times"]
    done: dict[str, Finished] = {
        row["digest"]: _packed(half, row)
        for half in halves
        for row in half.rows([*columns, *(label.column for label in half.labels)])
    }
    for one, digest in dropped:
        if digest and one.reason not in (*RETRIED, NOT_KEPT):
            done[digest] = one
    return done


def _packed(half: Clips[ActionClip], row: Mapping[str, Any]) -> ReadyClip:
    """Return a clip that an intact shard holds."""
    labels = tuple(Labelled(label, row[label.column]) for label in half.labels)
    return ReadyClip(
        bytes_of(row),
        row["n_frames"],
        row["pose_range"],
        partial(_sample, half, row["key"]),
        is_packed=True,
        is_reviewed=row["review"] is not None,
        half=half.folder.name,
        stored=Stored(row["given_times"], labels),
    )


def ready(clips: Clips[ActionClip], clip: ActionClip) -> ReadyClip:
    """Return a clip that an intact shard holds, of a dataset that is only added to."""
    load = partial(_sample, clips, clip.key)
    pose_range, half = clip.row["pose_range"], clips.folder.name
    return ReadyClip(clip.n_bytes, clip.n_frames, pose_range, load, is_packed=True, half=half)


def _sample(clips: Clips[ActionClip], key: str) -> Sample:
    return clips[key].sample()
