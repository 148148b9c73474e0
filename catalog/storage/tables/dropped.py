"""Actions of which recordings were dropped: they count for the labels of compounds."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any


def dropped_actions(rows: Iterable[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """Return, for each subject of the dropped list, its actions there, both sorted.

    Parameters
    ----------
    rows : iterable of mapping
        Rows of the dropped list, with `subject` and `action`.
    """
    found: dict[str, set[str]] = {}
    for row in rows:
        if row["action"]:  # that of a misplaced file is unknown
            found.setdefault(row["subject"], set()).add(row["action"])
    return {subject: tuple(sorted(found[subject])) for subject in sorted(found)}


def digest_of(dropped: Mapping[str, tuple[str, ...]]) -> str:
    """Return the digest of the result of :func:`dropped_actions`."""
    return hashlib.sha256(json.dumps(dropped).encode()).hexdigest()
