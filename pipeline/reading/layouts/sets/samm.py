"""SAMM (Davison et al. 2018): micro-movements of 32 people at 200 frames a second.

Folders ``SAMM/006/006_1_2/006_05562.jpg``; table ``SAMM_Micro_FACS_Codes_v2.xlsx``, whose header
(Subject, Filename, Inducement Code, Onset Frame, Apex Frame, Offset Frame, Duration, Micro, Action
Units, Estimated Emotion, Objective Classes, Notes) stands below 13 lines of remarks. The numbers of
the images count on through a whole session, so a recording begins anywhere, and so do the table's.

Subject is ``006``, action the estimated emotion, take the file name (``006_1_2``). In two rows
(028_4_1, 032_3_1) the apex lies outside the motion; it is left open.
"""

import re
from collections.abc import Hashable
from pathlib import Path

from fmdata.pipeline.reading.layouts.coded import CodedLayout, Coding, number_in
from fmdata.pipeline.reading.layouts.contents import Source
from fmdata.pipeline.reading.layouts.layout import path_pattern
from fmdata.pipeline.reading.layouts.row import Row
from fmdata.pipeline.reading.layouts.sheet import Sheet

FPS = 200.0
_LABELS = ("aus", "objective_class", "inducement")
_SHEET = Sheet(
    {
        "clip": ("Filename",),
        "first": ("Onset Frame", "Onset"),
        "peak": ("Apex Frame", "Apex"),
        "last": ("Offset Frame", "Offset"),
        "aus": ("Action Units",),
        "emotion": ("Estimated Emotion",),
        "objective_class": ("Objective Classes", "Objective Class"),
        "inducement": ("Inducement Code",),
    },
    needed=("clip", "first", "last"),
)


class Samm(CodedLayout):
    """The layout of SAMM."""

    name = "samm"
    title = "SAMM"
    example = "SAMM/006/006_1_2/006_05562.jpg"
    pattern = path_pattern(
        r"(?P<subject>\d{3})/(?P<clip>(?P=subject)_\d+_\d+)/(?P=subject)_\d+\.\w+"
    )
    tables = re.compile(r"SAMM.*Micro.*FACS.*\.(?:xlsx?|csv)", re.IGNORECASE)
    table_example = "SAMM_Micro_FACS_Codes_v2.xlsx"

    def row(self, source: Source, match: re.Match[str]) -> Row:
        """Return the row of a recording; its action is in the table alone."""
        return Row(source, match["subject"], "", match["clip"], FPS, same=match["clip"])

    def clip_of(self, row: Row, path: str) -> Hashable:
        """Return the name of the clip, which has the subject in it."""
        return row.take

    def codings(self, table: Path) -> list[Coding]:
        """Read the table of codes."""
        return [coding(row) for row in _SHEET.read(table)]


def coding(row: dict[str, str]) -> Coding:
    """Return the coding that a row of the table describes."""
    emotion = row.get("emotion", "").lower()
    return Coding(
        clip=row["clip"],
        shown=row["clip"],
        first=number_in(row["first"]),
        peak=number_in(row.get("peak", "")),
        last=number_in(row["last"]),
        action=emotion,
        labels={"emotion": emotion, **{name: row[name] for name in _LABELS if name in row}},
    )
