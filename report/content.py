"""Content of a page, gathered from a dataset clip by clip.

The page holds at most a limited number of clips, compounds' cells and dropped recordings, so memory
does not grow with the dataset but for four bytes a clip and chart.
"""

from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np

from fmdata.catalog.clip import ActionClip
from fmdata.catalog.dataset import Dataset
from fmdata.catalog.health.line import HealthLine
from fmdata.catalog.printable import printable
from fmdata.catalog.progress import Progress
from fmdata.catalog.storage.schema import SPOTTED, TIMES
from fmdata.drawing.spread import spread
from fmdata.pipeline.work.previous import recorded_key
from fmdata.report.labels import words
from fmdata.report.review import changes, given_of, times_of
from fmdata.report.sheets import SheetSize, sheet

MAX_CURVE = 160  # points
MAX_CELLS = 5000  # of all subjects, in the page
# Facts that are drawn as distributions: title, unit, and its value from the row of a clip.
FACTS: dict[str, tuple[str, Any]] = {
    "Motion length": ("s", lambda row: (row["offset"] - row["onset"]) / row["fps"]),
    "Amplitude": ("IOD", lambda row: row["amplitude"]),
    "Signal-to-noise ratio": ("", lambda row: row["snr"]),
    "Head rotation": ("degrees", lambda row: row["pose_range"]),
    "Sharpness": ("", lambda row: row["sharpness"]),
    "Brightness": ("grey levels", lambda row: row["brightness"]),
    "Face size": ("pixels between the eyes", lambda row: row["face_px"]),
}
COLUMNS = ("onset", "offset", "fps", "amplitude", "snr", "pose_range", "sharpness", "brightness",
           "face_px")  # fmt: skip


@dataclass
class Subject:
    """One subject on the page: its clips by action, and its matrix of compounds.

    `clips` are the JSON values that the page's program reads.
    """

    name: str
    fold: int
    first: int  # number of its first clip on the page
    actions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    cells: dict[tuple[str, str], "Cell"] = field(default_factory=dict)

    @property
    def n_clips(self) -> int:
        """Number of its clips on the page."""
        return sum(map(len, self.actions.values()))

    def to_json(self) -> dict[str, Any]:
        """Return what the page's program reads."""
        actions = [{"name": printable(a), "clips": c} for a, c in self.actions.items()]
        return {"actions": actions, "cells": [cell.to_json() for cell in self.cells.values()]}


@dataclass
class Cell:
    """One compound C_ij of a subject: its copies and a preview of the one with the worst seam.

    `parts` are the runs of frames of the preview: number of a clip on the page, start and stop.
    """

    number: int
    copies: int = 0
    seam: float = 0.0
    worst: str = ""
    is_shared: bool = False
    parts: list[tuple[int, int, int]] = field(default_factory=list)
    parts_seam: float = -1.0

    def to_json(self) -> dict[str, Any]:
        """Return what the page's program reads."""
        return {"id": self.number, "parts": self.parts}


@dataclass
class Content:
    """Everything on a page.

    Attributes
    ----------
    subjects : list of Subject
        In the order of the shards.
    numbers : dict of str to int
        Number on the page of each clip, by key.
    cell_of : dict of str to int
        Number of the cell of each compound that a line of the health names.
    values : dict of str to array
        A value of each clip of the dataset, by title of the distribution.
    n_cells : int
        Cells of the dataset; those beyond `MAX_CELLS` are not on the page.
    """

    subjects: list[Subject] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    cell_of: dict[str, int] = field(default_factory=dict)
    values: dict[str, "array[float]"] = field(default_factory=dict)
    shown: dict[str, list[tuple[float, int]]] = field(default_factory=dict)
    n_cells: int = 0


def gather(
    dataset: Dataset, shown: set[str], lines: list[HealthLine], faces: bool, progress: Progress
) -> Content:
    """Gather everything that a page shows of a dataset."""
    content = Content()
    odd: dict[str, list[str]] = defaultdict(list)
    for line in (line for line in lines if line.is_about_clips):
        for key in line.keys:
            odd[key].append(line.kind)
    size = SheetSize.for_clips(len(shown)) if faces else None
    _add_values(content, dataset, shown)
    progress.start("report", len(shown), "clips")
    for name, clips in groupby(_shown_clips(dataset, shown), lambda clip: clip.subject):
        subject = Subject(name, fold=-1, first=-1)
        for clip in clips:
            number = content.numbers[clip.key]
            if not subject.actions:
                subject.fold, subject.first = clip.fold, number
            facts = _clip(clip, number, odd[clip.key], size)
            subject.actions.setdefault(clip.action, []).append(facts)
            progress.step()
        content.subjects.append(subject)
    if dataset.card.compounds:
        _add_cells(content, dataset, lines)
    return content


def _shown_clips(dataset: Dataset, shown: set[str]) -> Iterator[ActionClip]:
    """Yield the shown clips in order; the row of a clip that is not shown is its key alone."""
    place = 0
    for table in dataset.actions.tables(["key"]):
        for key in table["key"].to_pylist():
            if key in shown:
                yield dataset.actions[place]
            place += 1


