"""RAVDESS (Livingstone and Russo 2018): emotional speech and song of 24 actors.

Files ``Video_Speech_Actor_01/Actor_01/01-01-03-01-01-01-01.mp4``: modality (01 with sound, 02
without), channel, emotion, intensity, statement, repetition, actor. Every trial is there with and
without sound, in the same pictures: one of the two is taken, the one with sound where it is there.

Subject is ``Actor_01``, action the emotion, take channel, intensity, statement and repetition as in
the file's name (``01-01-01-01``). Labels: `emotion`, `channel`, `level`, `statement`.
"""

import re

from fmdata.pipeline.reading.layouts.contents import Source
from fmdata.pipeline.reading.layouts.layout import Layout, path_pattern
from fmdata.pipeline.reading.layouts.row import Row

EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
CHANNELS = ("speech", "song")
LEVELS = ("normal", "strong")
STATEMENTS = ("kids are talking by the door", "dogs are sitting by the door")
_NAME = r"""(?P<modality>0[12])-(?P<channel>0[12])-(?P<emotion>0[1-8])-(?P<level>0[12])-
            (?P<statement>0[12])-(?P<repetition>0[12])-(?P<actor>\d{2})(?:\.\w+|/[^/]+)"""


class Ravdess(Layout):
    """The layout of RAVDESS."""

    name = "ravdess"
    title = "RAVDESS"
    example = "Video_Speech_Actor_01/Actor_01/01-01-03-01-01-01-01.mp4"
    pattern = path_pattern(_NAME)
    sign = path_pattern(rf"Actor_\d\d/{_NAME}")

    def row(self, source: Source, match: re.Match[str]) -> Row:
        """Return the row of a trial."""
        codes = [match[name] for name in ("channel", "level", "statement", "repetition")]
        emotion = EMOTIONS[int(match["emotion"]) - 1]
        channel, level, statement, _ = (int(code) - 1 for code in codes)
        labels = {
            "emotion": emotion,
            "channel": CHANNELS[channel],
            "level": LEVELS[level],
            "statement": STATEMENTS[statement],
        }
        subject, take = f"Actor_{match['actor']}", "-".join(codes)
        with_sound = match["modality"] == "01"
        same = f"{subject}/{emotion}/{take}"
        return Row(source, subject, emotion, take, labels=labels, same=same, rank=int(with_sound))
