"""Bounds of a table that came with the recordings: it names files below its folder only.

Promise: a folder from elsewhere cannot make a build read a file outside itself, unless the user
allows links that lead out, or names the table with ``--table``.
"""

from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from fmdata.pipeline.reading.listing.walk import is_outward

_ADVICE = "which only a table given with --table may name"


@dataclass(frozen=True)
class Bounds:
    """The folder that the rows of a table keep within.

    Attributes
    ----------
    raw : Path
        The folder.
    follow_links : bool
        Whether links may lead out of it.
    """

    raw: Path
    follow_links: bool = False

    def error_of(self, written: str) -> str:
        """Return the error of a path as written, before any file is looked at; empty for none."""
        if written.startswith(("/", "\\")):  # two of them begin a share of Windows, or a path here
            return f"is an absolute path, {_ADVICE}"
        windows = PureWindowsPath(written)  # takes slashes and backslashes for the same
        return f"has a part .., {_ADVICE}" if ".." in windows.parts else ""

    def error_at(self, path: Path) -> str:
        """Return the error of a file or a folder of images that a link leads out of; else empty."""
        if self.follow_links:
            return ""
        top = self.raw.resolve()
        inside = path.iterdir() if path.is_dir() else ()
        if any(is_outward(one, top) for one in (path, *inside)):
            return f"leads out of the folder by a link, {_ADVICE} (or allow it with --follow-links)"
        return ""
