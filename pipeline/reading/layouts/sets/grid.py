"""GRID (Cooke et al. 2006): sentences of six words by 34 people, 25 frames a second.

A thousand sentences a person. Files ``s1/bbaf2n.mpg`` (or ``s1/video/mpg_6000/bbaf2n.mpg``, of
which the larger picture is taken), and ``bbaf2n.align`` below any folder with the speaker's name
(``alignments/s1/``, ``align/s1/``, ``s1/align/``): start, end and word in 1/25000 s, with ``sil``
before and after. The file's name spells the sentence: command, colour, preposition, letter, digit,
adverb.

Subject is ``s1``, action the command (bin, lay, place, set), with which the sentence begins, take
the file's name. Labels: `sentence`, its six parts, and `words`, the first frame of each word. The
motion is the speech: its onset is the frame in which the first word begins, its offset the first
frame after the last word; it has no apex.
"""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from fmdata.pipeline.reading.layouts.contents import Contents, Source, remark
from fmdata.pipeline.reading.layouts.layout import Layout, last_part, path_pattern
from fmdata.pipeline.reading.layouts.row import Boundaries, Label, Listed, Row

FPS = 25
UNITS_PER_S = 25_000
_PARTS: dict[str, dict[str, str]] = {
    "command": {"b": "bin", "l": "lay", "p": "place", "s": "set"},
    "colour": {"b": "blue", "g": "green", "r": "red", "w": "white"},
    "preposition": {"a": "at", "b": "by", "i": "in", "w": "with"},
    "letter": {letter: letter for letter in "abcdefghijklmnopqrstuvxyz"},  # no w
    "digit": {"z": "zero", "1": "one", "2": "two", "3": "three", "4": "four", "5": "five",
              "6": "six", "7": "seven", "8": "eight", "9": "nine"},
    "adverb": {"a": "again", "n": "now", "p": "please", "s": "soon"},
}  # fmt: skip
_NAME = "".join(f"[{''.join(words)}]" for words in _PARTS.values())
_SPEAKER = re.compile(r"s(\d{1,2})(?:_processed|\.mpg_.*)?", re.IGNORECASE)
_ALIGN = re.compile(rf"({_NAME})\.align", re.IGNORECASE)
_SILENT = ("sil", "sp")
_MAX_BYTES = 1 << 16  # of an .align file


class Word(NamedTuple):
    """A spoken word: frame in which it begins, first frame after it, and the word."""

    onset: int
    offset: int
    word: str


class Grid(Layout):
    """The layout of GRID."""

    name = "grid"
    title = "GRID"
    example = "s1/bbaf2n.mpg"
    pattern = path_pattern(rf"(?P<clip>{_NAME})(?:\.\w+|/[^/]+)")
    sign = path_pattern(rf"s\d{{1,2}}/(?:[^/]+/)*{_NAME}(?:\.mpg|/[^/]+)")

    def read(self, contents: Contents) -> Listed:
        """Make rows of the sentences, with the times of the words beside them."""
        self._contents, self._nobody, self._untimed = contents, list[str](), list[str]()
        self._aligned = {
            (speaker_of(contents.below(path)), match[1].lower()): path
            for path, match in contents.files(_ALIGN)
        }
        rows = [row for row in super().read(contents).rows if row.subject]
        notes = remark("no folder of a speaker above, s1 to s34, left out", self._nobody)
        notes += remark("no readable .align file, so the words have no times", self._untimed)
        return Listed(rows, notes)

    def row(self, source: Source, match: re.Match[str]) -> Row:
        """Return the row of a sentence; without a subject if no folder names the speaker."""
        clip, speaker = match["clip"].lower(), speaker_of(self._contents.whole(source))
        words = read_words(self._aligned.get((speaker, clip)))
        if not speaker:
            self._nobody.append(source.file)
        elif not words:
            self._untimed.append(source.file)
        parts = {name: word_of[c] for (name, word_of), c in zip(_PARTS.items(), clip, strict=True)}
        labels: dict[str, Label] = {"sentence": " ".join(parts.values()), **parts}
        labels["words"] = " ".join(f"{word.word}@{word.onset}" for word in words)
        fps = float(FPS) if source.images else None
        rank = int("mpg_6000" in source.file)
        return Row(source, speaker, parts["command"], clip, fps, spoken(words), labels,
                   same=f"{speaker}/{clip}", rank=rank)  # fmt: skip


def speaker_of(path: str) -> str:
    """Return the speaker that the folders of a path name, such as ``s1``; empty if none does."""
    match = last_part(path, _SPEAKER)
    return f"s{int(match[1])}" if match else ""


def read_words(path: Path | None) -> list[Word]:
    """Read the words of an .align file, in order; none where it is missing or not readable."""
    if path is None:
        return []
    try:
        with path.open("rb") as file:
            lines = [line.split() for line in file.read(_MAX_BYTES).decode("ascii").splitlines()]
        return [_word(*line) for line in lines if line and line[-1].lower() not in _SILENT]
    except (OSError, ValueError, TypeError):
        return []


def _word(start: str, stop: str, word: str) -> Word:
    onset, offset = (int(time) * FPS / UNITS_PER_S for time in (start, stop))
    return Word(math.floor(onset), math.ceil(offset), word)


def spoken(words: Sequence[Word]) -> Boundaries:
    """Return the boundaries of the speech: from the first word to the end of the last."""
    return Boundaries(words[0].onset, None, words[-1].offset) if words else Boundaries()
