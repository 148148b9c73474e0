"""Names of people's own choosing, made safe to show.

A file's name may hold line breaks, a terminal's escape sequences, or marks that turn the direction
of writing. Promise: what is shown is one line, reads in the order of its characters, and does
nothing to the terminal.
"""


def shown(name: str) -> str:
    r"""Return a name with all that is not printable written as Python would.

    >>> print(shown("a\nb\x1b[31m\u202ec"))
    a\nb\x1b[31m\u202ec
    """
    if name.isprintable():
        return name
    return "".join(c if c.isprintable() else _escaped(c) for c in name)


def shown_lines(text: str) -> str:
    """Return a text of several lines made safe to show, its line breaks kept."""
    return "\n".join(map(shown, text.split("\n")))


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
