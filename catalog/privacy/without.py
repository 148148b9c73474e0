"""One half of a dataset without one of its subjects: the actions, or the compounds.

Promise: the shards are those that a build without the subject would have made. A shard that stays
as it is is not written again.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from fmdata.catalog.clip import ActionClip, Clip
from fmdata.catalog.dataset import Clips
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.storage.card import Part
from fmdata.catalog.storage.pack import Planned, pack, plan_shards


def part_without(folder: Path, part: Part, clips: Clips[Any], subject: str, size: int) -> Part:
    """Stage a half without a subject.

    Parameters
    ----------
    folder : Path
        Where the half lies, below its dataset.
    part : Part
        What the card says of it.
    clips : Clips
        Its clips.
    subject : str
        Whose are to be left out.
    size : int
        Width and height of a crop, in pixels.

    Raises
    ------
    DatasetError
        When clips of others lie in a damaged shard that would have to be rewritten.
    """
    limit = part.settings["shard_mb"] * 10**6
    planned = [
        Planned(clip.fold, clip.subject, clip.key, _n_bytes(clip, size))
        for clip in clips
        if clip.subject != subject
    ]
    there = dict(clips.shards())
    wanted = {tuple(sample.key for sample in shard) for shard in plan_shards(planned, limit)}
    for of_shard, shard in there.items():
        copied_from = of_shard not in wanted and shard.subjects != [subject]
        if copied_from and not shard.intact(folder):
            raise _damaged(folder / shard.name)
    dataset, facts = folder.parent, clips.clip.FACTS
    shards = pack(dataset, folder.name, planned, lambda k: clips[k].sample(), facts, limit, there)
    return replace(part, samples=len(planned), shards=shards)


def _n_bytes(clip: Clip, size: int) -> int:
    """Return the bytes that a shard is planned with: whole files of an action, frames otherwise."""
    if isinstance(clip, ActionClip):
        return clip.n_bytes
    return int(sum(clip.row["frame_size"]) + (clip.n_frames * size**2 if clip.has_lbp else 0))


def _damaged(shard: Path) -> DatasetError:
    return DatasetError(
        f"{shard.name} is not as it was written, and others' clips would be copied from it",
        wanted="a whole shard",
        where=str(shard.parent),
        todo="take the subject's recordings out of the raw folder and run the `fmdata build` that "
        "made it again, and `fmdata synth-compound`; then forget what is left",
    )
