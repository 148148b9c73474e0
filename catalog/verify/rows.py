"""Verification of all rows of a dataset together: keys, order, folds, motions, segments."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from fmdata.catalog.duplicates import Use, duplicates, n_subjects
from fmdata.catalog.keys import fold
from fmdata.catalog.storage.card import Part
from fmdata.catalog.types import ROLES, STYLES
from fmdata.catalog.verify.finding import REBUILD, RESYNTH, Finding, after_deleting

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
    """Check that every motion lies inside its clip, or that all its facts are null."""
    for row in rows:
        facts = tuple(row[name] for name in ("onset", "apex", "offset", "style"))
        if facts == (None, None, None, None):
            continue
        onset, apex, offset, style = facts
        ordered = None not in facts and 0 <= onset <= apex < offset <= row["n_frames"]
        held_short = style == "hold" and offset != row["n_frames"]
        if not ordered or style not in STYLES or held_short:
            problem = (
                f"{row['key']} of {row['n_frames']} frames has onset {onset}, apex {apex}, "
                f"offset {offset}, style {style}"
            )
            todo = after_deleting(f"the files of {folder.name}", REBUILD)
            yield Finding(str(folder), problem, todo)


def check_duplicates(folder: Path, rows: list[Row]) -> Iterator[Finding]:
    """Check that no two clips have the same source: a note for one subject, else an error."""
    uses = {
        Use(row["source_sha256"], row["subject"], row["key"], row["start"], row["stop"])
        for row in rows
    }
    for group in duplicates(uses):
        keys, is_note = ", ".join(use.name for use in group), n_subjects(group) == 1
        whose = "one subject" if is_note else f"{n_subjects(group)} subjects"
        problem = f"{len(group)} clips of {whose} from the same bytes: {keys}"
        todo = f"remove all but one of the recordings, then {REBUILD}"
        yield Finding(str(folder), problem, todo, is_note)


def check_compounds(
    folder: Path, rows: list[Row], actions: list[Row], dropped: list[Row]
) -> Iterator[Finding]:
    """Check every compound against the clips of its segments."""
    by_key = {row["key"]: row for row in actions}
    names: dict[str, set[str]] = defaultdict(set)
    for row in [*actions, *dropped]:
        if row["action"]:  # that of a misplaced file is unknown
            names[row["subject"]].add(row["action"])
    for row in rows:
        problem = _problem_of_segments(row, by_key)
        problem = problem or _problem_of_label(row, sorted(names[row["subject"]]))
        if problem:
            todo = after_deleting(f"the files of {folder.name}", RESYNTH)
            yield Finding(str(folder), f"{row['key']}: {problem}", todo)


def _problem_of_segments(row: Row, actions: dict[str, Row]) -> str | None:
    """Return the problem of a compound's segments, or None."""
    segments = row["segments"]
    if tuple(segment["role"] for segment in segments) != ROLES:
        return "not lead, first, second, tail"
    sizes: list[int] = []
    for segment in segments:
        source = actions.get(segment["source"])
        if source is None:
            return f"a segment of {segment['source']}, which is missing"
        if source["subject"] != row["subject"]:
            return f"a segment of {segment['source']}, of another subject"
        bounds = (segment["start"], segment["stop"])
        if None in bounds or not 0 <= bounds[0] <= bounds[1] <= source["n_frames"]:
            return f"a segment outside {segment['source']}"
        sizes += source["frame_size"][segment["start"] : segment["stop"]]
    if sizes != row["frame_size"]:
        return "other frames than its segments'"
    lead, first, second, tail = segments
    for segment, action in ((first, row["first"]), (second, row["second"])):
        source = actions[segment["source"]]
        motion = (action, source["onset"], source["offset"])
        if (source["action"], segment["start"], segment["stop"]) != motion:
            return f"its {segment['role']} is not the motion of {segment['source']}"
    if row["fps"] != actions[first["source"]]["fps"]:
        return f"{row['fps']} frames per second, other than {first['source']}"
    if (lead["source"], lead["stop"]) != (first["source"], first["start"]):
        return "its lead does not end at the onset"
    held = actions[tail["source"]]["style"] == "hold"
    edge = (tail["stop"], second["stop"]) if held else (tail["start"], second["stop"])
    if tail["source"] != second["source"] or edge[0] != edge[1]:
        return "its tail does not follow its second motion"
    return None


def _problem_of_label(row: Row, names: list[str]) -> str | None:
    """Return the problem of a compound's label, or None; `names` are its subject's actions."""
    label = names.index(row["first"]) * len(names) + names.index(row["second"])
    return None if row["label"] == label else f"the label {row['label']}, wanted {label}"
