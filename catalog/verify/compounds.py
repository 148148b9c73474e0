"""Verification of compounds against the actions that they were spliced from.

No frame is shown twice, every lead and tail frame is at rest and shows the face, and each row names
its own two takes, its own joints and the times of its own frames.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa

from fmdata.catalog.clip import ActionClip
from fmdata.catalog.clips import Clips
from fmdata.catalog.rest import at_rest, first_stops, second_starts, second_stop
from fmdata.catalog.storage.schema import per_frame
from fmdata.catalog.timing import nominal_rate, segment_times
from fmdata.catalog.types import ROLES, Motion, Segment
from fmdata.catalog.verify.finding import RESYNTH, Finding, after_deleting
from fmdata.catalog.virtual.clip import VirtualClip
from fmdata.catalog.virtual.compound import CompoundClip

Row = dict[str, Any]


@dataclass(frozen=True)
class _Source:
    """An action clip as far as compounds depend on it."""

    row: Row
    motion: Motion
    intensity: np.ndarray
    detected: np.ndarray
    times: np.ndarray
    sizes: np.ndarray

    @classmethod
    def of(cls, clip: ActionClip) -> "_Source | None":
        """Return the source of a clip; None without a motion, or with an impossible one."""
        try:
            motion = clip.motion
        except (ValueError, TypeError):  # a finding of its own
            return None
        if motion is None:
            return None
        table = clip.frames_table(["intensity", "detected", "timestamp", "jpeg_size"])
        return cls(clip.row, motion, *map(per_frame, table.columns))


def check_compounds(
    actions: Clips[ActionClip], compounds: Clips[CompoundClip], dropped: pa.Table
) -> Iterator[Finding]:
    """Check every compound against the clips of its segments, subject by subject.

    `dropped` is the table of dropped recordings, whose actions count in the labels.
    """
    smooth = bool(compounds.part.settings.get("smooth"))
    todo = after_deleting(f"the files of {compounds.folder.name}", RESYNTH)
    left_out: dict[str, set[str]] = defaultdict(set)
    for subject, action in zip(
        *(dropped[c].to_pylist() for c in ("subject", "action")), strict=True
    ):
        left_out[subject].add(action)
    for subject, clips in groupby(compounds, lambda clip: clip.subject):
        of_subject = _OfSubject.read(subject, actions, left_out[subject])
        copies: Counter[tuple[Any, ...]] = Counter()
        for clip in clips:
            row, sources = clip.row, of_subject.sources
            problem = (
                _problem_of_frames(clip, sources, actions)
                or _problem_of_motions(row, sources, smooth=smooth)
                or _problem_of_padding(row, sources)
                or _problem_of_facts(clip, of_subject)
            )
            frames = tuple((s["source"], s["start"], s["stop"]) for s in row["segments"])
            copies[row["first"], row["second"], frames] += 1
            if not problem and copies[row["first"], row["second"], frames] > 1:
                problem = "the same frames as an earlier copy"
            if problem:
                yield Finding(str(compounds.folder), f"{clip.key}: {problem}", todo)


@dataclass(frozen=True)
class _OfSubject:
    """The sources of one subject by key, and all its actions in alphabetical order."""

    sources: dict[str, _Source]
    actions: list[str]

    @classmethod
    def read(cls, subject: str, actions: Clips[ActionClip], dropped: Iterable[str]) -> "_OfSubject":
        """Read the clips of a subject; `dropped` are the actions of its dropped recordings."""
        # The action of a misplaced file is unknown.
        sources, names = {}, set(filter(None, dropped))
        for clip in actions.of_subject(subject):
            names.add(clip.action)
            if source := _Source.of(clip):
                sources[clip.key] = source

        return cls(sources, sorted(names))


def _problem_of_frames(
    clip: CompoundClip, sources: Mapping[str, _Source], actions: Clips[ActionClip]
) -> str | None:
    """Return the problem of the frames that the segments name, or None."""
    segments = clip.row["segments"]
    if tuple(segment["role"] for segment in segments) != ROLES:
        return "not lead, first, second, tail"
    sizes = [np.zeros(0, np.int64)]
    shown: list[tuple[str, int]] = []
    for segment in segments:
        source = sources.get(segment["source"])
        if source is None and segment["source"] in actions:
            return f"a segment of {segment['source']}, of another subject or without a motion"
        if source is None:
            return f"a segment of {segment['source']}, which is missing"
        bounds = (segment["start"], segment["stop"])
        if None in bounds or not 0 <= bounds[0] <= bounds[1] <= source.row["n_frames"]:
            return f"a segment outside {segment['source']}"
        sizes.append(source.sizes[slice(*bounds)])
        shown += [(segment["source"], frame) for frame in range(*bounds)]
    if isinstance(clip, VirtualClip):
        return _problem_of_repeats(segments, shown)  # its frames are made from its segments
    table = clip.frames_table(["source", "source_index", "jpeg_size"])
    if not np.array_equal(np.concatenate(sizes), per_frame(table["jpeg_size"])):
        return "other frames than its segments'"
    named = zip(table["source"].to_pylist(), table["source_index"].to_pylist(), strict=True)
    if list(named) != shown:
        return "rows of frames that name others than its segments"
    return _problem_of_repeats(segments, shown)


def _problem_of_repeats(segments: list[Row], shown: list[tuple[str, int]]) -> str | None:
    """Return the problem of a frame that is shown twice, or None."""
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


def _problem_of_facts(clip: CompoundClip, of_subject: _OfSubject) -> str | None:
    """Return the problem of label, rate, times or seams, or None."""
    row, names, sources = clip.row, of_subject.actions, of_subject.sources
    label = names.index(row["first"]) * len(names) + names.index(row["second"])
    if row["label"] != label:
        return f"the label {row['label']}, wanted {label}"
    first = sources[row["first_take"]]
    fps = nominal_rate(first.times, first.row["fps"])
    if row["fps"] != fps:
        return f"{row['fps']} frames per second, other than {first.row['key']}, which has {fps}"
    segments = [Segment(**segment) for segment in row["segments"]]
    times = segment_times(segments, lambda key: sources[key].times, fps)
    if not np.array_equal(times, clip.timestamps):
        return "other timestamps than its frames have in their sources"
    joints = sum(segment.n_frames > 0 for segment in segments) - 1
    seams = row["seams"]
    if len(seams) != joints or row["seam"] != max(seams, default=None):
        return f"seam {row['seam']} and {len(seams)} seams, wanted the largest of {joints}"
    return None
