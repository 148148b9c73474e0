"""Facts of a dataset for its introduction: counts, folds, columns, numbers and known limits.

Promise: no fact holds the name of a subject, the key of a clip, a path, a time or a host.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np
import pyarrow as pa

from fmdata.catalog.cards.statements import CardSettings
from fmdata.catalog.clips import Clips
from fmdata.catalog.dataset import Dataset
from fmdata.catalog.storage import card as card_file
from fmdata.catalog.storage.card import Card, Part
from fmdata.catalog.storage.schema import POSITIONS, is_scalar
from fmdata.catalog.storage.shards import SUFFIXES
from fmdata.catalog.summary import Summary, summarise

# Numbers whose spread is shown.
MEASURED = {
    card_file.ACTIONS: ("n_frames", "fps", "amplitude", "snr", "pose_range", "detected_share",
                        "face_px", "sharpness", "brightness"),
    card_file.COMPOUNDS: ("n_frames", "seam"),
}  # fmt: skip


@dataclass(frozen=True)
class Spread:
    """A column of numbers: how many values it has, the least, the median and the largest."""

    column: str
    count: int
    low: float
    median: float
    high: float


@dataclass(frozen=True)
class Half:
    """The actions or the compounds.

    Attributes
    ----------
    name : str
        Name of its folder.
    part : Part
        Its entry of the card.
    columns : pyarrow.Schema
        Columns of its table of clips.
    spreads : tuple of Spread
        Its numbers.
    members : tuple of str
        Members of a sample in a tar, such as ``avi``; none of virtual compounds.
    """

    name: str
    part: Part
    columns: pa.Schema
    spreads: tuple[Spread, ...]
    members: tuple[str, ...]

    @property
    def folds(self) -> dict[int, list[str]]:
        """Names of the shards of each fold, in order."""
        found: dict[int, list[str]] = {}
        for shard in self.part.shards:
            found.setdefault(shard.fold, []).append(shard.name)
        return dict(sorted(found.items()))

    def samples(self, fold: int) -> int:
        """Return the number of clips in a fold."""
        return sum(shard.samples for shard in self.part.shards if shard.fold == fold)

    @property
    def facts(self) -> list[pa.Field]:
        """Columns that are in the JSON member of a sample too: scalars, and no positions."""
        positions = {position.name for position in POSITIONS}
        return [f for f in self.columns if is_scalar(f) and f.name not in positions]


@dataclass(frozen=True)
class Facts:
    """All facts of a dataset's introduction.

    Attributes
    ----------
    title : str
        Name of the dataset.
    stated : CardSettings
        Statements of the user.
    card : Card
        The dataset's card.
    card_sha256 : str
        Digest of the card's file.
    summary : Summary
        Its counts and medians.
    halves : tuple of Half
        The actions and, where the dataset has them, the compounds.
    limits : tuple of str
        Sentences on everything odd, each with its number, worst first.
    """

    title: str
    stated: CardSettings
    card: Card
    card_sha256: str
    summary: Summary
    halves: tuple[Half, ...]
    limits: tuple[str, ...]

    @property
    def stored(self) -> Iterator[Half]:
        """The halves whose clips lie in tars."""
        return (half for half in self.halves if half.part.shards and not half.part.virtual)

    @property
    def n_clips(self) -> int:
        """Clips and compounds together."""
        return sum(half.part.samples for half in self.halves)

    @property
    def is_pseudonymous(self) -> bool:
        """True where subjects have pseudonyms."""
        return self.card.actions.settings.get("pseudonyms") is True


def gather(dataset: Dataset) -> Facts:
    """Gather the facts of a dataset, from its card and its tables."""
    card = dataset.card
    stated, summary = CardSettings.of(card.stated), summarise(dataset)
    halves = [_half(card_file.ACTIONS, dataset.actions)]
    if card.compounds:
        halves.append(_half(card_file.COMPOUNDS, dataset.compounds))
    content = (dataset.path / card_file.NAME).read_bytes()
    return Facts(
        title=stated.name or f"Facial motion of {summary.subjects} subjects",
        stated=stated,
        card=card,
        card_sha256=hashlib.sha256(content).hexdigest(),
        summary=summary,
        halves=tuple(halves),
        limits=tuple(line.text for line in summary.health),
    )


def release() -> str:
    """Return the version of fmdata that is installed."""
    return metadata.version("fmdata")


def _half(name: str, clips: Clips[Any]) -> Half:
    measured = [one for one in MEASURED[name] if one in clips.columns.facts.names]
    table = clips.table(measured)
    members = []
    if clips.part.shards and not clips.part.virtual:
        first = next(iter(clips))
        has = [kind for kind in SUFFIXES if first.row.get(f"{kind}_offset") is not None]
        members = [SUFFIXES[kind].removeprefix(".") for kind in has]
    spreads = [_spread(column, table[column]) for column in measured]
    found = tuple(one for one in spreads if one)
    return Half(name, clips.part, clips.columns.clips, found, tuple(members))


def _spread(column: str, values: pa.ChunkedArray) -> Spread | None:
    numbers = values.drop_null().to_numpy()
    if not len(numbers):
        return None
    low, median, high = np.percentile(numbers, [0, 50, 100]).tolist()
    return Spread(column, len(numbers), low, median, high)
