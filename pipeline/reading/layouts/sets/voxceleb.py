"""VoxCeleb2 (Chung et al. 2018): speech of 6,000 people in interviews.

Files ``dev/mp4/id00012/21Uxsk56VDQ/00001.mp4``: person, video on YouTube, utterance; the table
``vox2_meta.csv`` (VoxCeleb2 ID, …, Gender, Set), where it is there.

Subject is ``id00012``, action ``speech``, take video and utterance (``21Uxsk56VDQ_00001``). Labels:
`video`, `set` (dev or test, where the path says it), `gender`. VoxCeleb1 is distributed as single
pictures, one a second, which show no motion.
"""

import re

from fmdata.pipeline.reading.layouts.contents import Contents, Source
from fmdata.pipeline.reading.layouts.layout import Layout, last_part, path_pattern
from fmdata.pipeline.reading.layouts.row import Listed, Row
from fmdata.pipeline.reading.layouts.sheet import Sheet

_META = re.compile(r"vox2_meta.*\.csv", re.IGNORECASE)
_SHEET = Sheet({"subject": ("VoxCeleb2 ID",), "gender": ("Gender",)}, needed=("subject", "gender"))
_SET = re.compile(r"(?:.*[^a-z])?(dev|test)(?:[^a-z].*)?", re.IGNORECASE)


class VoxCeleb(Layout):
    """The layout of VoxCeleb2."""

    name = "voxceleb"
    title = "VoxCeleb2"
    example = "dev/mp4/id00012/21Uxsk56VDQ/00001.mp4"
    pattern = path_pattern(
        r"(?P<subject>id\d{5})/(?P<video>[\w-]{11})/(?P<clip>\d{5})(?:\.\w+|/[^/]+)"
    )

    def read(self, contents: Contents) -> Listed:
        """Make rows of the utterances."""
        self._genders = {
            row["subject"]: row["gender"]
            for path, _ in contents.files(_META)
            for row in _SHEET.read(path)
        }
        return super().read(contents)

    def row(self, source: Source, match: re.Match[str]) -> Row:
        """Return the row of an utterance."""
        subject, part = match["subject"], last_part(source.file, _SET)
        labels = {
            "video": match["video"],
            "set": part[1].lower() if part else None,
            "gender": self._genders.get(subject),
        }
        return Row(source, subject, "speech", f"{match['video']}_{match['clip']}", labels=labels)
