"""Clips whose recordings are gone: many at once are a missing disk rather than a wish.

Promise: a build deletes no subject, and no more than a tenth of the clips, unless the user asks for
it with ``--prune``.
"""

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from pathlib import Path

from fmdata.catalog.errors import UsageError
from fmdata.catalog.printable import printable

MAX_SHARE = 0.1  # of the clips that may vanish without --prune
_MAX_LISTED = 5


def require_present(
    subjects: Mapping[str, str], found: Set[str], out: Path, *, prune: bool
) -> None:
    """Raise UsageError when the recordings of a subject, or of many clips, are gone.

    Parameters
    ----------
    subjects : mapping of str to str
        The subject of each clip of the dataset, by key.
    found : set of str
        Keys of the recordings of this build.
    out : Path
        The dataset.
    prune : bool
        Whether clips without a recording may be deleted.
    """
    gone = [key for key in subjects if key not in found]
    if not gone or (prune and len(gone) < len(subjects)):
        return
    whole = Counter(subjects.values())
    left = whole - Counter(subjects[key] for key in gone)
    lost = [subject for subject in whole if not left[subject]]
    if not lost and len(gone) <= MAX_SHARE * len(subjects):
        return
    if len(gone) == len(subjects):
        raise UsageError(
            f"a dataset of {len(subjects)} clips, none of them from these recordings",
            wanted="a dataset of the same recordings, some of them new or changed perhaps",
            where=str(out),
            todo="name the right --subjects, or another folder with --out; "
            "the dataset was left as it is",
        )
    what = f"all of {_listed(lost)}" if lost else _listed(gone)
    raise UsageError(
        f"no recordings any more for {len(gone)} of {len(subjects)} clips: {what}",
        wanted=f"the recordings of every subject, and of at least {1 - MAX_SHARE:.0%} of the clips",
        where=str(out),
        todo="mount or restore the folder of the recordings; or delete these clips with --prune; "
        "the dataset was left as it is",
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else ""
    return ", ".join(map(printable, names[:_MAX_LISTED])) + more
