"""SMIC (Li et al. 2013): micro-expressions of 16 people by three cameras.

Folders ``HS/s1/micro/negative/s1_ne_01/image….bmp``, the same below ``VIS`` and ``NIR``, and
``HS/s1/non_micro/s1_n1``; cropped ones have ``reg_image….bmp``. SMIC-E has longer recordings,
``SMIC-HS-E/HS/s01/s1_ne_01/image559700.jpg``, and a table, ``SMIC-HS-E_annotation.xlsx``: Subject,
Filename, OnsetF, OffsetF, Onset2F, Offset2F, Onset3F, Offset3F, Emotion. Its numbers are those of
the images. HS has 100 frames a second, VIS and NIR 25.

Subject is ``s1``, action ``negative``, ``positive``, ``surprise`` or ``non_micro``, take camera and
clip (``HS_s1_ne_01``; ``HS_long_s1_ne_01`` in SMIC-E). The label `camera` is HS, VIS or NIR: one
motion may be there three times. There is no apex. The short clips are cut to the motion, so they
have boundaries only where the table's numbers are among their images.
"""

import re
from collections.abc import Hashable, Iterator
from pathlib import Path

from fmdata.pipeline.reading.layouts.coded import CodedLayout, Coding, number_in
from fmdata.pipeline.reading.layouts.contents import Contents, Source, remark
from fmdata.pipeline.reading.layouts.layout import path_pattern
from fmdata.pipeline.reading.layouts.row import Listed, Row
from fmdata.pipeline.reading.layouts.sheet import Sheet

FPS = {"HS": 100.0, "VIS": 25.0, "NIR": 25.0}
EMOTIONS = {"ne": "negative", "po": "positive", "sur": "surprise"}
_CAMERA = re.compile(r"(?<![a-z])(HS|VIS|NIR)(?![a-z])", re.IGNORECASE)
_LONG = re.compile(r"SMIC[-_](?:\w+[-_])?E(?![a-z])|_long(?![a-z])", re.IGNORECASE)
_MOTIONS = ("", "2", "3")  # in the names of columns
_SHEET = Sheet(
    {"clip": ("Filename",)}
    | {f"first{n}": (f"Onset{n}F",) for n in _MOTIONS}
    | {f"last{n}": (f"Offset{n}F",) for n in _MOTIONS},
    needed=("clip", "first", "last"),
)


class Smic(CodedLayout):
    """The layout of SMIC and SMIC-E."""

    name = "smic"
    title = "SMIC"
    example = "HS/s1/micro/negative/s1_ne_01/image1.bmp"
    pattern = path_pattern(
        r"""(?: (?P<clip> s(?P<number>\d{1,2})_(?P<emotion>ne|po|sur)_\d+ )
            | s(?P<other>\d{1,2})/non_micro/(?P<calm>[^/]+) ) / [^/]*\d\.\w+"""
    )
    tables = re.compile(r"SMIC-(HS|VIS|NIR)-E_annotation.*\.(?:xlsx?|csv)", re.IGNORECASE)
    table_example = "SMIC-HS-E_annotation.xlsx"

    def read(self, contents: Contents) -> Listed:
        """Make rows of the recordings, whose camera is in the names of their folders."""
        self._contents = contents
        listed = super().read(contents)
        unknown = [str(row.source.path) for row in listed.rows if row.fps is None]
        note = "no folder HS, VIS or NIR above, so the frame rate is unknown, and a build takes 25"
        return Listed(listed.rows, [*listed.notes, *remark(note, unknown)])

    def row(self, source: Source, match: re.Match[str]) -> Row:
        """Return the row of a recording."""
        path, clip = self._contents.whole(source), _clip(match)
        subject = f"s{int(match['number'] or match['other'])}"
        action = EMOTIONS[match["emotion"].lower()] if match["emotion"] else "non_micro"
        camera = camera_of(path)
        version = "_".join(filter(None, (camera, "long" if _LONG.search(path) else "")))
        labels = {"emotion": action, "camera": camera}
        take = f"{version}_{clip}".strip("_")
        same = f"{subject}/{action}/{take}"
        return Row(source, subject, action, take, FPS.get(camera), labels=labels, same=same)

    def clip_of(self, row: Row, path: str) -> Hashable:
        """Return the camera and the clip."""
        match = self.pattern.search(path)
        return camera_of(path), _clip(match) if match else ""

    def codings(self, table: Path) -> list[Coding]:
        """Read an annotation table; its file's name has the camera."""
        camera = camera_of(table.name)
        return [coding for row in _SHEET.read(table) for coding in _codings(camera, row)]


def camera_of(path: str) -> str:
    """Return the camera named last in a path; empty if there is none."""
    cameras = _CAMERA.findall(path)
    return cameras[-1].upper() if cameras else ""


def _clip(match: re.Match[str]) -> str:
    return str(match["clip"] or match["calm"]).lower()


def _codings(camera: str, row: dict[str, str]) -> Iterator[Coding]:
    """Yield the codings of a row: up to three motions in one recording."""
    clip = row["clip"].lower()
    for n in _MOTIONS:
        first, last = number_in(row.get(f"first{n}", "")), number_in(row.get(f"last{n}", ""))
        if first is not None and last is not None:
            yield Coding((camera, clip), f"{camera} {clip}", first, None, last)
