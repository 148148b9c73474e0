"""The row of a clip with what a table or a review gives: a function of the row and its frames.

Promise: the row of a clip that was changed before is brought back exactly to what the stages have
found, so a build that changes a clip of a dataset and one that makes it anew write the same bytes.
What a review gives counts more than what a table gives, and that more than what was spotted.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from fmdata.catalog.clip import motion_of
from fmdata.catalog.given.labels import is_label
from fmdata.catalog.given.truth import Given
from fmdata.catalog.keys import action_key
from fmdata.catalog.rest import with_rest
from fmdata.catalog.storage.schema import ACTION_COLUMNS, one_row, per_frame, with_labels
from fmdata.catalog.storage.shards import Sample
from fmdata.catalog.types import Motion
from fmdata.pipeline.spotting.timing import PLATEAU_SHARE, noise_of
from fmdata.pipeline.work.given import Bounds, bounds_of
from fmdata.pipeline.work.review.override import Override
from fmdata.pipeline.work.row import columns_of, given_columns, spotted_columns


def reviewed_facts(
    sample: Sample, override: Override, action: str, take: str, given: Given | None = None
) -> pa.Table:
    """Return a clip's row as a review changes it.

    Parameters
    ----------
    sample : Sample
        The clip, changed by an earlier review or not.
    override : Override
        The marks; without boundaries, the motion is the one of the table, or was spotted.
    action, take : str
        Names that the clip gets.
    given : Given, optional
        What a table gives.

    Raises
    ------
    ValueError
        As :func:`given_bounds`.
    """
    spotted = motion_of(_as_found(_row(sample)))
    row = _with_given(sample, given)
    names = {"action": action, "take": take, "key": action_key(row["subject"], action, take)}
    row |= names | {"review": override.note}
    if override.onset is not None and override.offset is not None:
        bounds = Bounds(override.onset, override.apex, override.offset)
        if override.apex is None and spotted and bounds.onset < spotted.apex < bounds.offset:
            bounds = bounds._replace(apex=spotted.apex)
        row |= _moving(sample, bounds, first=bounds.onset + 1)
    return _table(row, given)


def found_facts(sample: Sample, given: Given | None = None) -> pa.Table:
    """Return a clip's row as the stages have found it and a table gives it, without any review.

    Raises
    ------
    ValueError
        As :func:`given_bounds`.
    """
    return _table(_with_given(sample, given), given)


def given_bounds(sample: Sample, given: Given | None) -> Bounds | None:
    """Return the boundaries that a table gives, in frames of a clip; None without any.

    Raises
    ------
    ValueError
        With words, when they are not in the clip.
    """
    if given is None or given.times is None:
        return None
    row = _row(sample)
    n_frames, first = row["n_frames"], row["first_frame"]
    return bounds_of(given.times, first, n_frames, lambda: _columns(sample, "timestamp")[0])


def _table(row: dict[str, Any], given: Given | None) -> pa.Table:
    labels = tuple(one.label for one in given.labels) if given else ()
    return one_row(with_labels(ACTION_COLUMNS, labels).facts, row)


def _with_given(sample: Sample, given: Given | None) -> dict[str, Any]:
    """Return a clip's row as the stages have found it and a table gives it."""
    row = _as_found(_row(sample))
    if given is None:
        return row
    row |= {one.label.column: one.value for one in given.labels}
    if bounds := given_bounds(sample, given):
        row |= _moving(sample, bounds, first=bounds.onset)
        row |= given_columns(given.spelt_times, bounds)
    return row


def _moving(sample: Sample, bounds: Bounds, *, first: int) -> dict[str, Any]:
    """Return the columns of a given motion; `first` is the first frame that may be its apex."""
    row = _row(sample)
    intensity, detected = _columns(sample, "intensity", "detected")
    motion = given_motion(bounds, intensity, detected, first)
    return columns_of(motion, row["n_frames"]) | {"motion_from": "given"}


def given_motion(bounds: Bounds, intensity: np.ndarray, detected: np.ndarray, first: int) -> Motion:
    """Return the motion between given boundaries, measured on the stored intensity.

    The amplitude is the median intensity of the motion's plateau, the frames above 90 % of its
    largest. The apex, where none is given, is the frame of the largest intensity from `first` on.
    """
    onset, apex, offset = bounds
    level = intensity.astype(np.float64)
    inside = level[onset:offset]
    if apex is None:
        apex = apex_of(intensity, first, offset)
    top = float(np.median(inside[inside >= PLATEAU_SHARE * inside.max()]))
    motion = Motion(
        onset=onset,
        apex=apex,
        offset=offset,
        style="hold" if offset == len(level) else "return",
        amplitude_iod=top,
        snr=top / noise_of(np.concatenate([level[:onset], level[offset:]])),
        lead=0,
        style_margin=1.0,
    )
    return with_rest(motion, intensity, detected)


def apex_of(intensity: np.ndarray, first: int, offset: int) -> int:
    """Return the frame of the largest intensity, float [T], in ``[first, offset)``."""
    return first + int(np.argmax(intensity[first:offset]))


def _row(sample: Sample) -> dict[str, Any]:
    row: dict[str, Any] = sample.facts.to_pylist()[0]
    return row


def _columns(sample: Sample, *names: str) -> list[np.ndarray]:
    """Return some facts of every frame, an array [T] each."""
    tables = [table.select(names) for table in sample.frames]
    return [np.concatenate([per_frame(table[name]) for table in tables]) for name in names]


def _as_found(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with the names of the recording and the motion that was spotted, unlabelled."""
    action, take = row["recorded_action"], row["recorded_take"]
    found = (one for one in row["motions"] if one["onset"] == row["spotted_onset"])
    motion = next((motion_of(one) for one in found), None)
    return {
        **{name: value for name, value in row.items() if not is_label(name)},
        **columns_of(motion, row["n_frames"]),
        **spotted_columns(motion),
        **given_columns(),
        "key": action_key(row["subject"], action, take),
        "action": action,
        "take": take,
        "review": None,
    }
