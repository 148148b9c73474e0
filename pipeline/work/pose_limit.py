"""Which clips are steady enough: leaving out those in which the head turns too far.

A network that learns of itself may learn head poses in place of facial motions. The 2023 paper
(section 4.3) therefore takes only "the clips with a stable head pose across all frames", and says
no number; here it is ``--max-pose-range``, in degrees, and the measure is a row's ``pose_range``:
the largest range of yaw, pitch or roll over the frames with a face.

Promise: a clip's work does not depend on the limit. It is chosen, or left out, when the clips are
packed, so another limit costs no decoding, but for clips whose work is no longer there.
"""

from dataclasses import replace

from fmdata.catalog.errors import RecordingError
from fmdata.catalog.types import Dropped, Recording
from fmdata.pipeline.work.outcome import drop

UNSTEADY = "unsteady"


def too_unsteady(recording: Recording, pose_range: float, limit: float | None) -> Dropped | None:
    """Return the record of a recording whose head turns by more than `limit`, or None.

    Parameters
    ----------
    recording : Recording
        What the clip was made from.
    pose_range : float
        Of the clip, in degrees.
    limit : float or None
        Largest range to keep, in degrees; None keeps all.
    """
    if limit is None or pose_range <= limit:
        return None
    detail = (
        f"the head's pose ranges over {pose_range:.1f} degrees, "
        f"wanted at most {limit:g} (--max-pose-range)"
    )
    fault = RecordingError("landmarks", UNSTEADY, detail)
    return replace(drop(recording, fault), pose_range=pose_range)
