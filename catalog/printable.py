"""Safe printing of names that users chose, and short printing of arrays.

A file name may hold line breaks, terminal escape sequences, or marks that reverse the direction of
writing. Promise: the result of :func:`printable` is one line, reads in the order of its
characters, and cannot control a terminal.
"""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any, TextIO


def printable(name: str) -> str:
    r"""Return a name with each unprintable character escaped as in a Python literal.

    >>> print(printable("a\nb\x1b[31m\u202ec"))
    a\nb\x1b[31m\u202ec
    """
    if name.isprintable():
        return name
    return "".join(c if c.isprintable() else _escaped(c) for c in name)


def printable_lines(text: str) -> str:
    """Return a text with every line made printable; line breaks stay."""
    return "\n".join(map(printable, text.split("\n")))


class PrintableStream:
    """A text stream on which everything written is made printable; line breaks and tabs stay.

    With the streams of a process in it, no name, value, warning or traceback can control the
    terminal, whatever prints it.

    Attributes
    ----------
    stream : text file
        The stream itself, for a program's own control sequences.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write a text with unprintable characters escaped; return its length."""
        self.stream.write("\t".join(map(printable_lines, text.split("\t"))))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


class ArrayRepr:
    """Gives a dataclass a short repr that shows an array as dtype and shape, never its values."""

    def __repr__(self) -> str:
        parts = []
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if hasattr(value, "dtype") and hasattr(value, "shape"):
                shown = f"{value.dtype}{list(value.shape)}"
            else:
                shown = f"{value:.4g}" if isinstance(value, float) else repr(value)
            parts.append(f"{field.name}={shown}")
        return f"{type(self).__name__}({', '.join(parts)})"


def listing(title: str, rows: Iterable[tuple[str, object]]) -> str:
    """Return a title and, below it, names and values in two aligned columns; all printable.

    >>> print(listing("dataset", [("clips", 36), ("dropped", 0)]))
    dataset
      clips    36
      dropped  0
    """
    cells = [(printable(name), printable(str(value))) for name, value in rows]
    width = max((len(name) for name, _ in cells), default=0)
    lines = [f"  {name:{width}}  {value}".rstrip() for name, value in cells]
    return "\n".join([printable(title), *lines])


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
