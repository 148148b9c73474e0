"""One recording of a data set as a row of a table, and all rows of a set."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from fmdata.pipeline.reading.layouts.contents import Source

Label = str | int | float | None


@dataclass(frozen=True)
class Boundaries:
    """Boundaries of a motion as a set gives them, in frames of the recording; None if unknown.

    Attributes
    ----------
    onset, apex : int or None
        First frame that moves, and frame of the largest motion, from 0 on.
    offset : int or None
        First frame after the motion.
    """

    onset: int | None = None
    apex: int | None = None
    offset: int | None = None


@dataclass(frozen=True)
class Row:
    """One recording of a data set.

    Attributes
    ----------
    source : Source
        The recording.
    subject, action, take : str
        Its names.
    fps : float or None
        Frame rate of a folder of images; None for that of the file.
    given : Boundaries
        Boundaries of its motion.
    labels : mapping of str to Label
        Further columns, carried along by a build.
    same : str
        Name of the motion, where the set may hold several versions of its recording (raw and
        cropped, with and without sound), of which one is wanted; empty otherwise.
    rank : int
        Of several versions those of the highest rank are wanted, and of these the longest.
    """

    source: Source
    subject: str
    action: str
    take: str
    fps: float | None = None
    given: Boundaries = Boundaries()
    labels: Mapping[str, Label] = field(default_factory=dict)
    same: str = ""
    rank: int = 0

    @property
    def preference(self) -> tuple[int, int, bool]:
        """Sorts versions of a recording: the largest is wanted."""
        return self.rank, len(self.source.images), "crop" not in str(self.source.path).lower()


@dataclass(frozen=True)
class Listed:
    """The rows of a data set, and remarks for the user on what is missing or odd."""

    rows: list[Row]
    notes: list[str] = field(default_factory=list)


def best_versions(rows: Iterable[Row]) -> tuple[list[Row], list[Row]]:
    """Divide rows into the best version of each recording, and the other versions."""
    versions: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        versions[row.same or row.source.file].append(row)
    kept, others = [], []
    for same in versions.values():
        best, *rest = sorted(same, key=lambda row: row.preference, reverse=True)
        kept.append(best)
        others += rest
    return kept, others
