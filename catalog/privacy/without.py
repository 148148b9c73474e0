"""One half of a dataset, the actions or the compounds, without one subject.

Promise: the shards equal those of a build without the subject. A shard that does not change is not
written again.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from fmdata.catalog.clip import ActionClip, Clip
from fmdata.catalog.dataset import Clips
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.storage.card import Part
from fmdata.catalog.storage.division import Planned, plan_shards
from fmdata.catalog.storage.pack import pack


def part_without(clips: Clips[Any], subject: str, size: int) -> Part:
    """Stage the shards of one half without a subject; return the half's entry in the new card.

    Parameters
    ----------
    clips : Clips
        All clips of the half.
    subject : str
        Subject to leave out.
    size : int
        Width and height of a crop, in pixels.

    Raises
    ------
    DatasetError
        When clips of others would have to be copied from a damaged shard.
    """
    folder, part = clips.folder, clips.part
    limit = part.settings["shard_mb"] * 10**6
    planned = [
        Planned(clip.fold, clip.subject, clip.key, _n_bytes(clip, size))
        for clip in clips
        if clip.subject != subject
    ]
    present = dict(clips.shards())
    wanted = {tuple(sample.key for sample in shard) for shard in plan_shards(planned, limit)}
    for of_shard, shard in present.items():
        copied_from = of_shard not in wanted and shard.subjects != [subject]
        if copied_from and not shard.intact(folder):
            raise _damaged(folder / shard.name)
    dataset, columns = folder.parent, clips.clip.COLUMNS
    shards = pack(
        dataset, folder.name, planned, lambda k: clips[k].sample(), columns, limit, present
    )
    return replace(part, samples=len(planned), shards=shards)


def _n_bytes(clip: Clip, size: int) -> int:
    """Return the size that decides a clip's shard: files of an action, frames of a compound."""
    if isinstance(clip, ActionClip):
        return clip.n_bytes
    return int(clip.jpeg_spans[:, 1].sum() + (clip.n_frames * size**2 if clip.has_lbp else 0))


def _damaged(shard: Path) -> DatasetError:
    return DatasetError(
        f"{shard.name} is not as it was written, and clips of others would be copied from it",
        wanted="an intact shard",
        where=str(shard.parent),
        todo="move the subject's recordings out of the raw folder, run `fmdata build` and "
        "`fmdata synth-compound` as before, then run this command again",
    )
