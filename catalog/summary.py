"""What is in a dataset, in a few numbers: for the terminal, and as JSON for scripts."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from fmdata.catalog.dataset import Dataset


@dataclass(frozen=True)
class Summary:
    """A dataset in numbers.

    Attributes
    ----------
    recordings, clips, dropped : int
        Raw recordings, and what became of them; clips + dropped = recordings.
    subjects, actions : int
        Distinct subjects, and distinct names of actions.
    frames : int
        Frames of all clips.
    seconds : float
        Duration of all clips.
    size : int
        Width and height of a crop in pixels.
    returning, held, flashes, motionless : int
        Clips by the style of their motion; motions in under 30 % of a clip; clips without motion.
    motion_frames_median, amplitude_iod_median : float or None
        Length of a motion, and its size in interocular distances; None without motions.
    dropped_reasons : dict
        Number of dropped recordings by reason.
    compounds : int or None
        Clips of D2; None when there are none.
    seam_median : float or None
        Median of their seams.
    stale : bool
        Whether the actions have changed since the compounds were made.
    notes : list of str
        What a user must know of the compounds.
    shards, bytes : int
        Number of shards, and size of all of them.
    """

    recordings: int
    clips: int
    dropped: int
    subjects: int
    actions: int
    frames: int
    seconds: float
    size: int
    returning: int
    held: int
    flashes: int
    motionless: int
    motion_frames_median: float | None
    amplitude_iod_median: float | None
    dropped_reasons: dict[str, int]
    compounds: int | None
    seam_median: float | None
    stale: bool
    notes: list[str]
    shards: int
    bytes: int

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as JSON values, by name."""
        return asdict(self)


def summarise(dataset: Dataset) -> Summary:
    """Summarise a dataset from its card and its tables."""
    card = dataset.card
    rows = dataset.actions.table().to_pylist()
    moving = [row for row in rows if row["style"] is not None]
    parts = [card.actions, *([card.compounds] if card.compounds else [])]
    shards = [shard for part in parts for shard in part.shards]
    seams: list[float] = []
    if card.compounds:
        seams = dataset.compounds.table(["seam"])["seam"].to_pylist()
    return Summary(
        recordings=card.recordings,
        clips=len(rows),
        dropped=card.dropped,
        subjects=len({row["subject"] for row in rows}),
        actions=len({row["action"] for row in rows}),
        frames=sum(row["n_frames"] for row in rows),
        seconds=sum(row["n_frames"] / row["fps"] for row in rows),
        size=card.actions.settings["size"],
        returning=sum(row["style"] == "return" for row in moving),
        held=sum(row["style"] == "hold" for row in moving),
        flashes=sum(bool(row["flash"]) for row in moving),
        motionless=len(rows) - len(moving),
        motion_frames_median=_median([row["offset"] - row["onset"] for row in moving]),
        amplitude_iod_median=_median([row["amplitude"] for row in moving]),
        dropped_reasons=dict(Counter(dataset.dropped()["reason"].to_pylist())),
        compounds=card.compounds.samples if card.compounds else None,
        seam_median=_median(seams),
        stale=card.stale,
        notes=card.compounds.notes if card.compounds else [],
        shards=len(shards),
        bytes=sum(shard.tar.bytes + shard.parquet.bytes for shard in shards),
    )


def _median(values: list[float]) -> float | None:
    return float(np.median(values)) if values else None
