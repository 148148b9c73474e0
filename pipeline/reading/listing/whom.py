"""Spelling of the person that a recording follows, where its picture shows several.

Written as ``largest``, ``left``, ``right`` or ``centre``, or as a point ``x,y`` of the picture that
lies on the face, in pixels of the displayed frame.
"""

import re

PLACES = ("largest", "left", "right", "centre")
_POINT = re.compile(r"(\d+(?:\.\d*)?)\s*[,; ]\s*(\d+(?:\.\d*)?)")


def person(cell: str) -> str | None:
    """Return a cell's person in one spelling; None if empty.

    >>> person("Left"), person("412, 230.0"), person("")
    ('left', '412,230', None)

    Raises
    ------
    ValueError
        For anything else.
    """
    if not cell:
        return None
    word = {"center": "centre"}.get(cell.casefold(), cell.casefold())
    if word in PLACES:
        return word
    if not (match := _POINT.fullmatch(cell)):
        raise ValueError(cell)
    return ",".join(f"{float(number):g}" for number in match.groups())


def point_of(person: str) -> tuple[float, float] | None:
    """Return the point that a person is named by, in pixels; None for one of :data:`PLACES`."""
    if person in PLACES:
        return None
    x, y = person.split(",")
    return float(x), float(y)
