"""The names of a folder of recordings as they were understood, for a person to check.

A layout one level off (a parent folder, a folder of training and validation sets) is valid, and
only its names show that it was not meant.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from fmdata.catalog.printable import printable
from fmdata.catalog.types import Recording

_MAX_NAMES = 8  # by name in a line
_SETS = frozenset(
    ("train", "training", "val", "valid", "validation", "dev", "test", "testing", "eval")
)
# Labels of facial expression data sets, and motions; as names of subjects they are suspicious.
_MOTIONS = frozenset(
    (
        "anger", "angry", "contempt", "disgust", "fear", "happiness", "happy", "neutral", "sad",
        "sadness", "surprise", "surprised", "smile", "frown", "blink", "wink", "others",
    )
)  # fmt: skip
_NUMBERED = re.compile(r"([^\W\d_]*)[-_ ]*\d+[a-z]?", re.IGNORECASE)
_UNITS = ("au", "a", "action", "e", "emotion", "m", "motion", "task", "t")  # of numbered actions
_MIN_PEOPLE = 3


def understood(recordings: Sequence[Recording]) -> list[str]:
    """Return lines on the subjects, actions and takes, and on signs of another layout."""
    subjects = sorted({r.subject for r in recordings})
    actions = sorted({r.action for r in recordings})
    takes = sorted(Counter((r.subject, r.action) for r in recordings).values())
    if not takes:
        return []
    span = f"{takes[0]}" if takes[0] == takes[-1] else f"{takes[0]} to {takes[-1]}"
    line = f"{_listed(subjects, 'subject')}; {_listed(actions, 'action')}; "
    line += f"{span} {'take' if takes[-1] == 1 else 'takes'} of each"
    return [line, *_signs(subjects, actions, recordings)]


def _listed(names: Sequence[str], kind: str) -> str:
    count = f"{len(names)} {kind}" + ("" if len(names) == 1 else "s")
    some = ", ".join(map(printable, names[:_MAX_NAMES]))
    return f"{count}: {some}" + (", …" if len(names) > _MAX_NAMES else "")


def _signs(
    subjects: Sequence[str], actions: Sequence[str], recordings: Iterable[Recording]
) -> Iterator[str]:
    """Yield a line for each sign of another layout than ``<subject>/<action>/<take>``."""
    if all(name.casefold() in _SETS for name in subjects):
        yield (
            "are the subjects parts of a data set? Then each of them is several people; name these "
            "in a table (--table)"
        )
    elif len(subjects) > 1 and all(name.casefold() in _MOTIONS for name in subjects):
        yield "are the subjects actions? Wanted is <subject>/<action>/<take>, in this order"
    elif len(subjects) == 1 and _are_people(actions):
        parent = printable(subjects[0])
        yield f"are the actions people? Then build with --subjects of the folder {parent} instead"
    elif len(subjects) >= _MIN_PEOPLE and _is_disjoint(recordings):
        yield "no two subjects share an action; wanted is <subject>/<action>/<take>"


def _are_people(names: Sequence[str]) -> bool:
    """Return whether names are numbered as people are: S005, sub01, p12."""
    matches = [_NUMBERED.fullmatch(name) for name in names]
    prefixes = {match[1].casefold() for match in matches if match}
    numbered = len(names) >= _MIN_PEOPLE and None not in matches
    return numbered and len(prefixes) == 1 and prefixes.isdisjoint(_UNITS)


def _is_disjoint(recordings: Iterable[Recording]) -> bool:
    owners: dict[str, set[str]] = defaultdict(set)
    for recording in recordings:
        owners[recording.action.casefold()].add(recording.subject)
    return all(len(subjects) == 1 for subjects in owners.values())
