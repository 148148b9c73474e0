"""BP4D and BP4D+ (Zhang et al. 2014, 2016): spontaneous expressions in tasks, 25 frames a second.

Folders ``F001/T1/0000.jpg`` (three or four digits); tables ``AUCoding/AU_OCC/F001_T1.csv``: a frame
a row, then action units, whose numbers stand in the first line, as 0, 1, or 9 for unknown. Only the
most expressive part of a task is coded.

Subject is ``F001``, action the task (``T1``), take ``01``. What a task elicits differs between BP4D
and BP4D+, so it is not translated. Labels: `au_first` and `au_last`, the coded frames as the table
numbers them (sources disagree whether frame 1 is the image of number 0 or 1), and `au12` and so on,
the share of the coded frames in which an action unit is present.
"""

import csv
import re
from collections import defaultdict
from pathlib import Path

from fmdata.pipeline.reading.layouts.coded import number_in
from fmdata.pipeline.reading.layouts.contents import Contents, Source, remark
from fmdata.pipeline.reading.layouts.layout import Layout, path_pattern
from fmdata.pipeline.reading.layouts.row import Label, Listed, Row

FPS = 25.0
_TABLES = re.compile(r"([FM]\d{3})_(T\d{1,2})(?:_OCC)?\.csv", re.IGNORECASE)


class Bp4d(Layout):
    """The layout of BP4D and BP4D+."""

    name = "bp4d"
    title = "BP4D"
    example = "F001/T1/0000.jpg"
    pattern = path_pattern(r"(?P<subject>[FM]\d{3})/(?P<task>T\d{1,2})/\d{3,4}\.jpe?g")

    def read(self, contents: Contents) -> Listed:
        """Make rows of the tasks, with the action units beside them."""
        self._tables: dict[tuple[str, str], Path] = {}
        for path, match in contents.files(_TABLES):
            self._tables.setdefault((match[1].upper(), match[2].upper()), path)
        self._bad: list[str] = []
        listed = super().read(contents)
        named = {(row.subject, row.action) for row in listed.rows}
        lost = sorted("_".join(task) for task in self._tables.keys() - named)
        notes = remark("tables that cannot be read", self._bad)
        notes += remark("tables without a recording", lost)
        if not self._tables:
            notes.append("no tables such as AU_OCC/F001_T1.csv, so action units are unknown")
        return Listed(listed.rows, notes)

    def row(self, source: Source, match: re.Match[str]) -> Row:
        """Return the row of a task."""
        subject, task = match["subject"].upper(), match["task"].upper()
        labels: dict[str, Label] = {}
        if table := self._tables.get((subject, task)):
            try:
                labels = action_units(table)
            except (OSError, ValueError, csv.Error):
                self._bad.append(table.name)
        return Row(source, subject, task, "01", FPS, labels=labels, same=f"{subject}/{task}")


def action_units(table: Path) -> dict[str, Label]:
    """Return the coded frames, and the share of them in which each action unit is present.

    Raises
    ------
    ValueError
        When a cell is no number.
    """
    present: dict[int, int] = defaultdict(int)
    known: dict[int, int] = defaultdict(int)
    frames = []
    with table.open(newline="", encoding="utf-8-sig") as file:
        lines = csv.reader(file)
        units = [number_in(name.upper().removeprefix("AU")) for name in next(lines, [])[1:]]
        for cells in filter(any, lines):
            frames.append(int(cells[0]))
            for unit, cell in zip(units, cells[1:], strict=False):
                if unit is not None and int(cell) in (0, 1):
                    known[unit] += 1
                    present[unit] += int(cell)
    if not frames:
        raise ValueError("no frames")
    shares = {f"au{unit}": round(present[unit] / n, 3) for unit, n in sorted(known.items())}
    return {"au_first": min(frames), "au_last": max(frames), **shares}
