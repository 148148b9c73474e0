"""Verification of a dataset against its card: digests of all files, then their content.

Promise: no findings means that every byte is as written, that there is no other file, and that the
rows follow the format. A finding names the file, the problem, and the command that repairs it.
"""

from collections.abc import Iterator
from pathlib import Path

from fmdata.catalog.dataset import Dataset
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.progress import SILENT, Progress
from fmdata.catalog.storage import card as card_file
from fmdata.catalog.storage.card import FileFacts
from fmdata.catalog.storage.lock import WORK, is_lock, reading
from fmdata.catalog.storage.place import (
    COPIES,
    HALVES,
    INSIDE,
    REPORT,
    all_files,
    is_introduction,
    is_report,
)
from fmdata.catalog.verify.content import Half, check_content, halves_of
from fmdata.catalog.verify.finding import REBUILD, RESYNTH, Finding


def verify(path: Path, *, deep: bool = False, progress: Progress = SILENT) -> list[Finding]:
    """Check a dataset against its card.

    Parameters
    ----------
    path : Path
        Folder of the dataset.
    deep : bool
        Decode every frame as well.
    progress : Progress
        Receives a step for each file read, then for each shard checked.

    Raises
    ------
    DatasetError
        When the dataset has no card, or another command is writing to it.
    """
    card = path / card_file.NAME
    with reading(path):
        before = card.read_bytes() if card.is_file() else None
        found = _found(path, deep, progress)
        # In a read-only folder no lock keeps writing commands away.
        if found and before != (card.read_bytes() if card.is_file() else None):
            raise DatasetError(
                "the dataset was changed while it was checked",
                wanted="a dataset that nobody is writing to",
                where=str(path),
                todo="run the check again",
            )
    return found


def _found(path: Path, deep: bool, progress: Progress) -> list[Finding]:
    try:
        dataset = Dataset(path)
    except DatasetError as error:
        if not (path / card_file.NAME).is_file():
            raise
        return [Finding(str(path / card_file.NAME), error.got, error.todo)]
    return list(_findings(dataset, deep, progress))


def _findings(dataset: Dataset, deep: bool, progress: Progress) -> Iterator[Finding]:
    path, card, halves = dataset.path, dataset.card, halves_of(dataset)
    n_shards = sum(len(half.part.shards) for half in halves)
    progress.start("verify: files", sum(len(_names(half)) for half in halves), "files")
    damage = [finding for half in halves for finding in _files(half, progress)]
    damage += _file(path / card_file.DROPPED, card.dropped_file, REBUILD)
    yield from damage
    yield from _strays(path, halves)
    if card.stale:
        yield Finding(
            str(path / card_file.COMPOUNDS),
            "stale: the actions have changed since the compounds were made",
            RESYNTH,
        )
    if not damage:
        # All bytes are as written; their content may still be wrong.
        progress.start("verify: content", n_shards, "shards")
        yield from check_content(path, card, halves, deep=deep, progress=progress)


def _names(half: Half) -> dict[str, FileFacts]:
    """Return the files of a half's shards, and the card's facts of each."""
    return {name: facts for shard in half.part.shards for name, facts in shard.files.items()}


def _files(half: Half, progress: Progress) -> Iterator[Finding]:
    for name, facts in _names(half).items():
        yield from _file(half.folder / name, facts, half.todo)
        progress.step()


def _file(path: Path, facts: FileFacts, todo: str) -> Iterator[Finding]:
    if not path.is_file():
        yield Finding(str(path), "missing", todo)
        return
    try:
        found = FileFacts.of(path)
    except OSError as error:
        yield Finding(str(path), f"cannot be read: {error.strerror}", todo)
        return
    if found.bytes != facts.bytes:
        yield Finding(str(path), f"{found.bytes} bytes, wanted {facts.bytes}", todo)
    elif found.sha256 != facts.sha256:
        yield Finding(str(path), f"SHA-256 {found.sha256}, wanted {facts.sha256}", todo)


def _strays(path: Path, halves: list[Half]) -> Iterator[Finding]:
    known = {path / card_file.NAME, path / card_file.DROPPED, path / COPIES}
    for half in halves:
        known.add(half.folder)
        known |= {half.folder / name for shard in half.part.shards for name in shard.files}
    unfinished = {path / WORK, *(path / half / INSIDE for half in HALVES)}
    for found in all_files(path):
        if found in known or is_lock(found, path) or unfinished & set(found.parents):
            continue
        if (found == path / REPORT and is_report(found)) or is_introduction(found, path):
            continue
        is_work = found in unfinished
        yield Finding(
            str(found),
            "left by an unfinished run" if is_work else "not a file of this dataset",
            "run that command again" if is_work else "move it elsewhere, or delete it",
        )
