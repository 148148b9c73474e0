"""Pages of measured figures: tables written by a command, between text written by hand."""

from pathlib import Path
from typing import NamedTuple

Table = list[list[str]]


class Marks(NamedTuple):
    """Name of a page's figures, and the Makefile target that writes them.

    Figures stand between two comments, so a page may hold several that are written separately.
    """

    name: str
    target: str

    @property
    def begin(self) -> str:
        """The line before the figures."""
        return f"<!-- {self.name}: written by make {self.target} -->"

    @property
    def end(self) -> str:
        """The line after the figures."""
        return f"<!-- end of {self.name} -->"


def write_page(path: Path, figures: str, marks: Marks) -> None:
    """Write the figures between their two marks, and keep the rest of the page.

    Raises
    ------
    ValueError
        When the page exists without the marks.
    """
    blank = f"# {path.stem.capitalize()}\n\n{marks.begin}\n{marks.end}\n"
    page = path.read_text() if path.exists() else blank
    before, _, rest = page.partition(marks.begin)
    _, mark, after = rest.partition(marks.end)
    if not mark:
        wanted = f"{marks.begin!r} followed by {marks.end!r}"
        raise ValueError(f"{path} has no {wanted}: put both lines back")
    path.write_text(f"{before}{marks.begin}\n\n{figures}\n\n{marks.end}{after}")


def text(table: Table) -> str:
    """Format a table for the terminal, in columns."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(w) for cell, w in zip(cells, widths, strict=True)).rstrip()
        for cells in table
    )


def markdown(table: Table) -> str:
    """Format a table as Markdown; its first row is the header."""
    head, *rows = table
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