def _add_values(content: Content, dataset: Dataset, shown: set[str]) -> None:
    """Give the shown clips their numbers, and collect the values of all for the charts."""
    content.values = {title: array("f") for title in FACTS}
    content.shown = {title: [] for title in FACTS}
    for row in dataset.actions.rows(["key", *COLUMNS]):
        if row["key"] in shown:
            content.numbers[row["key"]] = len(content.numbers)
        for title, (_, value_of) in FACTS.items():
            value = _value(value_of, row)
            if value is not None:
                content.values[title].append(value)
                if row["key"] in shown:
                    content.shown[title].append((value, content.numbers[row["key"]]))


def _value(value_of: Any, row: Mapping[str, Any]) -> float | None:
    try:
        return float(value_of(row))
    except (TypeError, ZeroDivisionError):  # no motion, or no frame rate
        return None


def _clip(clip: ActionClip, number: int, odd: list[str], size: SheetSize | None) -> dict[str, Any]:
    """Return the facts, curve and sheet of a clip, as JSON values."""
    marks, names = _marks(clip)
    frames = spread(clip.n_frames, marks, size.frames) if size else sorted(set(marks))
    step = max(1, -(-clip.n_frames // MAX_CURVE))
    curve = np.nan_to_num(clip.intensity[::step], nan=0, posinf=0, neginf=0)
    row = clip.row
    return {
        "id": number, "key": printable(clip.key), "take": printable(clip.take), "fps": clip.fps,
        "n": clip.n_frames, "step": step, "odd": odd, "style": row["style"],
        "motion": times_of(row, TIMES),
        "amplitude": _rounded(row["amplitude"]), "snr": _rounded(row["snr"]),
        "curve": [round(float(value) * 1000) for value in curve], "frames": frames,
        "marks": [frames.index(mark) for mark in marks], "names": names,
        "sheet": sheet(clip, frames, size) if size else None,
        "of": recorded_key(row), "sha": row["source_sha256"], "changes": printable(changes(row)),
        "spotted": times_of(row, SPOTTED), "given": given_of(row, clip.intensity),
        "labels": printable(words(clip)),
    }  # fmt: skip


def _rounded(value: float | None) -> float | None:
    return float(f"{value:.3g}") if value is not None and np.isfinite(value) else None


def _marks(clip: ActionClip) -> tuple[list[int], list[str]]:
    """Return the four frames of a contact sheet, and their names."""
    last, motion = clip.n_frames - 1, clip.motion
    if motion is None:
        frames = np.linspace(0, last, 4).round().astype(int).tolist()
        return frames, [f"frame {frame}" for frame in frames]
    rest = max(0, motion.onset - 1 - motion.lead // 2)
    frames = [rest, motion.onset, motion.apex, min(motion.offset, last)]
    end = "end" if motion.style == "hold" else "offset"
    return [min(f, last) for f in frames], ["rest", "onset", "apex", end]


def _add_cells(content: Content, dataset: Dataset, lines: list[HealthLine]) -> None:
    """Add the matrix of each subject's compounds."""
    wanted = {key for line in lines if line.is_about_compounds for key in line.keys}
    columns = ["subject", "key", "first", "second", "seam", "segments", "first_take",
               "second_take"]  # fmt: skip
    by_name = {subject.name: subject for subject in content.subjects}
    for name, rows in groupby(dataset.compounds.rows(columns), lambda row: row["subject"]):
        cells: dict[tuple[str, str], Cell] = {}
        takes: dict[tuple[str, str], set[str]] = defaultdict(set)
        for row in rows:
            pair = row["first"], row["second"]
            if pair not in cells:
                cells[pair] = Cell(content.n_cells)
                content.n_cells += 1
            _add_copy(cells[pair], row, takes[pair], content.numbers)
            if row["key"] in wanted:
                content.cell_of[row["key"]] = cells[pair].number
        if content.n_cells <= MAX_CELLS and name in by_name:
            by_name[name].cells = cells
            by_name[name].names = sorted({action for pair in cells for action in pair})


def _add_copy(cell: Cell, row: Mapping[str, Any], takes: set[str], numbers: dict[str, int]) -> None:
    seam = row["seam"] if row["seam"] is not None and np.isfinite(row["seam"]) else 0.0
    of_copy = {row["first_take"], row["second_take"]}
    cell.is_shared = cell.is_shared or bool(takes & of_copy)
    takes |= of_copy
    cell.copies += 1
    if seam >= cell.seam:
        cell.seam, cell.worst = seam, row["key"]
    runs = [s for s in row["segments"] if s["stop"] > s["start"]]
    if seam > cell.parts_seam and all(run["source"] in numbers for run in runs):
        cell.parts = [(numbers[run["source"]], run["start"], run["stop"]) for run in runs]
        cell.parts_seam = seam
