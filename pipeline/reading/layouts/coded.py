"""Data sets whose motions are coded by hand in one table: by the numbers of their images.

Promise: boundaries are in frames of the recording as it lies on the disk, whatever number its first
image has. The last coded image belongs to the motion, so the offset, the first frame after it, is
one later. What cannot be placed among the images is left open, and named.
"""

import re
from abc import abstractmethod
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

from fmdata.pipeline.reading.layouts.contents import Contents, remark
from fmdata.pipeline.reading.layouts.layout import UNLABELLED, Layout
from fmdata.pipeline.reading.layouts.row import Boundaries, Label, Listed, Row, best_versions


@dataclass(frozen=True)
class Coding:
    """A motion as the table of a set describes it.

    Attributes
    ----------
    clip : Hashable
        Identifies the recording, as :meth:`CodedLayout.clip_of` does.
    shown : str
        The recording as the table names it, for messages.
    first, peak, last : int or None
        Numbers of the first, the apex and the last image of the motion, as written.
    action : str
        Action of the recording; empty if the table gives none.
    labels : mapping
        Further columns.
    """

    clip: Hashable
    shown: str
    first: int | None
    peak: int | None
    last: int | None
    action: str = ""
    labels: Mapping[str, Label] = field(default_factory=dict)


class CodedLayout(Layout):
    """A data set with a table of its motions.

    Attributes
    ----------
    tables : re.Pattern
        Names of the table's file.
    table_example : str
        One of these names.
    """

    tables: ClassVar[re.Pattern[str]]
    table_example: ClassVar[str]

    @abstractmethod
    def codings(self, table: Path) -> list[Coding]:
        """Read the table."""

    @abstractmethod
    def clip_of(self, row: Row, path: str) -> Hashable:
        """Return the identity of a recording, whose file has the given whole path."""

    def read(self, contents: Contents) -> Listed:
        """Make rows of the recordings, with the boundaries and labels of the table."""
        tables = [path for path, _ in contents.files(self.tables)]
        codings: dict[Hashable, list[Coding]] = {}
        for table in tables:  # a later release of the table, by its name, replaces an earlier one
            codings |= _by_clip(self.codings(table))
        placing = _Placing()
        best, versions = best_versions(super().read(contents).rows)
        clips = {row.source.path: self.clip_of(row, contents.whole(row.source)) for row in best}
        rows = [
            placed
            for row in best
            for placed in placing.rows(row, codings.get(clips[row.source.path], []))
        ]
        found = {*clips.values()}
        lost = [one.shown for clip, some in codings.items() if clip not in found for one in some]
        notes = [*self._notes(tables, lost), *placing.notes()] if rows else []
        return Listed([*rows, *versions], notes)

    def _notes(self, tables: Sequence[Path], lost: Sequence[str]) -> list[str]:
        notes = []
        if not tables:
            notes.append(
                f"no table such as {self.table_example}, so labels and boundaries are unknown: "
                "put it anywhere in the folder"
            )
        if len(tables) > 1:
            names = [table.name for table in tables]
            notes += remark("tables of motions, of which the last by name counts", names)
        return notes + remark("rows of the set's table without a recording", lost)


def _by_clip(codings: Sequence[Coding]) -> dict[Hashable, list[Coding]]:
    by_clip: dict[Hashable, list[Coding]] = defaultdict(list)
    for coding in codings:
        by_clip[coding.clip].append(coding)
    return by_clip


class _Placing:
    """Joins recordings with their codings, and collects what does not fit."""

    def __init__(self) -> None:
        self.uncoded: list[str] = []
        self.unbounded: list[str] = []
        self.outside: list[str] = []
        self.apexes: list[str] = []
        self.videos: list[str] = []
        self._has_codings = False

    def rows(self, row: Row, codings: Sequence[Coding]) -> list[Row]:
        """Return a row for each motion of a recording; one without boundaries if it has none."""
        distinct = list({(c.first, c.peak, c.last): c for c in codings}.values())
        self._has_codings |= bool(distinct)
        if not distinct:
            self.uncoded.append(str(row.source.path))
            return [replace(row, action=row.action or UNLABELLED)]
        placed = [self._placed(row, coding) for coding in distinct]
        further = [one for one in placed[1:] if one.given.onset is not None]
        return placed[:1] + [
            replace(one, take=f"{one.take}_m{n}", same=one.same and f"{one.same}_m{n}")
            for n, one in enumerate(further, 2)
        ]

    def _placed(self, row: Row, coding: Coding) -> Row:
        action = coding.action or row.action or UNLABELLED
        labels = {**row.labels, **coding.labels}
        return replace(row, action=action, labels=labels, given=self._boundaries(row, coding))

    def _boundaries(self, row: Row, coding: Coding) -> Boundaries:
        source, path = row.source, str(row.source.path)
        if coding.first is None or coding.last is None:
            self.unbounded.append(path)
            return Boundaries()
        if not source.images:
            self.videos.append(path)
            return Boundaries()
        onset, last = source.frame_of(coding.first), source.frame_of(coding.last)
        if onset is None or last is None or last < onset:
            self.outside.append(f"{path} ({coding.first} to {coding.last})")
            return Boundaries()
        if coding.peak is None:
            return Boundaries(onset, None, last + 1)
        apex = source.frame_of(coding.peak)
        if apex is None or not onset <= apex <= last:
            self.apexes.append(f"{path} ({coding.peak})")
            apex = None
        return Boundaries(onset, apex, last + 1)

    def notes(self) -> list[str]:
        """Return a line for each kind of misfit."""
        uncoded = self.uncoded if self._has_codings else []
        return [
            *remark("not in the set's table, labels unknown", uncoded),
            *remark("rows without a first or a last image, boundaries left open", self.unbounded),
            *remark("coded images that are not all there, boundaries left open", self.outside),
            *remark("an apex that is not inside its motion, left open", self.apexes),
            *remark(
                "videos, whose frames the set's table does not number, boundaries left open",
                self.videos,
            ),
        ]


def number_in(cell: str) -> int | None:
    """Return the whole number in a cell; None for anything else, such as the ``/`` of CASME II.

    >>> number_in("46"), number_in("46.0"), number_in("/"), number_in("")
    (46, 46, None, None)
    """
    match = re.fullmatch(r"\s*(\d+)(?:[.,]0*)?\s*", cell)
    return int(match[1]) if match else None
