"""What an earlier build has left in the dataset's folder, and whether it can be gone on from.

Promise: nothing is written here, and a folder that holds anything else is refused.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fmdata.catalog import card as card_file
from fmdata.catalog.dataset import ActionClip, Dataset
from fmdata.catalog.errors import UsageError
from fmdata.catalog.pack import WORK
from fmdata.catalog.schema import ACTION_FACTS
from fmdata.catalog.shards import Sample
from fmdata.catalog.types import Dropped
from fmdata.pipeline.settings import BuildSettings

# Reasons that lie with the machine or a library rather than with the recording.
TRIED_AGAIN = ("failed", "crashed")


@dataclass(frozen=True)
class FinishedClip:
    """A clip that needs only to be put into a shard.

    Attributes
    ----------
    n_bytes : int
        Size of its pixels and LBP maps.
    load : callable
        Gives the sample.
    """

    n_bytes: int
    load: Callable[[], Sample]


def dataset_at(out: Path, settings: BuildSettings) -> Dataset | None:
    """Return the dataset that is already there, if one is."""
    if not out.exists():
        return None
    if not (out / card_file.NAME).exists():
        if not out.is_dir() or (any(out.iterdir()) and not (out / WORK).exists()):
            raise UsageError(
                "something that is not a dataset of fmdata",
                wanted="a new or empty folder, or one that `fmdata build` made",
                where=str(out),
                todo="name another folder with --out",
            )
        return None
    dataset = Dataset(out)
    made, asked = dataset.card.actions.settings, settings.to_json()
    if made != asked:
        differ = [name for name in asked if made.get(name) != asked[name]]
        raise UsageError(
            "a dataset made with " + ", ".join(f"{n} = {made.get(n)}" for n in differ),
            wanted=", ".join(f"{name} = {asked[name]}" for name in differ),
            where=str(out / card_file.NAME),
            todo="build with the settings it was made with, or into another folder with --out; "
            "the dataset was left as it is",
        )
    return dataset


def finished_work(before: Dataset) -> dict[str, FinishedClip | Dropped]:
    """Return what a finished dataset holds, by digest; what may go better now is left out."""
    done: dict[str, FinishedClip | Dropped] = {}
    for clip in before.actions:
        n_bytes = clip.row["avi_size"] + (clip.row["lbp_size"] or 0)
        done[clip.row["digest"]] = FinishedClip(n_bytes, partial(_again, clip))
    for values in before.dropped().to_pylist():
        if values["reason"] not in TRIED_AGAIN:
            done[values.pop("digest")] = Dropped(**values)
    return done


def _again(clip: ActionClip) -> Sample:
    lbp = clip.lbp_npy() if clip.has_lbp else None
    return Sample(clip.facts().cast(ACTION_FACTS), clip.avi(), lbp)
