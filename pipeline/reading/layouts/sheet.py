"""Tables of data sets: Excel workbooks and CSV files, whose header may stand below other lines.

Promise: a table is read by the names of its columns, never by their places, and a file that would
take much memory is refused.
"""

import csv
import re
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fmdata.catalog.errors import InputError, UsageError
from fmdata.catalog.printable import printable
from fmdata.pipeline.reading.listing.cells import DELIMITERS, decoded

MAX_BYTES = 1 << 26  # of a table, unpacked
_MAX_HEADER = 40  # rows in which the header is looked for


@dataclass(frozen=True)
class Sheet:
    """Columns of one kind of table.

    Attributes
    ----------
    columns : mapping of str to tuple of str
        Names that a column has in the releases of the table, by the name that it gets here.
        Letter case, spaces and punctuation do not count.
    needed : tuple of str
        Columns (their names here) by which the header is recognised.
    """

    columns: Mapping[str, Sequence[str]]
    needed: tuple[str, ...]

    def read(self, path: Path) -> list[dict[str, str]]:
        """List the rows below the header of the first page that has one, as stripped texts.

        Columns that the table lacks are missing in the rows. Rows without a value are left out.

        Raises
        ------
        InputError
            When the file cannot be read, is too large, or has no such header.
        UsageError
            When it is a workbook, and the package that reads them is not installed.
        """
        seen: list[str] = []
        for page in _pages(path):
            for line, cells in enumerate(page[:_MAX_HEADER]):
                places = self._places(cells)
                if all(name in places for name in self.needed):
                    rows = [_by_name(places, cells) for cells in page[line + 1 :]]
                    return [row for row in rows if any(row.values())]
                seen = max(seen, [cell for cell in cells if cell], key=len)
        raise InputError(
            f"no header with {self._wanted()}; the fullest line is {printable(', '.join(seen))}",
            wanted="the table as the authors of the data set distribute it",
            where=str(path),
            todo="restore its header, or rename the file if it is another table",
        )

    def _places(self, cells: Sequence[str]) -> dict[str, int]:
        names = [_bare(cell) for cell in cells]
        known = {
            name: [names.index(_bare(one)) for one in spellings if _bare(one) in names]
            for name, spellings in self.columns.items()
        }
        return {name: places[0] for name, places in known.items() if places}

    def _wanted(self) -> str:
        return ", ".join(self.columns[name][0] for name in self.needed)


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def _by_name(places: Mapping[str, int], cells: Sequence[str]) -> dict[str, str]:
    return {name: cells[at] if at < len(cells) else "" for name, at in places.items()}


def _pages(path: Path) -> list[list[list[str]]]:
    """Read the pages of a table, each as rows of texts."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _unreadable(path, f"more than {MAX_BYTES} bytes")
        if path.suffix.lower() == ".csv":
            return _csv_pages(decoded(path.read_bytes()).splitlines())
        with zipfile.ZipFile(path) as parts:
            if sum(part.file_size for part in parts.infolist()) > MAX_BYTES:
                raise _unreadable(path, f"more than {MAX_BYTES} bytes when unpacked")
    except (OSError, csv.Error, ValueError, zipfile.BadZipFile) as error:
        raise _unreadable(path, str(getattr(error, "strerror", None) or error)) from error
    return _workbook(path)


def _csv_pages(lines: list[str]) -> list[list[list[str]]]:
    """Read a CSV file once for each delimiter; the header decides which one is right."""
    return [
        [[cell.strip() for cell in cells] for cells in csv.reader(lines, delimiter=delimiter)]
        for delimiter in DELIMITERS
    ]


def _workbook(path: Path) -> list[list[list[str]]]:
    """Read the pages of an Excel workbook."""
    try:
        from openpyxl import load_workbook
    except ImportError as error:
        raise UsageError(
            "reading an Excel workbook needs the package openpyxl, which is not installed",
            wanted="fmdata with its extra for tables, or the table as CSV in place of it",
            where=str(path),
            todo="pip install 'fmdata[tables]'",
        ) from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on parts of the workbook that hold no values
        try:
            book = load_workbook(path, read_only=True, data_only=True)
            pages = [_page(page) for page in book.worksheets]
            book.close()
        except Exception as error:  # a damaged workbook makes the library raise anything
            raise _unreadable(path, f"{type(error).__name__}: {error}") from error
    return pages


def _page(page: Any) -> list[list[str]]:
    """Read the rows of a page that have a value."""
    page.reset_dimensions()  # the page's own claim, to which each row would be filled up
    rows = ([_text(value) for value in row] for row in page.iter_rows(values_only=True))
    return [row for row in rows if any(row)]


def _text(value: Any) -> str:
    """Return the value of a cell as a person reads it: 46, not 46.0."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def _unreadable(path: Path, got: str) -> InputError:
    return InputError(
        f"a table that cannot be read: {printable(got)}",
        wanted="an Excel workbook (.xlsx), or a CSV file in UTF-8",
        where=str(path),
        todo="save it anew in a spreadsheet program, or download it again",
    )
