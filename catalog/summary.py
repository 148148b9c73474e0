"""A dataset in a few numbers: as plain text for a terminal, and as JSON for scripts."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fmdata.catalog.dataset import Dataset
from fmdata.catalog.given.agreement import COLUMNS as AGREEING
from fmdata.catalog.given.agreement import Agreement
from fmdata.catalog.health.line import HealthLine
from fmdata.catalog.health.sharing import n_pairs, n_sharing
from fmdata.catalog.health.whole import health
from fmdata.catalog.printable import listing

MAX_NOTES = 10  # on compounds, that are printed
# Columns of the actions that a summary counts.
_COUNTED = (
    "subject",
    "action",
    "n_frames",
    "fps",
    "style",
    "onset",
    "offset",
    "flash",
    "amplitude",
)


def first_of(notes: Sequence[str]) -> list[str]:
    """Return the notes on compounds to print: the first ones, and how many more there are."""
    more = len(notes) - MAX_NOTES
    if more <= 0:
        return list(notes)
    return [*notes[:MAX_NOTES], f"and {more} more notes, on the page of `fmdata report`"]


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
        """Count the pairs of a dataset with compounds, subject by subject."""
        cells: Counter[tuple[int, int]] = Counter()
        for _, joins in groupby(_joins(dataset), lambda join: join["subject"]):
            copies: dict[tuple[str, str], Counter[tuple[str, str]]] = defaultdict(Counter)
            for join in joins:
                takes = join["first_take"], join["second_take"]
                copies[join["first"], join["second"]][takes] += join["subject_count"]
            for of_cell in copies.values():
                pairs = n_pairs(of_cell.total())
                cells[pairs - n_sharing(of_cell), pairs] += 1
        pairs_of = sum(n * of for (_, of), n in cells.items())
        return cls(pairs_of, sum(n * apart for (apart, _), n in cells.items()), dict(cells))

    def __str__(self) -> str:
        counts = sorted(self.cells.items(), reverse=True)
        each = ", ".join(f"{n} × {apart} of {of}" for (apart, of), n in counts)
        return f"{self.apart} of {self.pairs} positive pairs share no take; by compound: {each}"


def _joins(dataset: Dataset) -> Iterator[dict[str, Any]]:
    """Yield every two takes that are joined in a shard, and the number of their compounds."""
    columns = ["subject", "first", "second", "first_take", "second_take"]
    for table in dataset.compounds.tables(columns):
        # In one thread, groups keep the order of the rows.
        groups = table.group_by(columns, use_threads=False)
        yield from groups.aggregate([("subject", "count")]).to_pylist()


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
    virtual : bool
        True where only the plan of the compounds is stored.
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
    agreement : Agreement or None
        Of spotting with boundaries that a table gives; None where it gives none.
    health : tuple of HealthLine
        Everything odd about the dataset, worst first.
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
    virtual: bool
    seam_median: float | None
    positive_pairs: int | None
    positive_pairs_apart: int | None
    stale: bool
    notes: list[str]
    shards: int
    bytes: int
    agreement: Agreement | None
    health: tuple[HealthLine, ...]

    def __str__(self) -> str:
        return listing(self.path, self._rows())

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as JSON values, by name."""
        return asdict(self) | {"health": [line.to_json() for line in self.health]}

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
        if self.agreement:
            yield "given truth", str(self.agreement)
        if self.compounds is None:
            yield "compounds", "none; make them with `fmdata synth-compound`"
        else:
            seam = self.seam_median
            jump = f", median seam {seam:.1f} (1: no jump)" if seam is not None else ""
            kind = ", virtual: spliced when read" if self.virtual else ""
            yield "compounds", f"{self.compounds}{jump}{kind}"
            apart, pairs = self.positive_pairs_apart, self.positive_pairs
            yield "pairs", f"{apart} of {pairs} positive pairs share no take"
        if self.stale:
            yield "", "stale: the actions have changed; run `fmdata synth-compound` again"
        yield from (("", note) for note in first_of(self.notes))
        yield "shards", f"{self.shards}, {self.bytes / 1e6:.1f} MB"
        yield "health", "nothing odd" if not self.health else str(self.health[0])
        yield from (("", str(line)) for line in self.health[1:])


def summarise(dataset: Dataset) -> Summary:
    """Summarise a dataset from its card and its tables."""
    card = dataset.card
    rows = dataset.actions.table(_COUNTED)
    moving = rows.filter(pc.is_valid(rows["style"]))
    shards = [shard for part in card.parts for shard in part.shards]
    apart = TakesApart.of(dataset) if card.compounds else None
    seams = dataset.compounds.table(["seam"])["seam"] if card.compounds else None
    return Summary(
        path=str(dataset.path),
        recordings=card.recordings,
        clips=rows.num_rows,
        dropped=card.dropped,
        subjects=pc.count_distinct(rows["subject"]).as_py(),
        actions=pc.count_distinct(rows["action"]).as_py(),
        frames=_sum(rows["n_frames"]),
        seconds=_sum(pc.divide(rows["n_frames"], rows["fps"])),
        size=card.size,
        returning=_sum(pc.equal(moving["style"], "return")),
        held=_sum(pc.equal(moving["style"], "hold")),
        flashes=_sum(moving["flash"]),
        motionless=rows.num_rows - moving.num_rows,
        motion_frames_median=_median(pc.subtract(moving["offset"], moving["onset"])),
        amplitude_iod_median=_median(moving["amplitude"]),
        dropped_reasons=dict(Counter(dataset.dropped()["reason"].to_pylist())),
        compounds=card.compounds.samples if card.compounds else None,
        virtual=bool(card.compounds and card.compounds.virtual),
        seam_median=_median(seams) if seams is not None else None,
        positive_pairs=apart.pairs if apart else None,
        positive_pairs_apart=apart.apart if apart else None,
        stale=card.stale,
        notes=card.compounds.notes if card.compounds else [],
        shards=len(shards),
        agreement=Agreement.of(dataset.actions.table(AGREEING)),
        bytes=sum(file.bytes for shard in shards for file in shard.files.values()),
        health=tuple(health(dataset)),
    )


def _sum(values: pa.ChunkedArray) -> Any:
    return pc.sum(values).as_py() or 0


def _median(values: pa.ChunkedArray) -> float | None:
    values = values.drop_null()
    return float(np.median(values.to_numpy())) if len(values) else None
