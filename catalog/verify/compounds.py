"""Verification of compounds against the actions that they were spliced from.

No frame is shown twice, every lead and tail frame is at rest and shows the face, and each row names
its own two takes, its own joints and the times of its own frames.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fmdata.catalog.clip import motion_of
from fmdata.catalog.rest import at_rest, first_stops, second_starts, second_stop
from fmdata.catalog.timing import nominal_rate, segment_times
from fmdata.catalog.types import ROLES, Motion, Segment
from fmdata.catalog.verify.finding import RESYNTH, Finding, after_deleting

Row = dict[str, Any]


@dataclass(frozen=True)
class _Source:
    """An action clip as far as compounds depend on it."""

    row: Row
    motion: Motion
    intensity: np.ndarray
    detected: np.ndarray

    @classmethod
    def of(cls, row: Row) -> "_Source | None":
        """Return the source of a row; None without a motion, or with an impossible one."""
        try:
            motion = motion_of(row)
        except (ValueError, TypeError):  # a finding of its own
            return None
        intensity, detected = (np.array(row[name]) for name in ("intensity", "detected"))
        return cls(row, motion, intensity, detected) if motion else None


def check_compounds(
    folder: Path, rows: list[Row], actions: list[Row], dropped: list[Row], *, smooth: bool
) -> Iterator[Finding]:
    """Check every compound against the clips of its segments.

    With `smooth`, the edges of the motions may have been moved.
    """
    names: dict[str, set[str]] = defaultdict(set)
    for row in [*actions, *dropped]:
        if row["action"]:  # that of a misplaced file is unknown
            names[row["subject"]].add(row["action"])
    sources = {row["key"]: source for row in actions if (source := _Source.of(row))}
    todo = after_deleting(f"the files of {folder.name}", RESYNTH)
    copies: Counter[tuple[Any, ...]] = Counter()
    for row in rows:
        problem = (
            _problem_of_frames(row, sources)
            or _problem_of_motions(row, sources, smooth=smooth)
            or _problem_of_padding(row, sources)
            or _problem_of_facts(row, sources, sorted(names[row["subject"]]))
        )
        if problem:
            yield Finding(str(folder), f"{row['key']}: {problem}", todo)
            continue
        frames = tuple((s["source"], s["start"], s["stop"]) for s in row["segments"])
        cell = (row["subject"], row["first"], row["second"], frames)
        copies[cell] += 1
        if copies[cell] > 1:
            yield Finding(str(folder), f"{row['key']}: the same frames as an earlier copy", todo)


def _problem_of_frames(row: Row, sources: Mapping[str, _Source]) -> str | None:
    """Return the problem of the frames that the segments name, or None."""
    segments = row["segments"]
    if tuple(segment["role"] for segment in segments) != ROLES:
        return "not lead, first, second, tail"
    sizes: list[int] = []
    shown: list[tuple[str, int]] = []
    for segment in segments:
        source = sources.get(segment["source"])
        if source is None:
            return f"a segment of {segment['source']}, which is missing or has no motion"
        if source.row["subject"] != row["subject"]:
            return f"a segment of {segment['source']}, of another subject"
        bounds = (segment["start"], segment["stop"])
        if None in bounds or not 0 <= bounds[0] <= bounds[1] <= source.row["n_frames"]:
            return f"a segment outside {segment['source']}"
        sizes += source.row["frame_size"][segment["start"] : segment["stop"]]
        shown += [(segment["source"], frame) for frame in range(*bounds)]
    if sizes != row["frame_size"]:
        return "other frames than its segments'"
    one_take = segments[1]["source"] == segments[2]["source"]
    for (key, frame), times in Counter(shown).items():
        if times > 1 and not one_take:
            return f"frame {frame} of {key} is shown {times} times"
    return None


def _problem_of_motions(row: Row, sources: Mapping[str, _Source], *, smooth: bool) -> str | None:
    """Return the problem of the two motions, or None."""
    _, first, second, _ = row["segments"]
    for segment, action, take in (
        (first, row["first"], row["first_take"]),
        (second, row["second"], row["second_take"]),
    ):
        source = sources[segment["source"]]
        motion = source.motion
        starts, stops = [motion.onset], [motion.offset]
        if segment is second:
            stops = [second_stop(motion)]
            starts = second_starts(motion, source.intensity) if smooth else starts
        elif smooth:
            stops = first_stops(motion, source.intensity)
        is_motion = segment["start"] in starts and segment["stop"] in stops
        if source.row["action"] != action or not is_motion:
            return f"its {segment['role']} is not the motion of {segment['source']}"
        if take != segment["source"]:
            return f"the take {take}, wanted {segment['source']}, of its {segment['role']}"
    return None


def _problem_of_padding(row: Row, sources: Mapping[str, _Source]) -> str | None:
    """Return the problem of lead and tail, or None."""
    lead, first, second, tail = row["segments"]
    if (lead["source"], lead["stop"]) != (first["source"], first["start"]):
        return "its lead does not end at the onset"
    if (tail["source"], tail["start"]) != (second["source"], second["stop"]):
        return "its tail does not follow its second motion"
    for segment in (lead, tail):
        source = sources[segment["source"]]
        fit = at_rest(source.intensity, source.detected, source.motion.amplitude_iod)
        if segment is tail and source.motion.style == "hold":
            fit = source.detected  # held frames
        if not fit[segment["start"] : segment["stop"]].all():
            return f"its {segment['role']} has frames that are not at rest, or show no face"
    return None


def _problem_of_facts(row: Row, sources: Mapping[str, _Source], names: list[str]) -> str | None:
    """Return the problem of label, rate, times or seams, or None; `names` are all actions."""
    label = names.index(row["first"]) * len(names) + names.index(row["second"])
    if row["label"] != label:
        return f"the label {row['label']}, wanted {label}"
    first = sources[row["first_take"]].row
    fps = nominal_rate(first["timestamps"], first["fps"])
    if row["fps"] != fps:
        return f"{row['fps']} frames per second, other than {first['key']}, which has {fps}"
    segments = [Segment(**segment) for segment in row["segments"]]
    times = segment_times(segments, lambda key: sources[key].row["timestamps"], fps)
    if not np.array_equal(times, np.array(row["timestamps"], np.float32)):
        return "other timestamps than its frames have in their sources"
    joints = sum(segment.n_frames > 0 for segment in segments) - 1
    seams = row["seams"]
    if len(seams) != joints or row["seam"] != max(seams, default=None):
        return f"seam {row['seam']} and {len(seams)} seams, wanted the largest of {joints}"
    return None
