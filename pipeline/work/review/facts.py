"""The row of a clip with and without a review: a pure function of the row and the intensity.

Promise: the row of a clip that was changed before is brought back exactly to what the stages have
found, so a build that changes a clip of a dataset and one that makes it anew write the same bytes.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from fmdata.catalog.clip import motion_of
from fmdata.catalog.keys import action_key
from fmdata.catalog.rest import with_rest
from fmdata.catalog.storage.schema import ACTION_FACTS, one_row, per_frame
from fmdata.catalog.storage.shards import Sample
from fmdata.catalog.types import Motion
from fmdata.pipeline.spotting.timing import PLATEAU_SHARE, noise_of
from fmdata.pipeline.work.review.override import Override
from fmdata.pipeline.work.row import columns_of, spotted_columns


def reviewed_facts(sample: Sample, override: Override, action: str, take: str) -> pa.Table:
    """Return a clip's row as a review changes it.

    Parameters
    ----------
    sample : Sample
        The clip, changed by an earlier review or not.
    override : Override
        The marks; without boundaries, the motion is the one that was spotted.
    action, take : str
        Names that the clip gets.
    """
    row = _as_found(_row(sample))
    names = {"action": action, "take": take, "key": action_key(row["subject"], action, take)}
    row |= names | {"review": override.note}
    if override.onset is not None:
        motion = given_motion(override, motion_of(row), sample)
        row |= columns_of(motion, row["n_frames"]) | {"motion_from": "given"}
    return one_row(ACTION_FACTS, row)


def found_facts(sample: Sample) -> pa.Table:
    """Return a clip's row as the stages have found it, without any review."""
    return one_row(ACTION_FACTS, _as_found(_row(sample)))


def given_motion(override: Override, spotted: Motion | None, sample: Sample) -> Motion:
    """Return the motion between given boundaries, measured on the stored intensity.

    The amplitude is the median intensity of the motion's plateau, the frames above 90 % of its
    largest. The apex, where none is given, is the spotted one if it lies inside, else the largest.
    """
    tables = [table.select(["intensity", "detected"]) for table in sample.frames]
    intensity, detected = (
        np.concatenate([per_frame(table[name]) for table in tables])
        for name in ("intensity", "detected")
    )
    onset, apex, offset = override.onset, override.apex, override.offset
    assert onset is not None
    assert offset is not None
    level = intensity.astype(np.float64)
    inside = level[onset:offset]
    if apex is None:
        is_inside = spotted is not None and onset < spotted.apex < offset
        apex = spotted.apex if spotted and is_inside else onset + 1 + int(np.argmax(inside[1:]))
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


def _row(sample: Sample) -> dict[str, Any]:
    row: dict[str, Any] = sample.facts.to_pylist()[0]
    return row


def _as_found(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with the names of the recording and the motion that was spotted."""
    action, take = row["recorded_action"], row["recorded_take"]
    found = (one for one in row["motions"] if one["onset"] == row["spotted_onset"])
    motion = next((motion_of(one) for one in found), None)
    return {
        **row,
        **columns_of(motion, row["n_frames"]),
        **spotted_columns(motion),
        "key": action_key(row["subject"], action, take),
        "action": action,
        "take": take,
        "review": None,
    }
