"""The commands and code blocks of the documents, as a reader would copy them."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
_PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:^    .*\n)+", re.MULTILINE)
_TABLE = re.compile(r"^    \w+,\w+.*\n(?:    .*,.*\n)+", re.MULTILINE)
_QUERY = re.compile(r"^    (select .*?);$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Command:
    """One line of a page that a reader types into a shell; `text` has no comment."""

    page: str
    text: str

    @property
    def program(self) -> str:
        """First word of the command."""
        return self.text.split()[0]

    def __str__(self) -> str:
        return f"{self.page}: {self.text}"


def python_blocks(page: Path) -> list[str]:
    """Return the fenced blocks of Python of a page."""
    return _PYTHON.findall(page.read_text())


def python_of(page: Path, heading: str) -> str:
    """Return the fenced blocks of Python under a heading of the second level."""
    parts = re.split(r"^## (.*)\n", page.read_text(), flags=re.MULTILINE)
    text = dict(zip(parts[1::2], parts[2::2], strict=True))[heading]
    return "\n".join(_PYTHON.findall(text))


def queries(page: Path) -> list[str]:
    """Return the SQL queries of a page."""
    return _QUERY.findall(page.read_text())


def table_of(page: Path) -> str:
    """Return the first table of a page, as CSV."""
    table = _TABLE.search(page.read_text())
    assert table, page
    return table[0].replace("    ", "")


def indented_lines(page: Path) -> list[str]:
    """Return the lines of the indented blocks of a page, without their comments."""
    text = _FENCED.sub("", page.read_text())
    blocks = ["\n" + block for block in _INDENTED.findall(text)]
    return [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()[1:]]


def commands(page: Path, programs: tuple[str, ...]) -> list[Command]:
    """Return the lines of a page that begin with one of the programs."""
    lines = [line for line in indented_lines(page) if line]
    return [Command(page.name, line) for line in lines if line.split()[0] in programs]
