"""A dataset in a few numbers: as plain text for a terminal, and as JSON for scripts."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np

from fmdata.catalog.dataset import Dataset
from fmdata.catalog.printable import listing


@dataclass(frozen=True)
class TakesApart:
    """Positive pairs of the compounds: two copies of one compound of one subject.

    Two copies that share a take show the same pixels; training leaves such pairs out by default.

    Attributes
    ----------
    pairs, apart : int
        Number of positive pairs, and of those that share no take.
    cells : dict of (int, int) to int
        Number of compounds C_ij, by the number of their pairs apart and of all their pairs.
    """

    pairs: int
    apart: int
    cells: dict[tuple[int, int], int]

    @classmethod
    def of(cls, dataset: Dataset) -> "TakesApart":
        """Count the pairs of a dataset with compounds."""
        columns = ["subject", "first", "second", "first_take", "second_take"]
        takes: dict[tuple[str, ...], list[set[str]]] = defaultdict(list)
        for *cell, one, other in zip(
            *(column.to_pylist() for column in dataset.compounds.table(columns).columns),
            strict=True,
        ):
            takes[tuple(cell)].append({one, other})
        cells: Counter[tuple[int, int]] = Counter()
        for copies in takes.values():
            pairs = list(combinations(copies, 2))
            cells[sum(not a & b for a, b in pairs), len(pairs)] += 1
        pairs_of = sum(n * of for (_, of), n in cells.items())
        return cls(pairs_of, sum(n * apart for (apart, _), n in cells.items()), dict(cells))

    def __str__(self) -> str:
        counts = sorted(self.cells.items(), reverse=True)
        each = ", ".join(f"{n} × {apart} of {of}" for (apart, of), n in counts)
        return f"{self.apart} of {self.pairs} positive pairs share no take; by compound: {each}"


@dataclass(frozen=True)
class Summary:
    """Counts and medians of a dataset; ``str()`` of it is the text for the user.

    Attributes
    ----------
    path : str
        Folder of the dataset.
    recordings, clips, dropped : int
        Numbers of raw recordings, clips and dropped recordings; clips + dropped = recordings.
    subjects, actions : int
        Numbers of distinct subjects and of distinct action names.
    frames : int
        Frames of all clips.
    seconds : float
        Duration of all clips.
    size : int
        Width and height of a crop in pixels.
    returning, held, flashes, motionless : int
        Clips with a motion of style ``return`` or ``hold``; motions shorter than 30 % of their
        clip; clips without a motion.
    motion_frames_median, amplitude_iod_median : float or None
        Median length of a motion in frames, and median amplitude in interocular distances (IOD);
        None without motions.
    dropped_reasons : dict
        Number of dropped recordings by reason.
    compounds : int or None
        Number of compound clips; None when the dataset has no compounds.
    seam_median : float or None
        Median over the compounds of the worst seam: the frame difference at a joint, over that of
        neighbouring frames.
    positive_pairs, positive_pairs_apart : int or None
        Pairs of copies of one compound, and those of them that share no take.
    stale : bool
        True when the actions have changed since the compounds were made.
    notes : list of str
        Notes on the compounds, such as subjects without any.
    shards, bytes : int
        Number of shards, and their total size.
    """

    path: str
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
    positive_pairs: int | None
    positive_pairs_apart: int | None
    stale: bool
    notes: list[str]
    shards: int
    bytes: int

    def __str__(self) -> str:
        return listing(self.path, self._rows())

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as JSON values, by name."""
        return asdict(self)

    def _rows(self) -> Iterator[tuple[str, str]]:
        yield "recordings", f"{self.recordings}: {self.clips} clips, {self.dropped} dropped"
        if self.dropped_reasons:
            reasons = (f"{reason} {n}" for reason, n in self.dropped_reasons.items())
            yield "dropped", ", ".join(reasons)
        yield "subjects", f"{self.subjects}, {self.actions} actions"
        minutes, size = f"{self.seconds / 60:.1f} minutes", f"{self.size} × {self.size} pixels"
        yield "frames", f"{self.frames}, {minutes}, {size}"
        styles = f"{self.returning} return, {self.held} hold, {self.motionless} none"
        yield "motions", f"{styles}; {self.flashes} flash"
        if self.motion_frames_median is not None:
            frames, iod = self.motion_frames_median, self.amplitude_iod_median
            yield "median motion", f"{frames:g} frames, {iod:.3f} interocular distances"
        if self.compounds is None:
            yield "compounds", "none; make them with `fmdata synth-compound`"
        else:
            yield "compounds", f"{self.compounds}, median seam {self.seam_median:.1f} (1: no jump)"
            apart, pairs = self.positive_pairs_apart, self.positive_pairs
            yield "pairs", f"{apart} of {pairs} positive pairs share no take"
        if self.stale:
            yield "", "stale: the actions have changed; run `fmdata synth-compound` again"
        yield from (("", note) for note in self.notes)
        yield "shards", f"{self.shards}, {self.bytes / 1e6:.1f} MB"


def summarise(dataset: Dataset) -> Summary:
    """Summarise a dataset from its card and its tables."""
    card = dataset.card
    rows = dataset.actions.table().to_pylist()
    moving = [row for row in rows if row["style"] is not None]
    shards = [shard for part in card.parts for shard in part.shards]
    seams: list[float] = []
    apart = TakesApart.of(dataset) if card.compounds else None
    if card.compounds:
        seams = dataset.compounds.table(["seam"])["seam"].to_pylist()
    return Summary(
        path=str(dataset.path),
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
        positive_pairs=apart.pairs if apart else None,
        positive_pairs_apart=apart.apart if apart else None,
        stale=card.stale,
        notes=card.compounds.notes if card.compounds else [],
        shards=len(shards),
        bytes=sum(file.bytes for shard in shards for file in shard.files.values()),
    )


def _median(values: list[float]) -> float | None:
    return float(np.median(values)) if values else None
