"""Labels: the other columns of a table of recordings, each with one type for the whole table.

Promise: a cell keeps its value, or its text; nothing is guessed from a part of a column.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from fmdata.catalog.given.labels import MAX_BYTES, MAX_LABELS, Label, Value
from fmdata.catalog.given.truth import Labelled
from fmdata.catalog.keys import composed
from fmdata.catalog.printable import printable
from fmdata.catalog.storage.schema import ACTION_COLUMNS, TIMES

# Columns beside boundaries that a build measures anew; `fmdata spot` and the truth of `fmdata
# simulate` have some of them.
MEASURED = ("style", "amplitude", "snr", "n_frames")
# Leading zeros belong to codes such as 007, which are texts.
_INTEGER = re.compile(r"[+-]?(0|[1-9]\d*)", re.ASCII)
_REAL = re.compile(r"[+-]?(0|[1-9]\d*)?(\.\d*)?(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_WORDS = {"true": True, "yes": True, "false": False, "no": False}
_INT64 = range(-(2**63), 2**63)


def label_names(names: Iterable[str], known: Sequence[str]) -> dict[str, str]:
    """Return the names of the labels among the columns of a table, by column.

    A name keeps its letters and digits; any other characters become ``_``.

    Raises
    ------
    ValueError
        With words, when a name is that of a column which fmdata writes, or of another label, or
        has no letter, or there are too many labels.
    """
    found: dict[str, str] = {}
    names = list(names)
    passed_over = {"", *known, *measured(names)}
    for column in names:
        if column in passed_over:
            continue
        name = re.sub(r"\W+", "_", column).strip("_")
        if not name:
            raise ValueError(f"a column {printable(column)}, a name without a letter")
        if name in ACTION_COLUMNS.clips.names:
            raise ValueError(f"a column {name}, which is one that fmdata writes itself")
        if name in found.values():
            raise ValueError(f"two columns {name}")
        found[column] = name
    if len(found) > MAX_LABELS:
        raise ValueError(f"{len(found)} columns beside fmdata's own, at most {MAX_LABELS}")
    return found


def measured(names: Iterable[str]) -> list[str]:
    """Return the columns of a table that a build measures itself, where boundaries are given."""
    found = {*names}
    is_given = not found.isdisjoint({TIMES[0], f"{TIMES[0]}_s"})
    return [name for name in MEASURED if name in found] if is_given else []


def labelled(
    rows: Sequence[Mapping[str, str]], names: Mapping[str, str], *, decimal_comma: bool
) -> list[tuple[Labelled, ...]]:
    """Return the labels of each row, sorted by name.

    Parameters
    ----------
    rows : sequence of mapping
        Cells by column.
    names : mapping
        Names of the labels, by column.
    decimal_comma : bool
        Whether ``1,5`` is a number; if not, it is a text, which may be a list.
    """
    columns = []
    for column, name in sorted(names.items(), key=lambda item: item[1]):
        kind, values = _typed([row[column] for row in rows], decimal_comma)
        label = Label(name, kind)
        columns.append([Labelled(label, value) for value in values])
    return list(zip(*columns, strict=True)) if columns else [() for _ in rows]


def size_error(cells: Mapping[str, str], names: Iterable[str]) -> Iterator[str]:
    """Yield the error of a row whose labels are too long, if it is one."""
    size = sum(len(cells[name].encode()) for name in names)
    if size > MAX_BYTES:
        yield f"its labels have {size} bytes, at most {MAX_BYTES} are kept"


def _typed(cells: Sequence[str], decimal_comma: bool) -> tuple[str, list[Value | None]]:
    """Return the type of a column, and its values."""
    filled = [cell for cell in cells if cell]
    plain = {cell: cell.replace(",", ".") if decimal_comma else cell for cell in filled}
    if not filled:
        return "text", [None] * len(cells)
    if all(_INTEGER.fullmatch(cell) and len(cell) <= 20 and int(cell) in _INT64 for cell in filled):
        return "integer", [int(cell) if cell else None for cell in cells]
    if all(_is_real(cell) for cell in plain.values()):
        return "real", [float(plain[cell]) if cell else None for cell in cells]
    if all(cell.casefold() in _WORDS for cell in filled):
        return "boolean", [_WORDS[cell.casefold()] if cell else None for cell in cells]
    return "text", [composed(cell) if cell else None for cell in cells]


def _is_real(cell: str) -> bool:
    """Return whether a cell is a finite number, of no more digits than a float keeps."""
    if not _REAL.fullmatch(cell) or not re.search(r"\d", cell.split("e")[0].split("E")[0]):
        return False
    return math.isfinite(float(cell)) and sum(map(str.isdigit, cell)) <= 17
