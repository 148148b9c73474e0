"""The contract of a layout: names of a data set's files to rows of a table."""

import re
from abc import ABC, abstractmethod
from typing import ClassVar

from fmdata.pipeline.reading.layouts.contents import Contents, Source
from fmdata.pipeline.reading.layouts.row import Listed, Row

UNLABELLED = "unlabelled"  # action of a recording whose label is unknown


class Layout(ABC):
    """One data set: the names of its files, and the meaning of its tables.

    Attributes
    ----------
    name : str
        Name on the command line.
    title : str
        Name for people.
    example : str
        Path of a file of the set, as an example.
    pattern : re.Pattern
        Found in the path of each video, and of the first image of each folder of images.
    sign : re.Pattern or None
        The same, but so strict that nothing else looks like it; None if `pattern` is.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    example: str
    pattern: re.Pattern[str]
    sign: ClassVar[re.Pattern[str] | None] = None

    def read(self, contents: Contents) -> Listed:
        """Make rows of the recordings of a folder that are named as in this set."""
        rows = [self.row(source, match) for source, match in contents.matches(self.pattern)]
        return Listed(rows)

    @abstractmethod
    def row(self, source: Source, match: re.Match[str]) -> Row:
        """Return the row of a recording in whose path the pattern was found."""


def path_pattern(text: str) -> re.Pattern[str]:
    """Compile a pattern of paths in any letter case; it begins at the beginning of a name.

    Spaces and line breaks in `text` do not count.
    """
    return re.compile(rf"(?:^|(?<=/)){text}$", re.IGNORECASE | re.VERBOSE)


def last_part(path: str, pattern: re.Pattern[str]) -> re.Match[str] | None:
    """Return the match of the last part of a path that a pattern matches as a whole."""
    matches = (pattern.fullmatch(part) for part in reversed(path.split("/")))
    return next(filter(None, matches), None)
