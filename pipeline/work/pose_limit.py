"""The limit of the head's pose range, by which clips are kept or dropped after they are made.

Another limit needs no frame decoded again: a clip carries its pose range, and so does the record of
a recording that was dropped for it.
"""

from dataclasses import replace

from fmdata.catalog.errors import RecordingError
from fmdata.catalog.types import Dropped, Recording
from fmdata.pipeline.work.outcome import drop

UNSTEADY = "unsteady"


def drop_if_unsteady(
    recording: Recording, pose_range: float, limit: float | None
) -> Dropped | None:
    """Return the record of a recording whose head turns by more than `limit`, else None.

    Parameters
    ----------
    recording : Recording
        The clip's source.
    pose_range : float
        Largest range of the clip's yaw, pitch or roll, in degrees.
    limit : float or None
        Largest range to keep, in degrees; None keeps all.
    """
    if limit is None or pose_range <= limit:
        return None
    detail = (
        f"the head's pose ranges over {pose_range:.1f} degrees, "
        f"wanted at most {limit:g} (--max-pose-range)"
    )
    error = RecordingError("landmarks", UNSTEADY, detail)
    return replace(drop(recording, error), pose_range=pose_range)


def is_steady_now(dropped: Dropped, limit: float | None) -> bool:
    """Return whether a recording was dropped as unsteady that the present limit keeps."""
    if dropped.reason != UNSTEADY or dropped.pose_range is None:
        return False
    return limit is None or dropped.pose_range <= limit
