"""Rows of a CSV table with a header, by the names of their columns.

Columns may be separated by commas, semicolons, tabs or bars; the text may be UTF-8, or UTF-16 as
spreadsheets export it. Other columns than those asked for are kept, and may be ignored.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fmdata.catalog.errors import UsageError
from fmdata.catalog.printable import printable
from fmdata.pipeline.reading.listing.cells import column, decoded, delimiter_of, split

BEYOND = ""  # stands for the cells of a row beyond its last column
_MAX_ERRORS = 20  # listed in a message; the others are counted


@dataclass(frozen=True)
class TableRows:
    """A table that was read.

    Attributes
    ----------
    names : list of str
        Names of its columns, as they are compared.
    rows : list of (int, dict)
        Line number, and stripped cells by column, of each row that is not blank.
    delimiter : str
        Character between its cells.
    """

    names: list[str]
    rows: list[tuple[int, dict[str, str]]]
    delimiter: str


@dataclass(frozen=True)
class Header:
    """Columns of one kind of table.

    Attributes
    ----------
    columns, optional : tuple of str
        Names of columns that must be there, and that may be there.
    option : str
        The option of the command line that names the table.
    synonyms : mapping
        Names that other tables give to the columns, for advice.
    keeps_others : bool
        Whether other columns are kept, so that no two of them may have one name.
    """

    columns: tuple[str, ...]
    optional: tuple[str, ...]
    option: str
    synonyms: Mapping[str, Sequence[str]] = field(default_factory=dict)
    keeps_others: bool = False

    def rows(self, table: Path) -> list[tuple[int, dict[str, str]]]:
        """List (line number, stripped cells by column) of the rows; raises as :meth:`read`."""
        return self.read(table).rows

    def read(self, table: Path) -> "TableRows":
        """Read a table.

        Raises
        ------
        UsageError
            When the table cannot be read, lacks a column, or has one twice.
        """
        known = (*self.columns, *self.optional)
        try:
            text = decoded(table.read_bytes())
            lines = split(text, known)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            got = error.strerror if isinstance(error, OSError) else str(error)
            is_coded = isinstance(error, UnicodeDecodeError)
            raise self.unusable(
                table,
                f"a table that cannot be read: {got}",
                "a CSV file in UTF-8",
                'save it as "CSV UTF-8" in the spreadsheet program' if is_coded else "",
            ) from error
        names = [column(name) for name in lines[0][1]] if lines else []
        missing = [name for name in self.columns if name not in names]
        single = filter(None, names) if self.keeps_others else known
        twice = [name for name in single if names.count(name) > 1]
        if missing or twice:
            got = f"no column {', '.join(missing)}" if missing else f"two columns {twice[0]}"
            raise self.unusable(
                table,
                f"{got} among: {printable(', '.join(names)) or 'nothing'}",
                f"columns {','.join(self.columns)} and optionally {','.join(self.optional)}",
                self._hint(missing, names),
            )
        rows = [(line, _by_name(names, cells)) for line, cells in lines[1:] if any(cells)]
        return TableRows(names, rows, delimiter_of(text, known))

    def unusable(self, table: Path, got: str, wanted: str, hint: str = "") -> UsageError:
        """Return the error for a table that cannot be used at all."""
        todo = hint or f"correct the table, or give another one with {self.option}"
        return UsageError(got, wanted=wanted, where=str(table), todo=todo)

    def _hint(self, missing: Sequence[str], names: list[str]) -> str:
        """Return advice for a header without some columns; empty if there is none."""
        renames = [
            f"{printable(other)} to {name}"
            for name in missing
            for other in names
            if other in self.synonyms.get(name, ())
        ]
        if renames:
            return "rename the column " + ", ".join(dict.fromkeys(renames))
        if len(missing) == len(self.columns) and any("." in name for name in names):
            return f"put a first line {','.join(self.columns)} above the rows"
        return ""


def _by_name(names: list[str], cells: list[str]) -> dict[str, str]:
    """Return the cells of a row by column; those beyond the last one under the empty name.

    Columns without a name, such as the numbers of rows that pandas writes, are left out.
    """
    named = zip(names, cells + [""] * len(names), strict=False)
    row = {name: cell for name, cell in named if name}
    beyond = [cell for cell in cells[len(names) :] if cell]
    if beyond:
        row[BEYOND] = str(len(cells))
    return row


def beyond_error(cells: Mapping[str, str]) -> list[str]:
    """Return the error of a row with more cells than columns, if it is one."""
    if BEYOND not in cells:
        return []
    return [
        f"{cells[BEYOND]} cells, more than columns; quote a cell that holds the separator "
        "or a decimal comma"
    ]


def refused_rows(errors: Sequence[str], table: Path, *, wanted: str, todo: str) -> UsageError:
    """Return the error for a table with invalid rows; each error names its line."""
    more = [f"and {len(errors) - _MAX_ERRORS} more"] if len(errors) > _MAX_ERRORS else []
    count = "1 error" if len(errors) == 1 else f"{len(errors)} errors"
    got = "\n  ".join([f"{count} in the table:", *errors[:_MAX_ERRORS], *more])
    return UsageError(got, wanted=wanted, where=str(table), todo=todo)
