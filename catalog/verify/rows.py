"""Verification of all rows of a dataset together: keys, order, folds, motions."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from fmdata.catalog.clip import motion_of
from fmdata.catalog.keys import fold
from fmdata.catalog.rest import with_rest
from fmdata.catalog.storage.card import Part
from fmdata.catalog.types import STYLES
from fmdata.catalog.verify.duplicates import Use, duplicates, n_subjects
from fmdata.catalog.verify.finding import REBUILD, Finding, after_deleting

Row = dict[str, Any]


def check_names(
    folder: Path, part: Part, rows: list[Row], seed: int, todo: str
) -> Iterator[Finding]:
    """Check the number of clips, unique keys, the order, and the fold of each subject."""
    todo = after_deleting(f"the files of {folder.name}", todo)
    if part.samples != len(rows):
        problem = f"{len(rows)} clips in its shards, and the card says {part.samples}"
        yield Finding(str(folder), problem, todo)
    for key, count in Counter(row["key"] for row in rows).items():
        if count > 1:
            yield Finding(str(folder), f"{count} samples with the key {key}", todo)
    for one, other in pairwise(rows):
        if (one["fold"], one["subject"]) > (other["fold"], other["subject"]):
            problem = f"{one['key']} before {other['key']}, not in order"
            yield Finding(str(folder), problem, todo)
    for subject, found in sorted({(row["subject"], row["fold"]) for row in rows}):
        if found != fold(subject, seed):
            problem = f"subject {subject} in fold {found}, wanted {fold(subject, seed)}"
            yield Finding(str(folder), problem, todo)


def check_motions(folder: Path, rows: list[Row]) -> Iterator[Finding]:
    """Check that every motion lies inside its clip, between frames at rest, or is all null."""
    todo = after_deleting(f"the files of {folder.name}", REBUILD)
    for row in rows:
        facts = tuple(row[name] for name in ("onset", "apex", "offset", "style"))
        spans = [(one["onset"], one["offset"]) for one in row["motions"]]
        if facts == (None, None, None, None) and not spans:
            continue
        onset, apex, offset, style = facts
        ordered = None not in facts and 0 <= onset <= apex < offset <= row["n_frames"]
        held_short = style == "hold" and offset != row["n_frames"]
        apart = all(one[1] <= other[0] for one, other in pairwise(spans))
        listed = (onset, offset) in spans and apart
        if not ordered or style not in STYLES or held_short or not listed:
            problem = (
                f"{row['key']} of {row['n_frames']} frames has onset {onset}, apex {apex}, "
                f"offset {offset}, style {style}, motions {spans}"
            )
            yield Finding(str(folder), problem, todo)
        elif wrong := _problem_of_rest(row):
            yield Finding(str(folder), f"{row['key']}: {wrong}", todo)


def _problem_of_rest(row: Row) -> str | None:
    """Return the problem of the frames at rest that a row with a motion counts, or None."""
    motion = motion_of(row)
    assert motion is not None
    counted = with_rest(motion, np.array(row["intensity"], np.float32), row["detected"])
    if counted == motion:
        return None
    return (
        f"lead {motion.lead} and trail {motion.trail}, wanted {counted.lead} and {counted.trail}, "
        "the frames at rest beside its motion"
    )


def check_duplicates(folder: Path, rows: list[Row]) -> Iterator[Finding]:
    """Note the clips that have the same source."""
    uses = {
        Use(row["source_sha256"], row["subject"], row["key"], row["start"], row["stop"])
        for row in rows
    }
    for group in duplicates(uses):
        keys, n = ", ".join(use.name for use in group), n_subjects(group)
        whose = "one subject" if n == 1 else f"{n} subjects"
        problem = f"{len(group)} clips of {whose} from the same bytes: {keys}"
        todo = f"remove all but one of the recordings, then {REBUILD}"
        yield Finding(str(folder), problem, todo, is_note=True)
