"""Small imitations of data sets, under the real names: each picture shows the number in its name.

So a test can check that a boundary of a table, which is a frame of the recording, is the picture
that the set's own table names.
"""

import csv
from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

import cv2
import numpy as np
from openpyxl import Workbook

from fmdata.catalog import Dataset
from fmdata.catalog.clip import ActionClip
from fmdata.pipeline.build import build
from fmdata.pipeline.reading.decode import decode
from fmdata.pipeline.reading.discover import discover
from fmdata.pipeline.reading.layouts.settings import TableSettings
from fmdata.pipeline.reading.layouts.table import TABLE, Tabled, write_table
from fmdata.pipeline.reading.table import COLUMNS, OPTIONAL_COLUMNS
from fmdata.pipeline.settings import BuildSettings, RunSettings
from tests.helpers.videos import Box, paint_number, read_number, write_numbered_video

NO_LABELS = (*COLUMNS, *OPTIONAL_COLUMNS)
_BOX = Box(8, 8, 64, 16)
_LARGEST = 1 << 14  # numbers of six digits are painted modulo this


def background(name: str) -> np.ndarray:
    """Return the picture of a recording, uint8 [96, 160, 3]: blots of its own, which stay still."""
    coarse = np.random.default_rng(crc32(name.encode())).integers(60, 190, (12, 20), np.uint8)
    return np.repeat(cv2.resize(coarse, (160, 96))[..., None], 3, axis=2)


def picture(path: Path, number: int) -> Path:
    """Write one picture that shows a number, before the background of its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rgb = background(str(path.parent))
    paint_number(rgb, number % _LARGEST, _BOX)
    assert cv2.imwrite(str(path), rgb)
    return path


def pictures(folder: Path, name: str, numbers: Sequence[int]) -> None:
    """Write pictures named after their numbers, ``name`` being such as ``img{}.jpg``."""
    for number in numbers:
        picture(folder / name.format(number), number)


def videos(folder: Path, *names: str, n_frames: int = 12) -> Path:
    """Write videos whose frame n shows n; return the folder."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_numbered_video(path, n_frames, picture=background(name), box=_BOX)
    return folder


def text(path: Path, content: str) -> Path:
    """Write a text file, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def workbook(path: Path, *rows: Sequence[object]) -> Path:
    """Write an Excel workbook of one page."""
    book = Workbook()
    for row in rows:
        book.active.append(list(row))
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
    return path


def tabled(layout: str, folder: Path, **settings: object) -> Tabled:
    """Write the table of a folder."""
    return write_table(layout, folder, TableSettings(**settings))  # type: ignore[arg-type]


def table_of(folder: Path) -> list[dict[str, str]]:
    """Return the rows of a folder's table."""
    with (folder / TABLE).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def rows_of(folder: Path) -> dict[str, dict[str, str]]:
    """Return the rows of a folder's table, by path."""
    return {row["path"]: row for row in table_of(folder)}


def names_of(folder: Path) -> dict[str, tuple[str, str, str]]:
    """Return subject, action and take of the rows of a folder's table, by path."""
    return {p: (r["subject"], r["action"], r["take"]) for p, r in rows_of(folder).items()}


def clips_of(dataset: Dataset) -> set[tuple[str, str, str]]:
    """Return subject, action and take of all clips of a dataset."""
    return {(clip.subject, clip.action, clip.take) for clip in dataset.actions}


def numbers_shown(folder: Path, path: str) -> list[int]:
    """Return the numbers that the frames of a recording show, as a build decodes them."""
    (recording,) = (one for one in discover(folder).recordings if one.source == path)
    return [read_number(frame.rgb, _BOX) for frame in decode(recording)]


def built(folder: Path) -> Dataset:
    """Build from the table of a folder; nothing is dropped, and clips are as their rows say."""
    out = folder.parent / "dataset"
    result = build(folder, out, BuildSettings(size=64, lbp=False), RunSettings(workers=0))
    assert result.dropped == [], str(result)
    assert result.clips == len(table_of(folder)), str(result)
    dataset = Dataset(out)
    clips = {(clip.subject, clip.action, clip.take): clip for clip in dataset.actions}
    for row in table_of(folder):
        require_as_in_table(clips[row["subject"], row["action"], row["take"]], row)
    return dataset


def require_as_in_table(clip: ActionClip, row: dict[str, str]) -> None:
    """Require that a clip has the labels of its row, and its boundaries where it gives any."""
    labels = {name: cell for name, cell in row.items() if name not in NO_LABELS}
    assert set(clip.labels) == set(labels)
    for name, cell in labels.items():
        value = clip.labels[name]
        assert (value is None) == (cell == ""), (name, value, cell)
        assert value is None or value == type(value)(cell), (name, value, cell)
    if row.get("onset"):
        assert (clip.row["onset"], clip.row["offset"]) == (int(row["onset"]), int(row["offset"]))
        assert clip.row["motion_from"] == "given"
    if row.get("apex"):
        assert clip.row["apex"] == int(row["apex"])
