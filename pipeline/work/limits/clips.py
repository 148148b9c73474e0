"""Limits by which clips are kept or dropped after they are made: pose range and length.

Another limit needs no frame decoded again: a clip carries both, and so does the record of a
recording that was dropped for its pose range. One that was dropped for its length is built again
where the limit of the length differs.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fmdata.catalog.errors import RecordingError
from fmdata.catalog.types import Dropped, Recording
from fmdata.pipeline.reading.length import too_long
from fmdata.pipeline.settings import BuildSettings
from fmdata.pipeline.work.outcome import ReadyClip, drop

UNSTEADY = "unsteady"


def drop_beyond(
    recording: Recording, found: ReadyClip | Dropped, settings: BuildSettings
) -> Dropped | None:
    """Return the record of a recording that is beyond a limit, else None.

    Parameters
    ----------
    recording : Recording
        The clip's source.
    found : ReadyClip or Dropped
        The clip, or the record of a clip that was dropped before.
    settings : BuildSettings
        The limits: frames, and degrees.
    """
    if isinstance(found, ReadyClip) and found.n_frames > settings.max_frames:
        return drop(recording, too_long(settings.max_frames))
    limit, pose_range = settings.max_pose_range, found.pose_range
    if limit is None or pose_range is None or pose_range <= limit:
        return None
    detail = (
        f"the head's pose ranges over {pose_range:.1f} degrees, "
        f"wanted at most {limit:g} (--max-pose-range)"
    )
    error = RecordingError("landmarks", UNSTEADY, detail)
    return replace(drop(recording, error), pose_range=pose_range)


def may_return(dropped: Dropped, settings: BuildSettings, before: Mapping[str, Any]) -> bool:
    """Return whether a recording was dropped by a limit that may keep it at present.

    `before` holds the settings of the build that dropped it.
    """
    is_new = before.get("max_frames") != settings.max_frames
    if is_new and dropped.reason in ("too_large", UNSTEADY):
        return True
    if dropped.reason != UNSTEADY or dropped.pose_range is None:
        return False
    return settings.max_pose_range is None or dropped.pose_range <= settings.max_pose_range
