"""Any folder whose names follow one pattern, such as ``{subject}_{action}_{take}``.

The pattern is compared with the path below the folder, without the extension; ``/`` separates
folders. ``{name}`` stands for one or more characters of one name, ``{name:d}`` for digits,
``{name:a}`` for letters and digits. Names other than subject, action and take become labels. Where
there is no ``{take}``, the takes are numbered in the order of the paths. A path that a pattern can
divide in two ways is left out and named, never guessed.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath

from fmdata.catalog.errors import UsageError
from fmdata.catalog.keys import composed
from fmdata.catalog.printable import printable
from fmdata.pipeline.reading.layouts.contents import Contents, Source, remark
from fmdata.pipeline.reading.layouts.layout import Layout
from fmdata.pipeline.reading.layouts.row import Label, Listed, Row
from fmdata.pipeline.reading.listing.kinds import is_named_video
from fmdata.pipeline.reading.listing.layout import stem

PATTERN = "{subject}_{action}_{take}"
_FIELD = re.compile(r"\{([^{}:/]*)(?::([^{}]*))?\}")
_KINDS = {None: "[^/]", "d": r"\d", "a": r"[^\W_]"}
_MAX_FIELDS = 12


class Flat(Layout):
    """Any layout that a pattern describes."""

    name = "flat"
    title = "the pattern"
    example = PATTERN

    def __init__(self, pattern: str = PATTERN) -> None:
        self.example = pattern
        self._text = composed(pattern.strip())
        self._fields = _fields(self._text)
        self._short, self._long = (_compiled(self._text, lazy) for lazy in ("?", ""))
        self.pattern = self._long

    def read(self, contents: Contents) -> Listed:
        """Make rows of the recordings whose path the pattern describes in one way."""
        rows, ambiguous = [], []
        for source in contents.sources:
            text = composed(_stem(source))
            short, long = self._short.fullmatch(text), self._long.fullmatch(text)
            if not short or not long:
                continue
            if short.groups() == long.groups():
                rows.append(self.row(source, long))
            else:
                ambiguous.append(f"{source.path} ({_shown(short)}, or {_shown(long)})")
        advice = "give a field its kind, as {take:d} or {subject:a}"
        notes = remark(f"names that can be divided in several ways, left out; {advice}", ambiguous)
        return Listed(rows if "take" in self._fields else [*_numbered(rows)], notes)

    def row(self, source: Source, match: re.Match[str]) -> Row:
        """Return the row of a recording."""
        values: dict[str, Label] = dict(zip(self._fields, match.groups(), strict=True))
        subject, action, take = (
            str(values.pop(name, "")) for name in ("subject", "action", "take")
        )
        return Row(source, subject, action, take, labels=values)


def _stem(source: Source) -> str:
    """Return the path that a pattern describes: that of a video without its extension."""
    path = source.path
    return str(path if source.images else path.with_name(stem(path.name)))


def _numbered(rows: list[Row]) -> Iterator[Row]:
    """Give the rows takes: 01, 02 and so on of each subject and action."""
    counts: Counter[tuple[str, str]] = Counter()
    for row in rows:
        counts[row.subject, row.action] += 1
        yield replace(row, take=f"{counts[row.subject, row.action]:02d}")


def _shown(match: re.Match[str]) -> str:
    return " ".join(printable(value) for value in match.groups())


def _fields(pattern: str) -> list[str]:
    """Return the names of the fields of a pattern, in order.

    Raises
    ------
    UsageError
        When the pattern is not valid.
    """
    names = [match[1].strip() for match in _FIELD.finditer(pattern)]
    kinds = {match[2] for match in _FIELD.finditer(pattern)} - set(_KINDS)
    missing = [f"{{{name}}}" for name in ("subject", "action") if name not in names]
    if "{" in (rest := _FIELD.sub("", pattern)) or "}" in rest:
        raise _refused(pattern, "a brace without its pair")
    if kinds:
        raise _refused(pattern, f"an unknown kind {{…:{sorted(kinds)[0]}}}")
    if missing:
        raise _refused(pattern, f"no {' and no '.join(missing)}")
    if "" in names or "path" in names or len(set(names)) < len(names) or len(names) > _MAX_FIELDS:
        raise _refused(pattern, f"fields that are empty, named path, there twice, or more than "
                                f"{_MAX_FIELDS}: {', '.join(names)}")  # fmt: skip
    if re.search(r"\}\{", pattern):
        raise _refused(pattern, "two fields with nothing between them")
    if PurePosixPath(pattern).is_absolute() or ".." in PurePosixPath(pattern).parts:
        raise _refused(pattern, "a path that is not below the folder")
    return names


def _refused(pattern: str, got: str) -> UsageError:
    return UsageError(
        f"{got} in the pattern {printable(pattern)}",
        wanted=f"a path below the folder, such as {PATTERN} or {{action}}/{{subject:a}}_{{take:d}}",
        where="--pattern",
        todo="write {subject} and {action}, and any {other} name, for the parts that change",
    )


def _compiled(pattern: str, lazy: str) -> re.Pattern[str]:
    """Return the regular expression of a pattern, with fields as short or as long as may be."""
    text, at = "", 0
    pattern = pattern.removeprefix("./")
    for match in _FIELD.finditer(pattern):
        text += re.escape(pattern[at : match.start()]) + f"({_KINDS[match[2]]}+{lazy})"
        at = match.end()
    end = pattern[at:]
    if is_named_video(PurePosixPath(f"x{end}")):
        end = str(PurePosixPath(f"x{end}").with_suffix(""))[1:]
    return re.compile(text + re.escape(end), re.DOTALL)
