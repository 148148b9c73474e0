"""Agreement of spotting with boundaries that a table gives: every data set with truth is a test.

Errors are spotted minus given, in frames. The intersection over union (IoU) of two motions is the
number of frames in both over that in either; a motion counts as found from an IoU of 0.5 on, as in
the spotting challenges (MEGC). A miss is a clip in which no motion was spotted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fmdata.catalog.given.overlap import FOUND_IOU, iou
from fmdata.catalog.storage.schema import GIVEN, SPOTTED

COLUMNS = (GIVEN[0], GIVEN[2], SPOTTED[0], SPOTTED[2])


def iou_of(row: Mapping[str, Any]) -> float | None:
    """Return the IoU of the given and the spotted motion of a row; 0 for a miss, None if ungiven.

    >>> iou_of({"given_onset": 0, "given_offset": 8, "spotted_onset": 4, "spotted_offset": 12})
    0.3333333333333333
    """
    onset, offset, spotted, end = (row[name] for name in COLUMNS)
    if onset is None:
        return None
    if spotted is None:
        return 0.0
    return float(iou(onset, offset, spotted, end))


@dataclass(frozen=True)
class Edge:
    """Errors of an onset or offset over the clips in which a motion was spotted, in frames.

    Attributes
    ----------
    median, mean : float
        Of the sizes of the errors.
    bias : float
        Mean of the errors with their signs; positive where spotted later than given.
    """

    median: float
    mean: float
    bias: float

    @classmethod
    def of(cls, errors: np.ndarray) -> "Edge":
        """Return the statistics of errors, int [N]."""
        sizes = np.abs(errors)
        return cls(float(np.median(sizes)), float(sizes.mean()), float(errors.mean()))

    def __str__(self) -> str:
        return f"median {self.median:.3g}, mean {self.mean:.3g} ({self.bias:+.3g})"


@dataclass(frozen=True)
class Agreement:
    """Agreement over a dataset; ``str()`` of it is the text for the user.

    Attributes
    ----------
    clips, missed : int
        Clips whose boundaries a table gives, and those of them without a spotted motion.
    onset, offset : Edge or None
        Errors; None where all were missed.
    iou_median : float
        Over all these clips; a miss has 0.
    found_share : float
        Share of them with an IoU of at least 0.5.
    """

    clips: int
    missed: int
    onset: Edge | None
    offset: Edge | None
    iou_median: float
    found_share: float

    @classmethod
    def of(cls, clips: pa.Table) -> "Agreement | None":
        """Return the agreement over a table of clips with :data:`COLUMNS`; None without truth."""
        given = clips.filter(pc.is_valid(clips[GIVEN[0]]))
        found = given.filter(pc.is_valid(given[SPOTTED[0]]))
        if not given.num_rows:
            return None
        onset, offset, spotted, end = (found[name].to_numpy() for name in COLUMNS)
        missed = given.num_rows - found.num_rows
        ious = np.concatenate([iou(onset, offset, spotted, end), np.zeros(missed)])
        return cls(
            given.num_rows,
            missed,
            Edge.of(spotted - onset) if len(onset) else None,
            Edge.of(end - offset) if len(onset) else None,
            float(np.median(ious)),
            float((ious >= FOUND_IOU).mean()),
        )

    def __str__(self) -> str:
        words = [f"{self.clips} clips with given boundaries, no motion spotted in {self.missed}"]
        if self.onset and self.offset:
            words.append(f"frames off: onset {self.onset}, offset {self.offset}")
        words.append(f"IoU median {self.iou_median:.2f}, at least 0.5 in {self.found_share:.0%}")
        return "; ".join(words)
