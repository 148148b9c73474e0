"""The visible files below a folder of recordings, and the links among them.

Promise: a folder that came from elsewhere cannot name files outside itself, unless the user allows
it, and no arrangement of links makes the walk endless.
"""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NoReturn

from fmdata.catalog.errors import InputError
from fmdata.catalog.printable import printable
from fmdata.pipeline.reading.listing.kinds import is_named_video

# Files and folders that systems and file servers leave behind; hidden like names with a dot.
_HIDDEN = frozenset(
    ("__macosx", "thumbs.db", "desktop.ini", "@eadir", "$recycle.bin", "system volume information")
)
_MAX_DEPTH = 8  # of folders; the walk follows links
_MAX_WAYS = 1000  # by links to one folder: a few links in each of a few folders make billions
_EXAMPLES = 5  # in a message


@dataclass(frozen=True)
class Tree:
    """The visible contents of a folder, as paths relative to it.

    Attributes
    ----------
    files : list of PurePosixPath
        Files, and dead links.
    leaves : list of PurePosixPath
        Folders without visible folders and files.
    too_deep : list of PurePosixPath
        Folders below the depth to which the walk goes.
    """

    files: list[PurePosixPath] = field(default_factory=list)
    leaves: list[PurePosixPath] = field(default_factory=list)
    too_deep: list[PurePosixPath] = field(default_factory=list)


def read_tree(raw: Path, follow_links: bool) -> Tree:
    """List the visible files below `raw`, and the empty folders; links inside it are followed.

    Hidden files and folders are left out. Dead links are listed, and pipes and devices that are
    named like videos, so that decoding reports them.

    Raises
    ------
    InputError
        When a folder cannot be listed, a link leads out of `raw` without `follow_links`, a link
        leads back to a folder that it lies in, or links lead to one folder by too many ways.
    """
    walk = _Walk(raw, follow_links)
    tree = Tree(too_deep=walk.too_deep)
    for folder, folders, files in os.walk(raw, onerror=_refuse_unlisted, followlinks=True):
        below = PurePosixPath(Path(folder).relative_to(raw).as_posix())
        visible = [name for name in files if not _is_hidden(name)]
        if below.parts and not visible and all(map(_is_hidden, folders)):
            tree.leaves.append(below)
        folders[:] = walk.folders_to_enter(below, folders)
        tree.files.extend(file for name in visible if walk.is_listed(file := below / name))
    walk.check()
    return tree


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in _HIDDEN


class _Walk:
    """State of one walk: the links seen, and the ones to refuse at its end."""

    def __init__(self, raw: Path, follow_links: bool) -> None:
        self.raw, self.follow_links = raw, follow_links
        self.top = raw.resolve()
        self.outward: list[PurePosixPath] = []
        self.circular: list[PurePosixPath] = []
        self.too_deep: list[PurePosixPath] = []
        self.ways: Counter[tuple[int, int]] = Counter()  # by device and inode of a folder

    def folders_to_enter(self, below: PurePosixPath, names: list[str]) -> list[str]:
        """Return the names of the folders in `below` to walk through; note the others."""
        paths = [below / name for name in names if not _is_hidden(name)]
        if len(below.parts) >= _MAX_DEPTH:
            self.too_deep += paths
            return []
        inside = [path for path in paths if not self._leads_out(path)]
        return [path.name for path in inside if not self._is_circular(below, path)]

    def is_listed(self, file: PurePosixPath) -> bool:
        """Check that a file may be a recording; note a refused link."""
        if self._leads_out(file):
            return False
        path = self.raw / file
        return path.is_file() or not path.exists() or is_named_video(file)

    def _leads_out(self, path: PurePosixPath) -> bool:
        link = self.raw / path
        if self.follow_links or not link.is_symlink() or not is_outward(link, self.top):
            return False
        self.outward.append(path)
        return True

    def _is_circular(self, below: PurePosixPath, path: PurePosixPath) -> bool:
        link = self.raw / path
        if not link.is_symlink():
            return False
        if any(link.samefile(self.raw / above) for above in (below, *below.parents)):
            self.circular.append(path)
            return True
        self._count_way(link, path)
        return False

    def _count_way(self, link: Path, below: PurePosixPath) -> None:
        """Count one more way to the folder that `link` leads to; refuse one too many."""
        at = link.stat()
        self.ways[at.st_dev, at.st_ino] += 1
        if self.ways[at.st_dev, at.st_ino] > _MAX_WAYS:
            raise InputError(
                f"links that lead to one folder by more than {_MAX_WAYS} ways: "
                f"{printable(str(below))}",
                wanted="each folder of recordings linked once",
                where=str(self.raw),
                todo="remove links to folders that hold links themselves",
            )

    def check(self) -> None:
        """Raise InputError for the links that were noted."""
        if self.outward:
            raise InputError(
                f"{len(self.outward)} links out of the folder: {examples(self.outward)}",
                wanted="recordings that lie in the folder, or links that you trust",
                where=str(self.raw),
                todo="remove the links, or allow them with --follow-links",
            )
        if self.circular:
            raise InputError(
                f"{len(self.circular)} links back to a folder that they lie in: "
                f"{examples(self.circular)}",
                wanted="links that lead to recordings",
                where=str(self.raw),
                todo="remove the links",
            )


def _refuse_unlisted(error: OSError) -> NoReturn:
    raise InputError(
        f"a folder that cannot be listed: {error.strerror}",
        wanted="every folder of recordings readable",
        where=str(error.filename),
        todo="give yourself permission to read it, or move it out of the raw folder",
    ) from error


def is_outward(path: Path, top: Path) -> bool:
    """Check that links lead from `path` to a place outside `top`, a folder without links."""
    try:
        return not path.resolve().is_relative_to(top)
    except (OSError, RuntimeError):  # a link to itself, which leads nowhere
        return False


def examples(names: Sequence[PurePosixPath | str]) -> str:
    """Return the first few names, sorted and safe to show, and the number of the others."""
    some = ", ".join(map(printable, sorted(map(str, names))[:_EXAMPLES]))
    return some + (f" and {len(names) - _EXAMPLES} more" if len(names) > _EXAMPLES else "")


def is_utf8(name: str) -> bool:
    """Check that a file's name is UTF-8; Python reads other bytes as lone surrogates."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def escaped(name: str) -> str:
    r"""Return a name with every byte that is not UTF-8 written as ``\xff``."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
