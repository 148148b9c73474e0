"""AFEW (Dhall et al. 2012), as in the challenges EmotiW: expressions in films.

Files ``Train_AFEW/Angry/000046280.avi``, and the same below ``Val_AFEW``. The files do not say who
is in them, so each clip is a subject of its own, ``Train_000046280``: one actor may be several
subjects, and a split by subjects does not keep actors apart. The label `set` is that of the
challenge, which is divided by films.

Action is the emotion, take ``01``. Label: `emotion`.
"""

import re

from fmdata.pipeline.reading.layouts.contents import Contents, Source
from fmdata.pipeline.reading.layouts.layout import Layout, path_pattern
from fmdata.pipeline.reading.layouts.row import Listed, Row

_NOTE = (
    "the files do not say who is in them: each clip is a subject of its own, so one actor may be "
    "several; divide by the column set"
)


class Afew(Layout):
    """The layout of AFEW."""

    name = "afew"
    title = "AFEW"
    example = "Train_AFEW/Angry/000046280.avi"
    pattern = path_pattern(
        r"""(?: (?P<set>train|val|test)\w*/(?:[^/]+/)* )?
            (?P<emotion>angry|disgust|fear|happy|neutral|sad|surprise)/
            (?P<clip>\d{9,}\w*)(?:\.\w+|/[^/]+)"""
    )

    def read(self, contents: Contents) -> Listed:
        """Make rows of the clips."""
        listed = super().read(contents)
        return Listed(listed.rows, [_NOTE] if listed.rows else [])

    def row(self, source: Source, match: re.Match[str]) -> Row:
        """Return the row of a clip."""
        part = (match["set"] or "").capitalize()
        subject = f"{part}_{match['clip']}" if part else match["clip"]
        emotion = match["emotion"].lower()
        return Row(source, subject, emotion, "01", labels={"emotion": emotion, "set": part.lower()})
