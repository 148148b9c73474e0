"""MEAD (Wang et al. 2020): speech of some 60 actors with eight emotions, in up to seven views.

Files ``M003/video/front/angry/level_1/001.mp4``.

Subject is ``M003``, action the emotion, take view, level and number (``front_1_001``). Labels:
`emotion`, `level` (1 to 3), `view`: each trial is there once for each view, and side views may show
too little of the face.
"""

import re

from fmdata.pipeline.reading.layouts.contents import Source
from fmdata.pipeline.reading.layouts.layout import Layout, path_pattern
from fmdata.pipeline.reading.layouts.row import Row


class Mead(Layout):
    """The layout of MEAD."""

    name = "mead"
    title = "MEAD"
    example = "M003/video/front/angry/level_1/001.mp4"
    pattern = path_pattern(
        r"""(?P<subject>[MW]\d{3})/(?:video/)?
            (?P<view>front|top|down|left_30|left_60|right_30|right_60)/
            (?P<emotion>[a-z]+)/
            level_(?P<level>[123])/(?P<number>\d{3})(?:\.\w+|/[^/]+)"""
    )

    def row(self, source: Source, match: re.Match[str]) -> Row:
        """Return the row of a trial in one view."""
        emotion, view = match["emotion"].lower(), match["view"].lower()
        take = f"{view}_{match['level']}_{match['number']}"
        labels = {"emotion": emotion, "level": int(match["level"]), "view": view}
        return Row(source, match["subject"].upper(), emotion, take, labels=labels)
