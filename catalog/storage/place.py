"""The folder of a dataset as a place to write in: nothing that fmdata did not make is removed.

Ours are the card and the dropped list (files), the shards in ``actions``, ``compounds`` and
``left_out``, and ``.work`` with a file of its own that says so. A folder of shards may be a link to
a folder, or a mount point, on another disk; its new shards are then prepared beside the old ones.
Promise: whatever else has one of these names is refused before anything is touched. The page
``report.html``, and the files that introduce the dataset to other tools, are ours where they say so
in their heads; another file of such a name stays as it is.
"""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from fmdata.catalog.errors import UsageError
from fmdata.catalog.storage import card as card_file
from fmdata.catalog.storage.lock import LOCKS, WORK, is_lock

HALVES = (card_file.ACTIONS, card_file.COMPOUNDS, card_file.LEFT_OUT)
MARK = "fmdata.txt"  # in .work: made by fmdata, which may remove all of it
STAGED = f"{WORK}/new"  # new files of the dataset, beside its new card
INSIDE = ".new"  # in a half on another disk: its new shards
COPIES = "copies.txt"  # where the dataset was pushed
REPORT = "report.html"
REPORT_MARK = '<meta name="generator" content="fmdata report">'  # in the head of the page
NV_META = ".nv-meta"  # a folder
INTRODUCTION = (
    *("README.md", "croissant.json"),
    *(f"{NV_META}/{name}" for name in ("dataset.yaml", "split.yaml", ".info.yaml")),
)
INTRODUCTION_MARK = "Written by `fmdata card`, which replaces this file."
_MARKED = b"Unfinished work of fmdata, which removes this folder.\n"
_SHARD = re.compile(r"shard-\d{5,}\.(tar|(\w+\.)?parquet)(\.part)?")


def is_url(place: Path | str) -> bool:
    """Return whether a place is a URL, not a folder."""
    return isinstance(place, str) and "://" in place


def is_report(path: Path) -> bool:
    """Return whether a file is a page that `fmdata report` has written."""
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return REPORT_MARK.encode() in file.read(1024)


def remove_report(dataset: Path) -> None:
    """Remove the page of a dataset that changes: it shows what may be gone. Others' files stay."""
    if is_report(dataset / REPORT):
        (dataset / REPORT).unlink()


def is_introduction(path: Path, dataset: Path) -> bool:
    """Return whether a file is one by which `fmdata card` introduces a dataset, or their folder."""
    if path == dataset / NV_META:
        return path.is_dir() and not path.is_symlink()
    if path not in [dataset / name for name in INTRODUCTION]:
        return False
    if path.is_symlink() or path.parent.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return INTRODUCTION_MARK.encode() in file.read(8192)


def foreign_introduction(dataset: Path) -> list[str]:
    """Return the names of an introduction's files that something else has."""
    if os.path.lexists(dataset / NV_META) and not is_introduction(dataset / NV_META, dataset):
        inside = [name for name in INTRODUCTION if name.startswith(NV_META)]
    else:
        inside = []
    found = [
        name
        for name in INTRODUCTION
        if os.path.lexists(dataset / name) and not is_introduction(dataset / name, dataset)
    ]
    return list(dict.fromkeys([*found, *inside]))


def remove_introduction(dataset: Path) -> None:
    """Remove what introduces a dataset that changes: it describes what may be gone."""
    for name in INTRODUCTION:
        if is_introduction(dataset / name, dataset):
            (dataset / name).unlink()
    with suppress(OSError):  # missing, or a folder that holds other files
        (dataset / NV_META).rmdir()


def require_place(dataset: Path) -> None:
    """Refuse a folder in which a command would remove or replace anything that is not ours.

    Raises
    ------
    UsageError
        When the folder, or what has the name of a dataset's file in it, is something else.
    """
    if not os.path.lexists(dataset):
        return
    if not dataset.is_dir():
        raise _refused(dataset, f"{_kind(dataset)}, not a folder")
    _require_files(dataset)
    for name in HALVES:
        _require_half(dataset / name, dataset)
    places = [(dataset / name).resolve() for name in HALVES if (dataset / name).is_dir()]
    if len(set(places)) < len(places):
        raise _refused(dataset, f"two of {', '.join(HALVES)} that are one folder")
    if not _is_begun(dataset) and any(_foreign(dataset)):
        raise _refused(dataset, "something that is not a dataset of fmdata")


