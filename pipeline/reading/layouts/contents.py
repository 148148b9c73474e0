"""The recordings of a folder in any layout, and the other files beside them."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path, PurePosixPath
from re import Match, Pattern

from fmdata.catalog.errors import UsageError
from fmdata.pipeline.reading.images import image_number
from fmdata.pipeline.reading.listing.layout import by_kind
from fmdata.pipeline.reading.listing.walk import escaped, examples, is_utf8, read_tree


@dataclass(frozen=True)
class Source:
    """A recording as it lies in a folder: a video, or a folder of numbered images.

    Attributes
    ----------
    path : PurePosixPath
        Path below the folder, of the file or of the folder of images.
    images : tuple of str
        Names of the images in the order of their numbers; empty for a video.
    """

    path: PurePosixPath
    images: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """Path below the folder of the video, or of the first image."""
        return str(self.path / self.images[0] if self.images else self.path)

    @cached_property
    def numbers(self) -> list[int]:
        """Numbers of the images, rising."""
        return [n for name in self.images if (n := image_number(name)) is not None]

    @property
    def has_gap(self) -> bool:
        """True where an image is missing, so that a build drops the recording as truncated."""
        return len({after - before for before, after in pairwise(self.numbers)}) > 1

    @property
    def is_nameable(self) -> bool:
        """True where a table can name the recording: all its names are UTF-8."""
        return all(map(is_utf8, (str(self.path), *self.images)))

    def frame_of(self, number: int) -> int | None:
        """Return the frame, from 0 on, that the image of a number is; None without such an image.

        >>> Source(PurePosixPath("a"), ("img46.jpg", "img47.jpg")).frame_of(47)
        1
        """
        at = bisect_left(self.numbers, number)
        return at if at < len(self.numbers) and self.numbers[at] == number else None


@dataclass(frozen=True)
class Contents:
    """The contents of a folder.

    Attributes
    ----------
    folder : Path
        The folder.
    sources : list of Source
        Its recordings, sorted by path.
    others : list of PurePosixPath
        All other files below it, such as tables, sorted.
    notes : list of str
        Remarks for the user.
    """

    folder: Path
    sources: list[Source]
    others: list[PurePosixPath]
    notes: list[str] = field(default_factory=list)

    def whole(self, source: Source) -> str:
        """Return the path of a recording's file, with the folder's own name before it."""
        return self.below(self.folder / source.file)

    def below(self, path: Path) -> str:
        """Return the path of a file, with the folder's own name before it."""
        return f"{self.folder.resolve().name}/{path.relative_to(self.folder).as_posix()}"

    def matches(self, pattern: Pattern[str]) -> Iterator[tuple[Source, Match[str]]]:
        """Yield the recordings whose file has a path in which a pattern is found."""
        for source in self.sources:
            if match := pattern.search(source.file):
                yield source, match

    def files(self, pattern: Pattern[str]) -> Iterator[tuple[Path, Match[str]]]:
        """Yield the other files whose names a pattern matches as a whole."""
        for file in self.others:
            if match := pattern.fullmatch(file.name):
                yield self.folder / file, match


def remark(text: str, names: Sequence[str]) -> list[str]:
    """Return a remark on some files with their number and a few names; none without a file."""
    return [f"{text} ({len(names)}): {examples(names)}"] if names else []


def contents_of(folder: Path, *, follow_links: bool = False) -> Contents:
    """List the recordings and the other files below a folder.

    Raises
    ------
    UsageError
        When there is no such folder.
    InputError
        When a folder cannot be listed, or links lead out of it without `follow_links`.
    """
    if not folder.is_dir():
        raise UsageError(
            "it is a file" if folder.exists() else "there is no such folder",
            wanted="the folder of a data set",
            where=str(folder),
            todo="give the folder into which the data set was unpacked",
        )
    tree = read_tree(folder, follow_links)
    kinds = by_kind(folder, tree.files)
    sources = [*map(Source, kinds.videos), *_image_folders(kinds.images)]
    bad = [escaped(str(one.path)) for one in sources if not one.is_nameable]
    notes = remark("names that are not in UTF-8, left out", bad)
    notes += remark("folders too far down, not searched", [*map(str, tree.too_deep)])
    taken = {*kinds.videos, *kinds.images}
    others = sorted(file for file in tree.files if file not in taken)
    named = sorted((one for one in sources if one.is_nameable), key=lambda one: one.path)
    return Contents(folder, named, others, notes)


def _image_folders(images: Iterable[PurePosixPath]) -> Iterator[Source]:
    """Yield the folders of numbered images; single pictures are no recordings."""
    folders: dict[PurePosixPath, list[tuple[int, str]]] = defaultdict(list)
    for image in images:
        if (number := image_number(image.name)) is not None:
            folders[image.parent].append((number, image.name))
    for folder, numbered in folders.items():
        if len(numbered) > 1:
            yield Source(folder, tuple(name for _, name in sorted(numbered)))
