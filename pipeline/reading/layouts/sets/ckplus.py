"""CK+ (Lucey et al. 2010): 593 posed and spontaneous expressions of 123 people.

Folders ``cohn-kanade-images/S005/001/S005_001_00000001.png``, from the neutral face to the peak,
which is the last frame: so the motion is held. Its onset is not coded, so there are no boundaries.
For each sequence there may be ``Emotion/S005/001/S005_001_00000011_emotion.txt`` (0 to
7; only 327 of them) and ``FACS/…_facs.txt`` (action units with intensities 1 to 5, a to e; 0 is not
given).

Subject is ``S005``, action the emotion or ``unlabelled``, take the number of the sequence. Labels:
`emotion` and `aus` (``9d+17b``). The frame rate is that of the recordings on tape (Kanade et al.
2000), 30 frames a second.
"""

import re
from collections import defaultdict
from pathlib import Path

from fmdata.pipeline.reading.layouts.contents import Contents, Source, remark
from fmdata.pipeline.reading.layouts.layout import UNLABELLED, Layout, path_pattern
from fmdata.pipeline.reading.layouts.row import Listed, Row

FPS = 30.0
EMOTIONS = ("neutral", "anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise")
_MAX_BYTES = 1 << 16  # of a label's file
_LABELS = re.compile(r"(S\d{3})_(\d{3})_\d+_(emotion|facs)\.txt", re.IGNORECASE)


class CkPlus(Layout):
    """The layout of CK+."""

    name = "ckplus"
    title = "CK+"
    example = "cohn-kanade-images/S005/001/S005_001_00000001.png"
    pattern = path_pattern(
        r"(?P<subject>S\d{3})/(?P<take>\d{3})/(?P=subject)_(?P=take)_\d+\.(?:png|jpe?g|bmp|tiff?)"
    )

    def read(self, contents: Contents) -> Listed:
        """Make rows of the sequences, with the emotions and action units beside them."""
        self._labels: dict[str, dict[tuple[str, str], Path]] = defaultdict(dict)
        for path, match in contents.files(_LABELS):
            self._labels[match[3].lower()].setdefault((match[1].upper(), match[2]), path)
        self._bad: list[str] = []
        listed = super().read(contents)
        notes = [
            f"no files …_{kind}.txt, so {what} are unknown: unpack {folder} into the folder"
            for kind, what, folder in (
                ("emotion", "emotions", "Emotion_labels.zip"),
                ("facs", "action units", "FACS_labels.zip"),
            )
            if not self._labels[kind]
        ]
        return Listed(listed.rows, [*notes, *remark("labels that cannot be read", self._bad)])

    def row(self, source: Source, match: re.Match[str]) -> Row:
        """Return the row of a sequence."""
        subject, take = match["subject"].upper(), match["take"]
        emotion = self._emotion(subject, take)
        labels = {"emotion": emotion, "aus": self._action_units(subject, take)}
        action, same = emotion or UNLABELLED, f"{subject}/{take}"
        return Row(source, subject, action, take, FPS, labels=labels, same=same)

    def _emotion(self, subject: str, take: str) -> str:
        numbers = self._numbers("emotion", subject, take)
        return EMOTIONS[int(numbers[0][0])] if numbers else ""

    def _action_units(self, subject: str, take: str) -> str:
        """Return action units with their intensities, such as ``9d+17b``."""
        units = self._numbers("facs", subject, take)
        return "+".join(f"{int(unit)}{'abcde'[int(level) - 1 :][:1] if level else ''}"
                        for unit, level in units)  # fmt: skip

    def _numbers(self, kind: str, subject: str, take: str) -> list[list[float]]:
        """Read a file of labels: one number a line, or two; empty where there is none."""
        path = self._labels[kind].get((subject, take))
        if path is None:
            return []
        try:
            with path.open("rb") as file:
                lines = file.read(_MAX_BYTES).decode("ascii").splitlines()
            numbers = [[float(word) for word in line.split()] for line in lines if line.strip()]
            if kind == "emotion" and not (len(numbers) == 1 and 0 <= numbers[0][0] <= 7):
                raise ValueError
            if kind == "facs" and not all(len(n) == 2 and 0 <= n[1] <= 5 for n in numbers):
                raise ValueError
        except (OSError, ValueError):
            self._bad.append(path.name)
            return []
        return numbers