def mark_work(dataset: Path) -> Path:
    """Return the folder of unfinished work, made and marked where missing."""
    work = dataset / WORK
    work.mkdir(parents=True, exist_ok=True)
    mark = work / MARK
    if not mark.exists():
        mark.write_bytes(_MARKED)
    return work


def unmark_work(dataset: Path) -> None:
    """Remove the folder of unfinished work if nothing but its mark is left in it."""
    work = dataset / WORK
    if work.is_dir() and {path.name for path in work.iterdir()} <= {MARK}:
        (work / MARK).unlink(missing_ok=True)
        with suppress(OSError):
            work.rmdir()


def is_apart(half: Path, dataset: Path) -> bool:
    """Return whether a half is a link to another folder, or lies on another disk."""
    if not half.is_dir():
        return False
    return half.is_symlink() or half.stat().st_dev != dataset.stat().st_dev


def is_shard_file(name: str) -> bool:
    """Return whether a file in a half has the name of a shard, whole or being written."""
    return _SHARD.fullmatch(name) is not None


def all_files(dataset: Path) -> Iterator[Path]:
    """Yield every file and folder below a dataset, sorted; those of a linked half too."""
    found = set(dataset.rglob("*"))
    for name in HALVES:
        if (dataset / name).is_symlink():
            found |= set((dataset / name).rglob("*"))
    yield from sorted(found)


def _has_card(dataset: Path) -> bool:
    """Return whether a folder holds a dataset, which may be half-replaced by a new one."""
    return (dataset / card_file.NAME).exists() or (dataset / STAGED / card_file.NAME).exists()


def _is_begun(dataset: Path) -> bool:
    """Return whether a folder holds a dataset, or the marked work of one."""
    return _has_card(dataset) or (dataset / WORK / MARK).exists()


def _foreign(dataset: Path) -> Iterator[Path]:
    """Yield what an empty folder for a dataset may not hold."""
    for path in dataset.iterdir():
        empty = path.name in (*HALVES, WORK) and not any(path.iterdir())
        if not empty and not is_lock(path, dataset):
            yield path


def _require_files(dataset: Path) -> None:
    for name in (card_file.NAME, card_file.DROPPED):
        path = dataset / name
        if os.path.lexists(path) and (path.is_symlink() or not path.is_file()):
            raise _refused(path, f"{_kind(path)} in place of a file")
    for name in (WORK, LOCKS):
        path = dataset / name
        if os.path.lexists(path) and (path.is_symlink() or not path.is_dir()):
            raise _refused(path, f"{_kind(path)} in place of a folder")
    work = dataset / WORK
    if work.is_dir() and any(work.iterdir()) and not (work / MARK).is_file():
        raise _refused(work, f"a folder without {MARK}, so not made by fmdata")


def _require_half(half: Path, dataset: Path) -> None:
    """Refuse anything but a folder of shards, or a link to one, in the place of a half."""
    if not os.path.lexists(half):
        return
    if not half.is_dir():
        raise _refused(half, f"{_kind(half)} in place of a folder")
    real = half.resolve()
    if real.parent != dataset.resolve() and _is_begun(real.parent):
        raise _refused(half, f"a link into another dataset, {real.parent}")
    for path in half.iterdir():
        inside = path.name == INSIDE and path.is_dir() and not path.is_symlink()
        ours = is_shard_file(path.name) and not path.is_dir()
        if not ours and not (inside and all(is_shard_file(p.name) for p in path.iterdir())):
            raise _refused(path, "something in a folder of shards that is none")
        if ours and not _has_card(dataset):
            raise _refused(half, "shards without the card of their dataset")


def _kind(path: Path) -> str:
    if path.is_symlink():
        return "a link" if path.exists() else "a link that leads nowhere"
    return "a folder" if path.is_dir() else "a file" if path.is_file() else "no file or folder"


def _refused(path: Path, got: str) -> UsageError:
    return UsageError(
        got,
        wanted="a new or empty folder, or one that `fmdata build` made",
        where=str(path),
        todo="move it elsewhere, or name another folder for the dataset; nothing was changed",
    )
