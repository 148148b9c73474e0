"""CASME II (Yan et al. 2014): micro-expressions of 26 people at 200 frames a second.

Folders ``CASME2-RAW/sub01/EP02_01f/img1.jpg`` (whole recordings), ``CASME2_RAW_selected`` and
``Cropped/sub01/EP02_01f/reg_img46.jpg`` (the coded images alone); table
``CASME2-coding-20190701.xlsx`` (or ``-20140508``): Subject, Filename, OnsetFrame, ApexFrame,
OffsetFrame, Action Units, Estimated Emotion. Its numbers are those of the images. Where several
versions lie in the folder, the one with the most images is taken. In ``Cropped`` the first frame
moves already, and the last frame ends the motion, which then reads as a ``hold``.

Subject is ``sub01``, action the estimated emotion, take the file name (``EP02_01f``). One ApexFrame
is ``/``, unknown. The compressed videos get labels only: their first frame is not documented.
"""

import re
from collections.abc import Hashable
from pathlib import Path

from fmdata.pipeline.reading.layouts.coded import CodedLayout, Coding, number_in
from fmdata.pipeline.reading.layouts.contents import Source
from fmdata.pipeline.reading.layouts.layout import path_pattern
from fmdata.pipeline.reading.layouts.row import Label, Row
from fmdata.pipeline.reading.layouts.sheet import Sheet

FPS = 200.0
_LABELS = ("aus", "objective_class")
_SHEET = Sheet(
    {
        "subject": ("Subject",),
        "clip": ("Filename",),
        "first": ("OnsetFrame", "Onset", "OnsetF"),
        "peak": ("ApexFrame", "Apex", "ApexF", "ApexF1"),
        "last": ("OffsetFrame", "Offset", "OffsetF"),
        "aus": ("Action Units",),
        "emotion": ("Estimated Emotion",),
        "objective_class": ("Objective Class", "Objective Classes"),
    },
    needed=("subject", "clip", "first", "last"),
)


class Casme2(CodedLayout):
    """The layout of CASME II."""

    name = "casme2"
    title = "CASME II"
    example = "CASME2-RAW/sub01/EP02_01f/img1.jpg"
    pattern = path_pattern(
        r"sub(?P<subject>\d{2})/(?P<clip>EP\d+_\d+\w?)(?:/(?:reg_)?img\d+)?\.\w+"
    )
    tables = re.compile(r"CASME[ _-]?(?:2|II).*cod.*\.(?:xlsx?|csv)", re.IGNORECASE)
    table_example = "CASME2-coding-20190701.xlsx"

    def row(self, source: Source, match: re.Match[str]) -> Row:
        """Return the row of a recording; its action is in the table alone."""
        subject, clip = f"sub{match['subject']}", match["clip"]
        fps = FPS if source.images else None
        return Row(source, subject, "", clip, fps, same=f"{subject}/{clip}".casefold())

    def clip_of(self, row: Row, path: str) -> Hashable:
        """Return the number of the subject and the name of the clip."""
        return int(row.subject.removeprefix("sub")), row.take.casefold()

    def codings(self, table: Path) -> list[Coding]:
        """Read the coding table."""
        return [coding(row) for row in _SHEET.read(table)]


def coding(row: dict[str, str]) -> Coding:
    """Return the coding that a row of the table describes."""
    subject = number_in(re.sub(r"^\D+", "", row["subject"])) or 0
    emotion = row.get("emotion", "").lower()
    labels: dict[str, Label] = {name: row[name] for name in _LABELS if name in row}
    return Coding(
        clip=(subject, row["clip"].casefold()),
        shown=f"sub{subject:02d}/{row['clip']}",
        first=number_in(row["first"]),
        peak=number_in(row.get("peak", "")),
        last=number_in(row["last"]),
        action=emotion,
        labels={"emotion": emotion, **labels},
    )
