"""Recordings by the folder layout ``<subject>/<action>/<take>``, and everything beside it.

Promise: each visible file is a recording, part of one, refused with a reason, or counted in a note.
Only notes, tables and files of the system are left out without a word.
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from fmdata.catalog.types import Recording
from fmdata.pipeline.reading.images import image_number
from fmdata.pipeline.reading.listing.found import Found, Refused
from fmdata.pipeline.reading.listing.kinds import (
    IMAGES,
    VIDEOS,
    is_companion,
    is_image,
    is_unfinished,
    is_video,
)
from fmdata.pipeline.reading.listing.walk import Tree, escaped, examples, is_utf8

LAYOUT = (
    "<subject>/<action>/<take>.mp4 (or " + " ".join(e[1:] for e in VIDEOS[1:]) + "), or a "
    "folder of numbered " + " ".join(e[1:] for e in IMAGES) + " in place of the file"
)
DEPTH = 3  # subject / action / take

_PLACE = "<subject>/<action>/<take>"
_MAX_EXTENSION = 6  # characters of an unknown extension, the dot included


class Kinds(NamedTuple):
    """The files of a tree: videos, images, and others that a note has to mention."""

    videos: list[PurePosixPath]
    images: list[PurePosixPath]
    others: list[PurePosixPath]


def from_layout(raw: Path, tree: Tree) -> Found:
    """Sort the files of a tree; a recording's names are those on the disk."""
    kinds = by_kind(raw, tree.files)
    recordings, refused = [], []
    for video in kinds.videos:
        recording = _recording(raw, video, stem(video.name))
        if problem := _problem_of_video(video):
            refused.append(Refused(recording, *problem))
        else:
            recordings.append(recording)
    others = [*kinds.others]
    for folder, inside in sorted(_by_folder(kinds.images).items()):
        recording = _recording(raw, folder, folder.name)
        numbered = [image for image in inside if image_number(image.name) is not None]
        problem = _problem_of_images(folder, inside, bool(numbered))
        if not problem:
            recordings.append(recording)
            others += sorted({*inside} - {*numbered})
        elif len(inside) > 1 or (numbered and len(folder.parts) == DEPTH):
            example = _list(sorted({inside[0], inside[-1]}), str(folder))
            refused.append(Refused(recording, *problem, example))
        else:
            others += inside  # a single picture is no recording
    refused += _refused_folders(raw, tree)
    return Found(recordings, refused, _notes(tree, others))


def by_kind(raw: Path, files: Sequence[PurePosixPath]) -> Kinds:
    """Divide files by their kind; companions of recordings are left out."""
    kinds = Kinds([], [], [])
    for file in sorted(files):
        if is_video(file, raw / file):
            kinds.videos.append(file)
        elif is_image(file, raw / file):
            kinds.images.append(file)
        elif not is_companion(file):
            kinds.others.append(file)
    return kinds


def folders_of_images(images: Sequence[PurePosixPath]) -> list[PurePosixPath]:
    """List the folders that hold several numbered images; a single one is no recording."""
    numbered = [image for image in images if image_number(image.name) is not None]
    return [folder for folder, inside in _by_folder(numbered).items() if len(inside) > 1]


def _by_folder(files: Sequence[PurePosixPath]) -> dict[PurePosixPath, list[PurePosixPath]]:
    folders: dict[PurePosixPath, list[PurePosixPath]] = defaultdict(list)
    for file in files:
        folders[file.parent].append(file)
    return folders


def _problem_of_video(video: PurePosixPath) -> tuple[str, str] | None:
    """Return the reason and the detail for refusing a video; None for a recording."""
    if not is_utf8(str(video)):
        return "bad_name", "its name is not in UTF-8; rename it"
    if len(video.parts) != DEPTH:
        levels = _levels(len(video.parts) - DEPTH)
        return "misplaced", f"a video {levels}; move it to {_PLACE}, or name it in a table"
    if is_unfinished(video):
        return "unreadable", "the name of an unfinished download or copy; finish or rename it"
    return None


def _problem_of_images(
    folder: PurePosixPath, inside: list[PurePosixPath], is_numbered: bool
) -> tuple[str, str] | None:
    """Return the reason and the detail for refusing a folder of images; None for a recording."""
    if not all(is_utf8(str(image)) for image in inside):
        return "bad_name", "names that are not in UTF-8; rename them"
    images = f"{len(inside)} images"
    if len(folder.parts) != DEPTH:
        levels = _levels(len(folder.parts) - DEPTH)
        return "misplaced", f"{images} {levels}; move them into a folder {_PLACE}"
    if is_numbered:
        return None
    if all(image.suffix.lower() in IMAGES for image in inside):
        return "unreadable", f"{images} without numbers; number them in the order of time"
    return "unreadable", f"{images} of a kind that is not read; convert them to numbered png"


def _levels(too_low: int) -> str:
    n = abs(too_low)
    levels = "one level" if n == 1 else f"{n} levels"
    return f"{levels} too {'low' if too_low > 0 else 'high'}"


def _refused_folders(raw: Path, tree: Tree) -> list[Refused]:
    """Return the refusals of empty takes, and of folders that the walk did not enter."""
    empty = [leaf for leaf in tree.leaves if len(leaf.parts) == DEPTH]
    refused = [
        Refused(_recording(raw, folder, folder.name), "no_frames", "an empty folder")
        for folder in empty
    ]
    for folder in tree.too_deep:
        detail = f"a folder {_levels(len(folder.parts) - DEPTH)}, which is not searched"
        refused.append(Refused(_recording(raw, folder, folder.name), "misplaced", detail))
    return refused


def _notes(tree: Tree, others: Sequence[PurePosixPath]) -> list[str]:
    notes = []
    if others:
        files = "1 file that is" if len(others) == 1 else f"{len(others)} files that are"
        notes.append(f"ignored {files} neither a video nor part of one: {_list(others)}")
    empty = [leaf for leaf in tree.leaves if len(leaf.parts) != DEPTH]
    if empty:
        folders = "1 empty folder" if len(empty) == 1 else f"{len(empty)} empty folders"
        notes.append(f"ignored {folders}: {_list(empty)}")
    return notes


def _list(paths: Sequence[PurePosixPath], below: str = ".") -> str:
    """Return a few paths as a text, relative to a folder above them."""
    return examples([escaped(str(path.relative_to(below))) for path in paths])


def _recording(raw: Path, path: PurePosixPath, take: str) -> Recording:
    """Return the recording at a path; the action of a misplaced one is empty, being unknown."""
    parts = [escaped(part) for part in path.parts]
    subject = parts[0] if len(parts) > 1 else ""
    action = parts[1] if len(parts) == DEPTH else ""
    return Recording(raw / path, "/".join(parts) or ".", subject, action, escaped(take))


def stem(name: str) -> str:
    """Return a name without its extension; an unknown one is short and has a letter in it."""
    path = PurePosixPath(name)
    suffix = path.suffix.lower()
    is_short = 1 < len(suffix) <= _MAX_EXTENSION and not suffix[1:].isdigit()
    return path.stem if suffix in VIDEOS or is_short else name
