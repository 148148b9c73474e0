"""Writes ``report.html``: one file, without the network, the same bytes for the same dataset.

Promise: nothing from the dataset is trusted. Templates escape every text, the page's program writes
texts as texts only, and the page's own policy forbids every request and every foreign script.
"""

import base64
import hashlib
import os
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from fmdata.catalog.dataset import Dataset
from fmdata.catalog.errors import UsageError
from fmdata.catalog.health.compounds import BAD_SEAM
from fmdata.catalog.health.line import DROPPED, HealthLine
from fmdata.catalog.health.reasons import advice_of
from fmdata.catalog.printable import printable
from fmdata.catalog.progress import SILENT, Progress
from fmdata.catalog.storage.files import write_atomically
from fmdata.catalog.storage.lock import reading
from fmdata.catalog.storage.place import REPORT, is_report
from fmdata.catalog.summary import Summary, summarise
from fmdata.report.charts import HEIGHT, WIDTH, Chart, chart
from fmdata.report.content import FACTS, MAX_CELLS, Content, gather
from fmdata.report.labels import choices
from fmdata.report.review import marks_of
from fmdata.report.settings import ReportSettings
from fmdata.report.shown import chosen

MAX_LINKS, FIRST_LINKS = 200, 8  # of a line of the health; those shown at first
MAX_DROPPED = 2000  # rows of the dropped list
PROGRAM = ("review.js", "labels.js", "page.js")  # one program
MAX_NOTES = 500  # of the notes on the compounds


@dataclass(frozen=True)
class Link:
    """A place on the page and its text; without a place, the text alone."""

    text: str
    target: str | None


@dataclass(frozen=True)
class Report:
    """A page that was written; ``str()`` of it is the text for the user."""

    path: Path
    bytes: int
    shown: int
    clips: int

    def __str__(self) -> str:
        part = "" if self.shown == self.clips else f" ({self.shown} of {self.clips} clips)"
        return f"report in {self.path}{part}, {self.bytes / 1e6:.1f} MB: open it in a browser"


def write_report(
    folder: Path,
    settings: ReportSettings,
    out: Path | None = None,
    progress: Progress = SILENT,
) -> Report:
    """Write the page of a dataset, by default as ``report.html`` in its folder.

    Raises
    ------
    DatasetError
        When the dataset is missing or damaged, or is changed meanwhile.
    UsageError
        When the file exists and is not a report, or its folder does not exist.
    """
    path = out or folder / REPORT
    with reading(folder):
        dataset = Dataset(folder)
        _require_ours(path)
        summary = summarise(dataset)
        lines = list(summary.health)
        shown = chosen(dataset, lines)
        content = gather(dataset, shown, lines, settings.faces, progress)
        page = render(dataset, summary, content, settings).encode()
        write_atomically(path, page)
    return Report(path, len(page), len(shown), summary.clips)


def _require_ours(path: Path) -> None:
    """Raise UsageError where anything but an earlier page has the name of the new one."""
    if os.path.lexists(path) and not is_report(path):
        raise UsageError(
            f"{path} exists, and is not a report",
            wanted="the name of a new file, or of an earlier report",
            where="--out",
            todo="choose another name with --out, or move the file",
        )
    if not path.parent.is_dir():
        raise UsageError(
            f"no folder {path.parent}",
            wanted="a folder that exists",
            where="--out",
            todo="make the folder, or choose another",
        )


def render(dataset: Dataset, summary: Summary, content: Content, settings: ReportSettings) -> str:
    """Return the page as HTML."""
    css, html = _own("page.css"), _own("page.html")
    js = "".join(_own(name) for name in PROGRAM)
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, finalize=_finalized, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["code"] = _code
    by_label = choices(dataset, content.numbers)
    dropped = sorted(dataset.dropped().to_pylist(), key=lambda row: (row["reason"], row["source"]))
    rows = {row["source"]: place for place, row in reversed(list(enumerate(dropped[:MAX_DROPPED])))}
    return environment.from_string(html).render(
        css=Markup(css), js=Markup(js), css_hash=_digest(css), js_hash=_digest(js),
        summary=summary, card=dataset.card, content=content, faces=settings.faces,
        made_of=_settings(dataset), charts=_charts(dataset, content),
        lines=[(line, *_links(line, content, rows)) for line in summary.health],
        dropped=dropped[:MAX_DROPPED], advice_of=advice_of, width=WIDTH, height=HEIGHT,
        max_cells=MAX_CELLS, max_notes=MAX_NOTES, bad_seam=BAD_SEAM, names=_names(content),
        choices=by_label, chosen_by_label=[n for one in by_label for _, n in one.values],
        marks=marks_of(dataset), actions=sorted({a for s in content.subjects for a in s.actions}),
    )  # fmt: skip


def _names(content: Content) -> dict[str, dict[int, str]]:
    """Return the keys of clips, and of the worst compounds of cells, by their numbers."""
    cells = [cell for one in content.subjects for cell in one.cells.values()]
    return {
        "clip": {number: key for key, number in content.numbers.items()},
        "cell": {cell.number: cell.worst for cell in cells},
    }


def _finalized(value: Any) -> Any:
    """Make every text from the dataset printable; it is escaped afterwards."""
    return printable(value) if type(value) is str else value


def _code(text: str) -> Markup:
    """Return a text of our own as HTML, with its parts between backquotes as code."""
    parts = [
        Markup("<code>{}</code>") if i % 2 else Markup("{}") for i in range(text.count("`") + 1)
    ]
    return Markup("").join(p.format(t) for p, t in zip(parts, text.split("`"), strict=True))


def _own(name: str) -> str:
    return resources.files("fmdata.report").joinpath(name).read_text("utf-8")


def _digest(text: str) -> str:
    """Return the digest by which the page's policy knows its own style and program."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _links(
    line: HealthLine, content: Content, rows: dict[str, int]
) -> tuple[list[Link], list[Link], int]:
    """Return the links of a line that are seen at first, those to unfold, and how many are left."""
    links = [Link(key, _target(line, key, content, rows)) for key in line.keys[:MAX_LINKS]]
    left = line.count - len(links) if line.keys else 0
    return links[:FIRST_LINKS], links[FIRST_LINKS:], max(left, 0)


def _target(line: HealthLine, key: str, content: Content, rows: dict[str, int]) -> str | None:
    kind, numbers = "clip", content.numbers
    if line.kind.startswith(DROPPED):
        kind, numbers = "dropped", rows
    elif line.is_about_compounds:
        kind, numbers = "cell", content.cell_of
        if content.cell_of.get(key, -1) >= MAX_CELLS:
            return None
    return f"{kind}-{numbers[key]}" if key in numbers else None


def _charts(dataset: Dataset, content: Content) -> list[Chart]:
    found = [
        chart("clip", title, unit, content.values[title], content.shown[title])
        for title, (unit, _) in FACTS.items()
    ]
    if dataset.card.compounds:
        seams = dataset.compounds.table(["seam"])["seam"].drop_null().to_numpy()
        cells = [cell for one in content.subjects for cell in one.cells.values()]
        worst = [(cell.seam, cell.number) for cell in cells]
        found.append(chart("cell", "Seam", "times the usual change", seams, worst))
    return [one for one in found if one]


def _settings(dataset: Dataset) -> list[str]:
    """Return the settings of the dataset in plain words."""
    build = dataset.card.actions.settings
    size, limit = build.get("size"), build.get("max_pose_range")
    words = [
        f"Crops of {size} × {size} pixels, JPEG quality {build.get('jpeg_quality')}",
        f"landmarks by {build.get('landmarks')}",
        "texture maps (LBP)" if build.get("lbp") else "no texture maps (LBP)",
        f"a face in at least {build.get('min_detected')} of the frames",
        f"heads that turn by at most {limit}°" if limit else "any rotation of the head",
        "subjects by pseudonyms" if build.get("pseudonyms") else "subjects by their names",
    ]
    if dataset.card.compounds:
        synth = dataset.card.compounds.settings
        smooth = "joined where they fit best" if synth.get("smooth") else "takes drawn at random"
        words.append(f"{synth.get('k')} copies of each compound, {smooth}")
    return words
